// Names of numbers, IANA "Domain Name System (DNS) Parameters". Others are written as RFC 3597 has them: TYPE123, CLASS4.
export const typeNumber = { A: 1, NS: 2, CNAME: 5, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33, DNAME: 39 } as const;

const types: ReadonlyMap<number, string> = new Map([
  ...Object.entries(typeNumber).map(([name, number]) => [number, name] as const),
  ...([
    [6, "SOA"],
    [13, "HINFO"],
    [35, "NAPTR"],
    [41, "OPT"],
    [43, "DS"],
    [46, "RRSIG"],
    [47, "NSEC"],
  ] as const),
  ...([
    [48, "DNSKEY"],
    [52, "TLSA"],
    [64, "SVCB"],
    [65, "HTTPS"],
    [251, "IXFR"],
    [252, "AXFR"],
    [255, "ANY"],
  ] as const),
  [257, "CAA"],
]);

export const internetClass = 1;

const classes: ReadonlyMap<number, string> = new Map([
  [internetClass, "IN"],
  [3, "CH"],
  [4, "HS"],
  [254, "NONE"],
  [255, "ANY"],
]);

const codes = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET"];

export const typeName = (type: number): string => types.get(type) ?? `TYPE${type}`;

export const className = (number: number): string => classes.get(number) ?? `CLASS${number}`;

/** What became of a query: NOERROR, NXDOMAIN, … */
export const rcodeName = (rcode: number): string => codes[rcode] ?? `RCODE${rcode}`;

// IANA protocol numbers by the names that projectcalico.org/v3 and networking.k8s.io/v1 use.
const numbers: Readonly<Record<string, number>> = {
  ICMP: 1,
  TCP: 6,
  UDP: 17,
  ICMPv6: 58,
  SCTP: 132,
  UDPLite: 136,
};

const folded = new Map(Object.entries(numbers).map(([name, number]) => [name.toLowerCase(), number]));
const names = new Map(Object.entries(numbers).map(([name, number]) => [number, name]));

/** Whatever the case: projectcalico.org/v3 folds it, older manifests say `tcp`. */
export function protocolNumber(name: string): number | undefined {
  return folded.get(name.toLowerCase());
}

/** `TCP`, or the number where the protocol has no name here. */
export function protocolName(number: number): string {
  return names.get(number) ?? String(number);
}

/** True of TCP, UDP, SCTP and UDPLite: their headers begin with source and destination port. */
export function hasPorts(protocol: number): boolean {
  return protocol === 6 || protocol === 17 || protocol === 132 || protocol === 136;
}

export const icmpOfFamily = { 4: 1, 6: 58 } as const;

import { parseAddress, parseCidr } from "../../core/address.ts";
import type { DnsQuery } from "../../core/dns-query.ts";
import { dnsRecord } from "../support/dns-record.ts";
import { pod, seconds } from "../support/flows.ts";

export const dnsRecordsOfCases = [
  dnsRecord(),
  dnsRecord({ seq: 1, start: seconds(1), name: "www.example.com", queryType: "AAAA" }),
  dnsRecord({
    seq: 2,
    start: seconds(2),
    name: "gone.test",
    rcode: "NXDOMAIN",
    answers: [],
    client: pod("prod-shop/api-0"),
  }),
  dnsRecord({
    seq: 3,
    start: seconds(3),
    name: "silent.test",
    rcode: null,
    latency: null,
    clientAddress: parseAddress("fd00::9"),
    client: null,
  }),
  dnsRecord({ node: "node-2", seq: 0, start: seconds(4), authoritative: false }),
];

/** Questions about `dnsRecordsOfCases` for every store, and which of them they find, by their places. */
export const dnsCases: readonly { title: string; query: Partial<DnsQuery>; finds: readonly number[] }[] = [
  { title: "all of them, oldest first", query: {}, finds: [0, 1, 2, 3, 4] },
  { title: "the newest so many", query: { limit: 2 }, finds: [3, 4] },
  { title: "those to count", query: { allReports: false }, finds: [0, 1, 2, 3] },
  { title: "those of a time", query: { since: seconds(1), until: seconds(3) }, finds: [1, 2] },
  { title: "those of names like one", query: { name: "*.example.com" }, finds: [0, 1, 4] },
  { title: "those of a type", query: { type: "AAAA" }, finds: [1] },
  { title: "those with a result", query: { rcode: "NXDOMAIN" }, finds: [2] },
  { title: "those without an answer", query: { rcode: null }, finds: [3] },
  { title: "those of a node", query: { node: "node-2" }, finds: [4] },
  {
    title: "those of a client by name",
    query: { client: { by: "name", namespace: "prod-*", name: "api-0" } },
    finds: [2],
  },
  {
    title: "those of a server by name",
    query: { server: { by: "name", namespace: null, name: "dns-?" } },
    finds: [0, 1, 2, 3, 4],
  },
  {
    title: "those of a client by address",
    query: { client: { by: "address", cidr: parseCidr("fd00::/64") } },
    finds: [3],
  },
  { title: "none that a name would have to be SQL for", query: { name: "' or 1=1 --" }, finds: [] },
];

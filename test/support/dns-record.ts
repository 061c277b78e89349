import { parseAddress } from "../../core/address.ts";
import { type DnsRecord, type RawDns, rawDnsOf } from "../../core/records/dns.ts";
import { pod, seconds } from "./flows.ts";

/** dev-shop/web-1 asks kube-system/dns-0 for api.example.com in the first second: 203.0.113.7, after two milliseconds. */
export function dnsRecord(parts: Partial<DnsRecord> = {}): DnsRecord {
  return {
    cluster: "lab",
    node: "node-1",
    epoch: 1_700_000_000_000,
    seq: 0,
    start: seconds(0),
    end: seconds(0) + 2_000,
    protocol: 17,
    clientAddress: parseAddress("10.1.0.5"),
    clientPort: 40_000,
    serverAddress: parseAddress("10.2.0.53"),
    serverPort: 53,
    name: "api.example.com",
    queryType: "A",
    queryClass: "IN",
    rcode: "NOERROR",
    truncated: false,
    answerCount: 1,
    answers: [{ name: "api.example.com", type: "A", ttl: 30, data: "203.0.113.7" }],
    latency: 2_000,
    authoritative: true,
    client: pod("dev-shop/web-1", { app: "web" }),
    server: pod("kube-system/dns-0", { app: "dns" }, "node-2"),
    ...parts,
  };
}

export function rawDns(parts: Partial<RawDns> = {}): RawDns {
  return { ...rawDnsOf(dnsRecord()), ...parts };
}

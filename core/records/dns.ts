import type { Address } from "../address.ts";
import type { FlowEndpoint } from "./flow.ts";

/** What a collector knows of a query to a DNS server and its answer. Fields as in dns.avsc. */
export interface RawDns {
  readonly cluster: string;
  readonly node: string;
  readonly epoch: number;
  readonly seq: number;
  /** Microseconds since the epoch, as all times here. */
  readonly start: number;
  readonly end: number;
  readonly protocol: number;
  readonly clientAddress: Address;
  readonly clientPort: number;
  /** After DNAT. */
  readonly serverAddress: Address;
  readonly serverPort: number;
  readonly name: string;
  readonly queryType: string;
  readonly queryClass: string;
  readonly rcode: string | null;
  readonly truncated: boolean;
  readonly answerCount: number;
  readonly answers: readonly DnsAnswer[];
  readonly latency: number | null;
}

export interface DnsAnswer {
  readonly name: string;
  readonly type: string;
  /** Seconds. */
  readonly ttl: number;
  readonly data: string;
}

/** A RawDns with what enrichers add. */
export interface DnsRecord extends RawDns {
  readonly authoritative: boolean;
  readonly client: FlowEndpoint | null;
  readonly server: FlowEndpoint | null;
}

/** What enrichment adds, before it has run. */
export const unenrichedDns = {
  authoritative: false,
  client: null,
  server: null,
} as const satisfies Omit<DnsRecord, keyof RawDns>;

/** A record without what enrichment adds. */
export function rawDnsOf({ authoritative: _, client: _client, server: _server, ...raw }: DnsRecord): RawDns {
  return raw;
}

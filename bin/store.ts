import type { DnsQuery } from "../core/dns-query.ts";
import type { FlowStore } from "../core/flow-store.ts";
import type { ChangeRecord } from "../core/records/change.ts";
import type { DnsRecord } from "../core/records/dns.ts";
import type { EndpointTenure } from "../core/records/endpoint.ts";
import type { Heartbeat } from "../core/records/heartbeat.ts";
import type { Loss } from "../core/records/loss.ts";
import type { SequenceRun } from "./completeness.ts";

/** Microseconds; `since` included, `until` not. */
export interface Span {
  readonly since: number;
  readonly until: number;
}

/** What the commands ask a data folder for. */
export interface Store extends FlowStore {
  heartbeats(span: Span): Promise<readonly Heartbeat[]>;
  losses(span: Span): Promise<readonly Loss[]>;
  /** The newest that match, oldest first. */
  dns(query: DnsQuery, signal?: AbortSignal): Promise<readonly DnsRecord[]>;
  /** Changes that began in the span. */
  changes(span: Span): Promise<readonly ChangeRecord[]>;
  /** Tenures that touch the span. */
  endpoints(span: Span): Promise<readonly EndpointTenure[]>;
  /** The numbers that flows, losses, heartbeats and records of DNS of the span have, as runs without gaps. */
  sequences(span: Span): Promise<readonly SequenceRun[]>;
  close(): Promise<void>;
}

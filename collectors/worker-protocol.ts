import type { ErrorCode } from "../core/errors.ts";
import type { DnsSettings } from "./dns/dns.ts";
import type { DnsCounters } from "./dns/observer.ts";
import type { CollectorCounters } from "./recorder.ts";
import type { Framed } from "./spool/batch.ts";
import type { SpoolSettings } from "./spool/spool.ts";

/** What the worker is started with. Plain data: it crosses a thread. */
export interface WorkerOptions {
  readonly node: string;
  readonly cluster: string;
  readonly namespacePath: string | null;
  readonly windowMs: number;
  readonly nflogGroup: number;
  readonly ensureConntrack: boolean;
  readonly receiveBufferBytes: number;
  readonly queueRecords: number;
  /** Null: no DNS is collected. */
  readonly dns: DnsSettings | null;
  /** Null: records wait in memory only. */
  readonly spool: SpoolSettings | null;
}

export type ToWorker =
  /** All records of the batch are durable behind the main thread; the memory they were in is handed back. */
  { readonly kind: "ack"; readonly batch: number; readonly memory: ArrayBuffer } | { readonly kind: "stop" };

export type FromWorker =
  | { readonly kind: "ready" }
  | { readonly kind: "records"; readonly batch: number; readonly records: Framed }
  | { readonly kind: "counters"; readonly counters: CollectorCounters; readonly dns: DnsCounters | null }
  | { readonly kind: "log"; readonly level: "info" | "warn"; readonly fields: object; readonly sentence: string }
  | { readonly kind: "failed"; readonly code: ErrorCode | null; readonly message: string };

/** Batches that may be with the main thread, posted and not yet acked: what comes while the archive gathers a file. */
export const batchesInFlight = 64;

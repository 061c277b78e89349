import type { ErrorCode } from "../core/errors.ts";
import type { RawFlow } from "../core/records/flow.ts";
import type { Loss } from "../core/records/loss.ts";
import type { RecorderCounters } from "./recorder.ts";

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
}

export type ToWorker =
  /** The main thread is done with a batch and takes another. */
  { readonly kind: "credit"; readonly stream: Stream } | { readonly kind: "stop" };

export type FromWorker =
  | { readonly kind: "ready" }
  | { readonly kind: "flows"; readonly records: readonly RawFlow[] }
  | { readonly kind: "losses"; readonly records: readonly Loss[] }
  | { readonly kind: "counters"; readonly counters: RecorderCounters }
  | { readonly kind: "log"; readonly level: "info" | "warn"; readonly fields: object; readonly sentence: string }
  | { readonly kind: "failed"; readonly code: ErrorCode | null; readonly message: string };

export type Stream = "flows" | "losses";

/** Batches of each stream that may be with the main thread, posted and not yet acked. */
export const batchesInFlight = 4;

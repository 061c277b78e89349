import type { RawFlow } from "../../core/records/flow.ts";
import type { Heartbeat } from "../../core/records/heartbeat.ts";
import type { Loss } from "../../core/records/loss.ts";

/** Records in the order of their numbers, each kind for itself. */
export interface Batch {
  readonly flows: readonly RawFlow[];
  readonly losses: readonly Loss[];
  readonly heartbeats: readonly Heartbeat[];
}

/** How many records of each kind. */
export interface Counts {
  readonly flows: number;
  readonly losses: number;
  readonly heartbeats: number;
}

/** Records as they stand in the spool: whole frames, all of one epoch. */
export interface Framed extends Counts {
  readonly epoch: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

import type { RawFlow } from "../../core/records/flow.ts";
import type { Heartbeat } from "../../core/records/heartbeat.ts";
import type { Loss } from "../../core/records/loss.ts";

/** Records in the order of their numbers, each kind for itself. */
export interface Batch {
  readonly flows: readonly RawFlow[];
  readonly losses: readonly Loss[];
  readonly heartbeats: readonly Heartbeat[];
}

export function sizeOf({ flows, losses, heartbeats }: Batch): number {
  return flows.length + losses.length + heartbeats.length;
}

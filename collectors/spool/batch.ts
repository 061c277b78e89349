import type { RawDns } from "../../core/records/dns.ts";
import type { RawFlow } from "../../core/records/flow.ts";
import type { Heartbeat } from "../../core/records/heartbeat.ts";
import type { Loss } from "../../core/records/loss.ts";

/** Records in the order of their numbers, each kind for itself. */
export interface Batch {
  readonly flows: readonly RawFlow[];
  readonly losses: readonly Loss[];
  readonly heartbeats: readonly Heartbeat[];
  /** Absent where none is collected. */
  readonly dns?: readonly RawDns[];
}

export function sizeOf({ flows, losses, heartbeats, dns = [] }: Batch): number {
  return flows.length + losses.length + heartbeats.length + dns.length;
}

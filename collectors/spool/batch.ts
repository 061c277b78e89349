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

/** How many records of each kind. */
export interface Counts {
  readonly flows: number;
  readonly losses: number;
  readonly heartbeats: number;
  readonly dns: number;
}

/** Records as they stand in the spool: whole frames, all of one epoch. */
export interface Framed extends Counts {
  readonly epoch: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export function sizeOf({ flows, losses, heartbeats, dns }: Counts): number {
  return flows + losses + heartbeats + dns;
}

export function sumOf(a: Counts, b: Counts): Counts {
  return {
    flows: a.flows + b.flows,
    losses: a.losses + b.losses,
    heartbeats: a.heartbeats + b.heartbeats,
    dns: a.dns + b.dns,
  };
}

/** Parts as one, in memory of its own, which can be handed to another thread. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

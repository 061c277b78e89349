import { readFileSync } from "node:fs";
import type { Heartbeat } from "../core/records/heartbeat.ts";
import type { KernelCounts } from "./kernel-counters.ts";
import type { RecorderCounters } from "./recorder.ts";

const everyMs = 10_000;
const microseconds = 1000;

export type HeartbeatDraft = Omit<Heartbeat, "cluster" | "node" | "epoch" | "seq">;

export interface Beat {
  /** Microseconds. */
  readonly start: number;
  readonly end: number;
}

/** When a heartbeat is due: every ten seconds, aligned to the epoch of Unix. Times given are milliseconds. */
export class Heartbeats {
  #start: number;

  constructor(now: number) {
    this.#start = now;
  }

  /** When the next is due. */
  get next(): number {
    return this.#start - (this.#start % everyMs) + everyMs;
  }

  /** The beat that is due at `now`, if any. A clock that was set back begins anew. */
  due(now: number): Beat | undefined {
    if (now < this.#start) this.#start = now;
    if (now < this.next) return undefined;
    const end = now - (now % everyMs);
    const beat = { start: this.#start * microseconds, end: end * microseconds };
    this.#start = end;
    return beat;
  }

  /** For what remains when collecting ends. */
  last(now: number): Beat {
    return { start: Math.min(this.#start, now) * microseconds, end: now * microseconds };
  }
}

export interface Told {
  readonly flows: number;
  readonly losses: number;
  readonly dropped: number;
}

export function heartbeatOf(
  beat: Beat,
  counters: RecorderCounters,
  told: Told,
  kernel: KernelTable & KernelCounts,
): HeartbeatDraft {
  const { conntrackEvents, loggedPackets, malformed, overruns } = counters;
  return { ...beat, conntrackEvents, loggedPackets, decodeFailures: malformed, overruns, ...told, ...kernel };
}

interface KernelTable {
  readonly connections: number;
  readonly connectionsMax: number;
}

/** How full the kernel's table is, in the calling thread's network namespace; 0 where it does not say. */
export function readKernelTable(): KernelTable {
  return { connections: readNumber("nf_conntrack_count"), connectionsMax: readNumber("nf_conntrack_max") };
}

function readNumber(name: string): number {
  try {
    // Opened by this thread, /proc/sys/net is that of its namespace (Documentation/networking/nf_conntrack-sysctl.rst).
    return Number(readFileSync(`/proc/sys/net/netfilter/${name}`, "latin1")) || 0;
  } catch {
    return 0;
  }
}

import type { RawDns } from "../core/records/dns.ts";
import type { RawFlow } from "../core/records/flow.ts";
import type { Heartbeat } from "../core/records/heartbeat.ts";
import type { Loss } from "../core/records/loss.ts";
import type { DnsDraft } from "./dns/exchanges.ts";
import type { Draft } from "./draft.ts";
import type { HeartbeatDraft } from "./heartbeats.ts";
import type { LossDraft } from "./losses.ts";
import { type Batch, sizeOf } from "./spool/batch.ts";
import type { Position } from "./spool/position.ts";
import type { Spool } from "./spool/spool.ts";
import { batchesInFlight } from "./worker-protocol.ts";

// One message to the main thread; larger ones would hold up both event loops.
const batchRecords = 2_000;

/** Records before they are numbered. */
export interface Drafts {
  readonly flows?: readonly Draft[];
  readonly losses?: readonly LossDraft[];
  readonly heartbeats?: readonly HeartbeatDraft[];
  readonly dns?: readonly DnsDraft[];
}

export interface OutboxOptions {
  readonly cluster: string;
  readonly node: string;
  readonly epoch: number;
  /** Records that may wait in memory. Without a spool those beyond it are dropped; with one they are read from it later. */
  readonly limit: number;
  readonly post: (batch: number, records: Batch) => void;
  readonly spool?: Spool | undefined;
}

interface Posted {
  readonly batch: number;
  readonly last: Position;
  acked: boolean;
}

interface Waiting {
  readonly records: Batch;
  readonly last: Position;
}

/**
 * The worker's end of the stream: numbers records of all kinds without gaps, hands them to the spool, and posts them in
 * batches, as many as the main thread has acked. What finds it full gets no number.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  #waiting: Waiting[] = [];
  #waitingRecords = 0;
  #posted: Posted[] = [];
  #batch = 0;
  #seq = 0;
  /** Behind those waiting there are records that are in the spool only. */
  #behind: boolean;
  /** The last record that waits or was posted. */
  #taken: Position;
  #ending = false;
  readonly #told = { flows: 0, losses: 0, dropped: 0 };

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#behind = options.spool !== undefined;
    this.#taken = options.spool?.acked ?? { epoch: options.epoch, seq: -1 };
  }

  /** How many records were numbered so far, and how many were dropped. */
  get told(): { readonly flows: number; readonly losses: number; readonly dropped: number } {
    return this.#told;
  }

  /** Neither disk nor memory has room. */
  get full(): boolean {
    return this.#options.spool?.hasRoom === false;
  }

  /** Every record was posted and acked. */
  get idle(): boolean {
    return this.#waiting.length === 0 && !this.#behind && this.#posted.length === 0;
  }

  /** Takes drafts in; how many found no place. */
  push(drafts: Drafts): number {
    const { spool } = this.#options;
    const room = this.full ? 0 : spool === undefined ? this.#options.limit - this.#waitingRecords : Infinity;
    const { records, dropped } = this.#number(drafts, Math.max(0, room));
    this.#told.dropped += dropped;
    if (sizeOf(records) > 0) {
      spool?.append(records);
      this.#wait(records);
    }
    this.post();
    return dropped;
  }

  /** A batch is durable behind the main thread. The spool may forget it once all before it are. */
  ack(batch: number): void {
    const found = this.#posted.find((posted) => posted.batch === batch);
    if (found !== undefined) found.acked = true;
    const open = this.#posted.findIndex(({ acked }) => !acked);
    const done = open < 0 ? this.#posted.splice(0) : this.#posted.splice(0, open);
    const last = done.at(-1)?.last;
    if (last !== undefined) this.#options.spool?.ack(last);
    this.post();
  }

  /** Without a spool there is no later: from now on everything is posted without waiting for acks. */
  postAll(): void {
    this.#ending = this.#options.spool === undefined;
    this.post();
  }

  post(): void {
    while (this.#ending || this.#posted.length < batchesInFlight) {
      const next = this.#waiting.shift() ?? this.#readOn();
      if (next === undefined) return;
      this.#waitingRecords = Math.max(0, this.#waitingRecords - sizeOf(next.records));
      const batch = this.#batch++;
      this.#posted.push({ batch, last: next.last, acked: false });
      this.#options.post(batch, next.records);
    }
  }

  #number(drafts: Drafts, room: number): { readonly records: Batch; readonly dropped: number } {
    const { cluster, node, epoch } = this.#options;
    let left = room;
    let dropped = 0;
    const numbered = <T>(given: readonly T[]) => {
      const taken = given.length <= left ? given : given.slice(0, left);
      left -= taken.length;
      dropped += given.length - taken.length;
      return taken.map((draft) => ({ cluster, node, epoch, seq: this.#seq++, ...draft }));
    };
    const flows: readonly RawFlow[] = numbered(drafts.flows ?? []);
    const dns: readonly RawDns[] = numbered(drafts.dns ?? []);
    left = Infinity; // what says that something is missing must not be missing itself, and is little
    const losses: readonly Loss[] = numbered(drafts.losses ?? []);
    const heartbeats: readonly Heartbeat[] = numbered(drafts.heartbeats ?? []);
    this.#told.flows += flows.length;
    this.#told.losses += losses.length;
    return { records: { flows, losses, heartbeats, dns }, dropped };
  }

  #wait(records: Batch): void {
    const { spool, limit, epoch } = this.#options;
    if (spool !== undefined && (this.#behind || this.#waitingRecords + sizeOf(records) > limit)) {
      this.#behind = true;
      return;
    }
    for (const part of cut(records)) this.#waiting.push({ records: part, last: { epoch, seq: lastSeqOf(part) } });
    this.#waitingRecords += sizeOf(records);
    this.#taken = { epoch, seq: this.#seq - 1 };
    spool?.handOut(this.#taken);
  }

  /** What comes next from the spool, if records wait there. */
  #readOn(): Waiting | undefined {
    if (!this.#behind) return undefined;
    const read = this.#options.spool?.read(this.#taken, batchRecords);
    if (read === undefined) {
      this.#behind = this.#options.spool?.reachedEnd(this.#taken) === false;
      return undefined;
    }
    this.#taken = read.last;
    const { flows, losses, heartbeats, dns = [] } = read.batch;
    return { records: { flows, losses, heartbeats, dns }, last: read.last };
  }
}

/** Parts of at most `batchRecords`, in order. */
function cut(records: Batch): readonly Batch[] {
  if (sizeOf(records) <= batchRecords) return [records];
  const none = { flows: [], losses: [], heartbeats: [] };
  const { dns = [] } = records;
  const parts: Batch[] = [];
  for (let at = 0; at < records.flows.length; at += batchRecords)
    parts.push({ ...none, flows: records.flows.slice(at, at + batchRecords) });
  for (let at = 0; at < dns.length; at += batchRecords) parts.push({ ...none, dns: dns.slice(at, at + batchRecords) });
  for (let at = 0; at < records.losses.length; at += batchRecords)
    parts.push({ ...none, losses: records.losses.slice(at, at + batchRecords) });
  if (records.heartbeats.length > 0) parts.push({ ...none, heartbeats: records.heartbeats });
  return parts;
}

function lastSeqOf({ flows, losses, heartbeats, dns = [] }: Batch): number {
  return Math.max(...[flows, losses, heartbeats, dns].map((records) => records.at(-1)?.seq ?? -1));
}

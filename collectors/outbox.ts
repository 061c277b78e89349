import type { Clock } from "../core/clock.ts";
import { BatchMemory } from "./batch-memory.ts";
import type { FastConnections } from "./conntrack/fast-connections.ts";
import type { DnsDraft } from "./dns/exchanges.ts";
import type { Draft } from "./draft.ts";
import type { HeartbeatDraft } from "./heartbeats.ts";
import type { LossDraft } from "./losses.ts";
import { type Counts, type Framed, sizeOf, sumOf } from "./spool/batch.ts";
import type { Position } from "./spool/position.ts";
import { FrameWriter } from "./spool/record-frames.ts";
import type { Told } from "./spool/slot-layout.ts";
import type { Spool } from "./spool/spool.ts";
import { Staged } from "./spool/staged.ts";
import { batchesInFlight } from "./worker-protocol.ts";

// One message to the main thread; larger ones would hold up both event loops.
const batchRecords = 4_000;
// A message wakes two threads, which costs them more than what a few dozen records do. What comes right after another waits so long.
const gatherMs = 50;
// Room for them, and for a frame of any size.
const framesBytes = 1 << 20;

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
  readonly clock: Clock;
  /** Records that may wait in memory. Without a spool those beyond it are dropped; with one they are read from it later. */
  readonly limit: number;
  readonly post: (batch: number, records: Framed) => void;
  readonly spool?: Spool | undefined;
}

interface Posted {
  readonly batch: number;
  readonly last: Position;
  acked: boolean;
}

/** Records that will be one batch. */
interface Waiting {
  readonly epoch: number;
  readonly memory: Uint8Array<ArrayBuffer>;
  /** How much of it is filled. */
  bytes: number;
  counts: Counts;
  last: Position;
}

/**
 * The worker's end of the stream: numbers records of all kinds without gaps, writes them into frames, which the spool stores, and
 * posts these in batches, as many as the main thread has acked. What finds it full gets no number.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #frames = new FrameWriter(framesBytes);
  readonly #staged = new Staged();
  readonly #memory = new BatchMemory();
  #counts = { flows: 0, losses: 0, heartbeats: 0, dns: 0 };
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
  #isLast = false;
  #postedAt = Number.NEGATIVE_INFINITY;
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
  push({ flows = [], losses = [], heartbeats = [], dns = [] }: Drafts): number {
    const room = flows.length + dns.length === 0 ? 0 : this.#room;
    const { cluster, node, epoch } = this.#options;
    const numbered = <T>(draft: T) => ({ cluster, node, epoch, seq: this.#seq++, ...draft });
    for (const draft of room < flows.length ? flows.slice(0, room) : flows) {
      const flow = numbered(draft);
      this.#frames.flow(flow);
      this.#put("flows", flow.seq, flow.start, flow.end);
    }
    const left = Math.max(0, room - flows.length);
    for (const draft of left < dns.length ? dns.slice(0, left) : dns) {
      const exchange = numbered(draft);
      this.#frames.dns(exchange);
      this.#put("dns", exchange.seq, exchange.start, exchange.end);
    }
    // What says that something is missing must not be missing itself, and is little.
    for (const draft of losses) {
      const loss = numbered(draft);
      this.#frames.loss(loss);
      this.#put("losses", loss.seq, loss.start, loss.end);
    }
    for (const draft of heartbeats) {
      const heartbeat = numbered(draft);
      this.#frames.heartbeat(heartbeat);
      this.#put("heartbeats", heartbeat.seq, heartbeat.start, heartbeat.end);
    }
    return this.#stored(Math.max(0, flows.length + dns.length - room));
  }

  /** Takes in the connections that ended; how many found no place. */
  pushClosed(connections: FastConnections, window: Told): number {
    if (connections.closed === 0) return 0;
    connections.takeClosed(this.#room, (slot) => this.#slot(connections, slot, window));
    return this.#stored(connections.dropClosed());
  }

  /**
   * Takes in the open connections from slot `from` on of which there is something to tell, at most `limit` of them. Where to go on,
   * -1 at the end, and how many found no place.
   */
  pushOpen(
    connections: FastConnections,
    from: number,
    limit: number,
    window: Told,
  ): { readonly next: number; readonly dropped: number } {
    const room = this.#room;
    let count = 0;
    let slot = connections.nextChanged(from);
    for (; slot >= 0 && count < limit; slot = connections.nextChanged(slot + 1), count++)
      if (count < room) connections.settle(slot, this.#slot(connections, slot, window).end);
      else connections.settle(slot, window.end);
    return { next: slot, dropped: this.#stored(Math.max(0, count - room)) };
  }

  /** A batch is durable behind the main thread, which gives its memory back. The spool may forget it once all before it are. */
  ack(batch: number, memory?: ArrayBuffer): void {
    if (memory !== undefined) this.#memory.giveBack(memory);
    const found = this.#posted.find((posted) => posted.batch === batch);
    if (found !== undefined) found.acked = true;
    const open = this.#posted.findIndex(({ acked }) => !acked);
    const done = open < 0 ? this.#posted.splice(0) : this.#posted.splice(0, open);
    const last = done.at(-1)?.last;
    if (last !== undefined) this.#options.spool?.ack(last);
    this.post();
  }

  /** From now on nothing is waited for to come with it. Without a spool there is no later: then not even for acks. */
  postAll(): void {
    this.#isLast = true;
    this.#ending = this.#options.spool === undefined;
    this.post();
  }

  post(): void {
    const now = this.#options.clock.monotonic();
    while (this.#ending || this.#posted.length < batchesInFlight) {
      const next = this.#ready(now) ? this.#waiting.shift() : undefined;
      if (next !== undefined) this.#waitingRecords -= sizeOf(next.counts);
      const records = next === undefined ? this.#readOn() : framed(next);
      if (records === undefined) return;
      this.#postedAt = now;
      const batch = this.#batch++;
      this.#posted.push({ batch, last: next?.last ?? this.#taken, acked: false });
      this.#options.post(batch, records);
    }
  }

  /** Whether what waits longest is to go: it is a whole batch, or the last one went a while ago. */
  #ready(now: number): boolean {
    const [first, second] = this.#waiting;
    if (first === undefined) return false;
    return (
      this.#isLast || second !== undefined || sizeOf(first.counts) >= batchRecords || now - this.#postedAt >= gatherMs
    );
  }

  /** How many more flows can be taken in. */
  get #room(): number {
    if (this.full) return 0;
    if (this.#options.spool !== undefined) return Number.POSITIVE_INFINITY;
    return Math.max(0, this.#options.limit - this.#waitingRecords - sizeOf(this.#counts));
  }

  #slot({ slots }: FastConnections, slot: number, window: Told): Told {
    const seq = this.#seq++;
    const told = this.#frames.slot(slots, slot, window, seq);
    this.#put("flows", seq, told.start, told.end);
    return told;
  }

  /** A record stands in the frames. */
  #put(kind: keyof Counts, seq: number, start: number, end: number): void {
    this.#counts[kind]++;
    this.#staged.take(seq, start, end);
    if (!this.#frames.hasRoom || sizeOf(this.#counts) >= batchRecords) this.#store();
  }

  /** What stands in the frames is stored, and posted as far as that goes; `dropped` found no place. */
  #stored(dropped: number): number {
    this.#told.dropped += dropped;
    if (sizeOf(this.#counts) > 0) this.#store();
    this.post();
    return dropped;
  }

  #store(): void {
    const { spool, limit, epoch } = this.#options;
    const counts = this.#counts;
    const chunk = this.#staged.chunk(this.#frames.written);
    spool?.appendFrames(chunk);
    if (spool !== undefined && (this.#behind || this.#waitingRecords + sizeOf(counts) > limit)) this.#behind = true;
    else this.#wait(counts, chunk.bytes, { epoch, seq: chunk.last });
    this.#told.flows += counts.flows;
    this.#told.losses += counts.losses;
    this.#counts = { flows: 0, losses: 0, heartbeats: 0, dns: 0 };
    this.#frames.reset();
    this.#staged.clear();
  }

  #wait(counts: Counts, bytes: Uint8Array, last: Position): void {
    let behind = this.#waiting.at(-1);
    if (behind === undefined || !fits(behind, counts, bytes)) {
      behind = { epoch: last.epoch, memory: this.#memory.take(bytes.length), bytes: 0, counts: none, last };
      this.#waiting.push(behind);
    }
    behind.memory.set(bytes, behind.bytes);
    behind.bytes += bytes.length;
    behind.counts = sumOf(behind.counts, counts);
    behind.last = last;
    this.#waitingRecords += sizeOf(counts);
    this.#taken = last;
    this.#options.spool?.handOut(last);
  }

  /** What comes next from the spool, if records wait there and none before them. */
  #readOn(): Framed | undefined {
    if (!this.#behind || this.#waiting.length > 0) return undefined;
    const read = this.#options.spool?.read(this.#taken, batchRecords);
    if (read === undefined) {
      this.#behind = this.#options.spool?.reachedEnd(this.#taken) === false;
      return undefined;
    }
    this.#taken = read.last;
    return read.framed;
  }
}

const none: Counts = { flows: 0, losses: 0, heartbeats: 0, dns: 0 };

const fits = (waiting: Waiting, counts: Counts, bytes: Uint8Array) =>
  sizeOf(waiting.counts) + sizeOf(counts) <= batchRecords && waiting.bytes + bytes.length <= waiting.memory.length;

const framed = ({ counts, epoch, memory, bytes }: Waiting): Framed => ({
  ...counts,
  epoch,
  bytes: memory.subarray(0, bytes),
});

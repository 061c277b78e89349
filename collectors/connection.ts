import type { Counters, Entry } from "../core/conntrack/entry.ts";
import { mostCounted, seenReply } from "../core/conntrack/entry.ts";
import { type Tuple, tuplesOf } from "../core/conntrack/tuple.ts";
import type { EndReason, RawFlow, Related } from "../core/records/flow.ts";
import type { LabelRules } from "../core/rule-id.ts";

const none: Counters = { packets: 0, bytes: 0, replyPackets: 0, replyBytes: 0 };
const noRules: LabelRules = { egress: null, ingress: null };

// The kernel stamps a NEW event when it makes the entry, and the connection's start when the first packet has passed all hooks:
// 2 to 64 microseconds later on an idle machine (measured, Linux 6.18). A busy one, a host that takes the processor away or
// NFQUEUE come between; and read on two processors, or slewed, the clock may say that the start was first (1 microsecond, seen).
export const startsAfterStampUs = 1_000_000;
export const startsBeforeStampUs = 5_000;
// Without a stamp: a connection had begun when its NEW was read, whose time is taken a little before.
export const readToleranceUs = 10_000;

const tcp = 6;
// TCP_CONNTRACK_SYN_SENT and TCP_CONNTRACK_SYN_SENT2: the first packet was a SYN. The kernel takes up others as ESTABLISHED unless
// net.netfilter.nf_conntrack_tcp_loose is 0 (net/netfilter/nf_conntrack_proto_tcp.c, tcp_new).
const beginnings: ReadonlySet<number> = new Set([1, 9]);

/** What is known of one connection between its first and its last sign of life. Times are microseconds. */
export class Connection {
  readonly id: number;
  readonly zone: number;
  readonly original: Tuple;
  readonly reply: Tuple;
  /** Stays as it was first told. */
  startedAt: number;
  rules = noRules;
  /** The name for which the client had asked before. */
  domain: string | null = null;
  replied = false;
  /** Since the connection began; never falls. */
  totals = none;
  /** The totals of the last record; undefined until it is known what happened before this collector ran. */
  reported: Counters | undefined;
  /** Something to tell since the last record. */
  changed = true;
  closedAt: number | null = null;
  /** How it ended; null until then. */
  endReason: EndReason | null = null;
  /** The kernel met it amid its packets. */
  midstream = false;
  /** The kernel does not count it. */
  uncounted = false;
  mark = 0;
  related: Related | null = null;
  /** The last dump that had it, or during which it was new. */
  seenInDump: number;
  /** Another connection with the same id: ids are hashes of 32 bits. */
  twin: Connection | undefined;
  /** From the kernel, so that the second life of a tuple is told from the first. */
  #kernelStart: number | null = null;
  #newSeen = false;
  #told = false;
  /** When it began, as far as its NEW tells, or that we know of it. */
  #begun: Estimate;
  /** End of the last record, microseconds; null if none was told. */
  toldAt: number | null = null;
  /** Where the deltas begin of a connection that an earlier run told of; undefined once this one did. */
  countedFrom: number | undefined;
  /** Counters as last read, and what they stood at when somebody set them back to zero. */
  #kernel = none;
  #beforeReset = none;
  /** What the counters stood at is from an earlier run. */
  #isRestored = false;

  constructor(
    entry: Pick<Entry, "id" | "zone" | "original" | "reply" | "startedAt" | "happenedAt">,
    now: number,
    dump: number,
  ) {
    this.id = entry.id;
    this.zone = entry.zone;
    this.original = entry.original;
    this.reply = entry.reply;
    this.startedAt = entry.startedAt ?? entry.happenedAt ?? now;
    this.seenInDump = dump;
    this.#begun = { at: now, from: Number.NEGATIVE_INFINITY, to: now + readToleranceUs };
  }

  /** One that an earlier run told of last by this record. */
  static restored(record: RawFlow, dump: number): Connection {
    const { original, reply } = tuplesOf(record);
    const { zone, startedAt, end } = record;
    const id = record.connection ?? 0;
    const connection = new Connection({ id, zone, original, reply, startedAt, happenedAt: null }, startedAt, dump);
    connection.rules = { egress: record.egressRule, ingress: record.ingressRule };
    connection.replied = record.replied;
    connection.midstream = record.midstream;
    connection.uncounted = record.uncounted;
    connection.mark = record.mark;
    connection.related = record.related;
    connection.domain = record.destinationDomain;
    // What was told may be the stamp of its NEW, or when that was read.
    connection.#begun = { at: startedAt, from: startedAt - readToleranceUs, to: startedAt + readToleranceUs };
    connection.#newSeen = true;
    connection.#kernel = connection.totals = totalsIn(record);
    connection.#isRestored = true;
    connection.countedFrom = end;
    connection.settle(end);
    return connection;
  }

  /**
   * By how much the entry's time misses this connection's; null if it can only be of an earlier or later one with the same id
   * and tuple.
   */
  missedBy({ kind, startedAt, happenedAt }: Entry): number | null {
    if (kind === "new") {
      if (this.#newSeen) return null;
      return this.#kernelStart === null || happenedAt === null ? 0 : miss(this.#kernelStart, stamped(happenedAt));
    }
    if (startedAt === null) return 0;
    if (this.#kernelStart === null) return miss(startedAt, this.#begun);
    return startedAt === this.#kernelStart ? 0 : null;
  }

  /**
   * Told of an entry with this id and tuple that is not of this connection. If it ends an earlier life, then the NEW that
   * was taken for ours may have been that life's (a dump ran ahead of the events): ours is still to come.
   */
  notOurs({ kind, startedAt }: Entry): void {
    if (kind !== "destroy" || startedAt === null || this.#kernelStart === null) return;
    if (startedAt < this.#kernelStart && miss(startedAt, this.#begun) !== null) this.#newSeen = false;
  }

  /**
   * Takes in what an entry says; whether somebody had set its counters to zero. What began before `epoch` has a past that was not
   * this collector's to count.
   */
  learn(entry: Entry, epoch: number): boolean {
    if (entry.kind === "new") this.#begins(entry);
    this.mark = entry.mark;
    if (entry.master !== null) this.related ??= relatedOf(entry.master);
    if (entry.startedAt !== null) this.#kernelStart = entry.startedAt;
    if (!this.#told) this.startedAt = this.#kernelStart ?? this.startedAt;
    if (entry.rules !== null) this.#setRules(entry.rules);
    if (!this.replied && entry.status & seenReply) this.replied = this.changed = true;
    if (this.#newSeen || (this.#kernelStart ?? 0) >= epoch) this.reported ??= none;
    if (entry.counters !== null) return this.#count(entry.counters);
    this.uncounted = entry.kind === "dump" || entry.kind === "destroy";
    return false;
  }

  /** Reported is what the totals are now. */
  settle(end: number): void {
    this.#told = true;
    this.reported = this.totals;
    this.toldAt = end;
    this.changed = false;
  }

  #begins({ happenedAt, original, tcpState }: Entry): void {
    this.#newSeen = true;
    if (happenedAt !== null) this.#begun = stamped(happenedAt);
    this.midstream = original.protocol === tcp && tcpState !== null && !beginnings.has(tcpState);
  }

  #setRules(rules: LabelRules): void {
    if (rules.egress === this.rules.egress && rules.ingress === this.rules.ingress) return;
    this.rules = rules;
    this.changed = true;
  }

  /**
   * Whether the counters began anew. If that shows at the first reading after a restart, they may have been told of since then, and to
   * count them again would be worse than to leave them out.
   */
  #count(counters: Counters): boolean {
    const isReset = fellBelow(counters, this.#kernel);
    if (isReset) this.#beforeReset = this.#isRestored ? difference(this.totals, counters) : this.totals;
    this.#isRestored = false;
    this.uncounted = false;
    this.#kernel = counters;
    const totals = sum(this.#beforeReset, counters);
    if (totals.packets !== this.totals.packets || totals.replyPackets !== this.totals.replyPackets) this.changed = true;
    this.totals = totals;
    this.reported ??= totals;
    if (counters.replyPackets > 0) this.replied = true;
    return isReset;
  }
}

function relatedOf({ protocol, source, sourcePort, destination, destinationPort }: Tuple): Related {
  return { protocol, sourceAddress: source, sourcePort, destinationAddress: destination, destinationPort };
}

/** About when something was; not outside of the bounds. */
interface Estimate {
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

/** When a connection began whose NEW has this stamp. */
const stamped = (at: number): Estimate => ({ at, from: at - startsBeforeStampUs, to: at + startsAfterStampUs });

const miss = (time: number, { at, from, to }: Estimate) => (time < from || time > to ? null : Math.abs(time - at));

function totalsIn(record: RawFlow): Counters {
  return {
    packets: record.totalPackets,
    bytes: record.totalBytes,
    replyPackets: record.totalReplyPackets,
    replyBytes: record.totalReplyBytes,
  };
}

/** What was counted between two readings. */
export function difference(now: Counters, before: Counters): Counters {
  return {
    packets: now.packets - before.packets,
    bytes: now.bytes - before.bytes,
    replyPackets: now.replyPackets - before.replyPackets,
    replyBytes: now.replyBytes - before.replyBytes,
  };
}

function sum(a: Counters, b: Counters): Counters {
  if (a === none) return b;
  return {
    packets: Math.min(a.packets + b.packets, mostCounted),
    bytes: Math.min(a.bytes + b.bytes, mostCounted),
    replyPackets: Math.min(a.replyPackets + b.replyPackets, mostCounted),
    replyBytes: Math.min(a.replyBytes + b.replyBytes, mostCounted),
  };
}

/** Somebody zeroed the counters (`conntrack -L -z`): the kernel zeroes both directions in one go. */
function fellBelow(now: Counters, before: Counters): boolean {
  return (
    now.packets < before.packets ||
    now.bytes < before.bytes ||
    now.replyPackets < before.replyPackets ||
    now.replyBytes < before.replyBytes
  );
}

import type { Entry } from "../core/conntrack/entry.ts";
import type { SluiceError } from "../core/errors.ts";
import { isProbe } from "../core/probe.ts";
import type { RawFlow } from "../core/records/flow.ts";
import type { Connection } from "./connection.ts";
import { type DomainOf, FastConnections } from "./conntrack/fast-connections.ts";
import { type FastMessage, fastKind } from "./conntrack/fast-message.ts";
import { Correlator } from "./correlate.ts";
import { Denials } from "./denials.ts";
import { type Draft, draftOf, standingOf } from "./draft.ts";
import type { KernelCounts } from "./kernel-counters.ts";
import { type LossDraft, Losses } from "./losses.ts";
import type { LoggedPacket } from "./nflog/message.ts";
import { KnownPrefixes } from "./nflog/prefix.ts";
import { SequenceGaps } from "./sequence-gaps.ts";
import type { Flush } from "./window.ts";

const countersReset = "somebody set the counters of connections to zero: what they carried just before is not known";
/** IPS_DYING of include/uapi/linux/netfilter/nf_conntrack_common.h: set before DESTROY is told. */
const dying = 1 << 9;
const tableFull =
  "packets that the kernel dropped because its connection table was full: no connection was made of them";
const queueFull = "records that found the collector's queue full";

/** What moved, since the start. */
export interface RecorderCounters {
  readonly conntrackEvents: number;
  readonly dumpedEntries: number;
  readonly loggedPackets: number;
  readonly denials: number;
  /** Logged packets whose prefix is not ours, and those of rules that do not deny. */
  readonly foreignPrefixes: number;
  readonly otherVerdicts: number;
  readonly malformed: number;
  readonly overruns: number;
  /** Connections whose counters somebody set to zero. */
  readonly counterResets: number;
  readonly connections: number;
}

/** The same, what the kernel counted, and how the reader did. */
export interface CollectorCounters extends RecorderCounters, KernelCounts {
  /** How long the last reading of the whole table took, with what was read meanwhile. */
  readonly surveyMs: number;
  /** The longest time that no event was read, beyond what was meant, in the last window. */
  readonly stallMs: number;
}

export interface RecorderOptions {
  /** When collecting began, microseconds. */
  readonly epoch: number;
  /** What began later, and was never told, is told from its beginning; microseconds. By default `epoch`. */
  readonly since?: number;
  /** The name of an interface index, if there is such an interface. */
  readonly interfaceName: (index: number) => string | null;
  /** For which name a client had an address at a time, where DNS is collected. */
  readonly domainOf?: DomainOf;
}

/** Everything between decoded messages and records: pure but for its own state. Times are microseconds. */
export class Recorder {
  /** Connections of which nothing unusual is told; the records of these are taken from there. */
  readonly usual: FastConnections;
  readonly #correlator: Correlator;
  /** When those began that ended while a dump is read, by their ids. */
  #endedInDump: Map<number, number | null> | undefined;
  readonly #denials = new Denials();
  readonly #prefixes = new KnownPrefixes();
  readonly #losses = new Losses();
  readonly #gaps = new SequenceGaps();
  readonly #interfaceName: (index: number) => string | null;
  readonly #domainOf: DomainOf | undefined;
  readonly #moved = {
    conntrackEvents: 0,
    dumpedEntries: 0,
    loggedPackets: 0,
    denials: 0,
    foreignPrefixes: 0,
    otherVerdicts: 0,
    malformed: 0,
    overruns: 0,
    counterResets: 0,
  };
  /** When each source was last read without loss. */
  readonly #read: { conntrack: number; nflog: number };
  /** The latest time that anybody told. */
  #latest: number;
  #logOverrun: { start: number; end: number } | undefined;

  constructor({ epoch, since = epoch, interfaceName, domainOf }: RecorderOptions) {
    this.#correlator = new Correlator(since);
    this.usual = new FastConnections(since, this.#correlator, domainOf);
    this.#interfaceName = interfaceName;
    this.#domainOf = domainOf;
    this.#read = { conntrack: epoch, nflog: epoch };
    this.#latest = epoch;
  }

  get counters(): RecorderCounters {
    return { ...this.#moved, connections: this.#correlator.size + this.usual.size };
  }

  /** Takes in a message as it was read, if nothing about it is unusual; else its entry is wanted. */
  message(message: FastMessage, now: number): boolean {
    const isDumped = message.kind === fastKind.dumped;
    const taken = (isDumped && this.#isStale(message)) || this.usual.take(message, now);
    if (!taken) return false;
    if (isDumped) this.#moved.dumpedEntries++;
    else this.#moved.conntrackEvents++;
    if (message.kind === fastKind.ended) this.#endedInDump?.set(message.id, message.startedAt);
    return true;
  }

  entry(entry: Entry, now: number): void {
    const isStale = entry.kind === "dump" && this.#isStale(entry);
    if (!isStale && isProbe(entry.original.source, entry.original.destination)) return;
    if (entry.kind === "dump") this.#moved.dumpedEntries++;
    else this.#moved.conntrackEvents++;
    if (isStale) return;
    if (entry.kind === "destroy") this.#endedInDump?.set(entry.id, entry.startedAt);
    this.usual.leave(entry.id);
    this.#correlator.observe(entry, now);
  }

  /** From now on, until it ends, entries of a dump come between events. */
  beginDump(): void {
    this.#endedInDump = new Map();
    this.#correlator.beginDump();
    this.usual.beginDump();
  }

  /** The dump was complete. */
  endDump(now: number): void {
    this.#endedInDump = undefined;
    this.usual.endDump();
    this.#correlator.endDump(now);
  }

  logged(logged: LoggedPacket, now: number): void {
    this.#moved.loggedPackets++;
    this.#noteGap(logged.sequence, now);
    const cause = this.#prefixes.parse(logged.prefix);
    if (cause === undefined || logged.packet === null) this.#moved.foreignPrefixes++;
    else if (cause.action !== "deny") this.#moved.otherVerdicts++;
    else {
      this.#moved.denials++;
      this.#denials.observe({
        cause,
        packet: logged.packet,
        at: logged.timestamp ?? now,
        inInterface: this.#nameOf(logged.inIndex),
        outInterface: this.#nameOf(logged.outIndex),
        mark: logged.mark,
        uid: logged.uid,
        gid: logged.gid,
      });
    }
  }

  /** A source was read to its end, or as far as it would go. */
  wasRead(source: "conntrack" | "nflog", now: number): void {
    this.#follow(now);
    this.#read[source] = now;
  }

  /** The kernel had no room for so many datagrams of a source since it was last read. */
  overran(source: "conntrack" | "nflog", lost: number, now: number): void {
    this.#moved.overruns++;
    const span = { start: Math.min(this.#read[source], now), end: now };
    // A datagram of the log holds many packets; the next that comes says how many are missing.
    if (source === "nflog") this.#logOverrun ??= span;
    else if (lost > 0) this.#losses.note(source, lost, span, "the event socket's buffer overran");
  }

  /** Packets that the kernel dropped for want of room in its connection table. */
  tableWasFull(count: number, span: { readonly start: number; readonly end: number }): void {
    this.#losses.note("conntrack", count, span, tableFull);
  }

  /** Messages that could not be read. */
  malformed(error: SluiceError, now: number): void {
    this.#moved.malformed++;
    this.#losses.note("decode", 1, { start: now, end: now }, error.message);
  }

  /** Connections that an earlier run told of: what they carried since is news, and what it told is not. */
  restore(records: Iterable<RawFlow>): void {
    for (const record of records) this.#correlator.restore(record);
  }

  /** The last record of each unusual connection that was told and may go on. */
  *standing(): Generator<Draft> {
    for (const connection of this.#correlator.open())
      if (connection.toldAt !== null) yield standingOf(connection, connection.toldAt);
  }

  /**
   * Nobody listened until `end`. `start` is when the last window ended that was told: connections that are open are told after a
   * window's end, and so are denials, so those of a window of which that was not done were seen for nothing.
   */
  wasAway(span: { readonly start: number; readonly end: number }): void {
    const detail = "the collector did not run, after it had ended without warning";
    for (const source of ["conntrack", "nflog"] as const) this.#losses.note(source, null, span, detail);
  }

  /** Records of ours that are gone: for want of room, or of a disk that keeps what it was given. */
  dropped(count: number, { start, end }: { readonly start: number; readonly end: number }, detail = queueFull): void {
    this.#losses.note("queue", count, { start, end }, detail);
  }

  /** The kernel counted packets that it would have logged; by what the log would have said. */
  notLogged(counts: ReadonlyMap<string, number>, span: { readonly start: number; readonly end: number }): void {
    for (const [what, count] of counts) this.#losses.note("limit", count, span, what);
  }

  /** The records that a flush makes due, but for those of usual connections. */
  flush({ start, end, whole }: Flush): readonly Draft[] {
    this.#noteResets(start, end);
    const closed = this.#correlator.takeClosed();
    const open = whole ? this.#correlator.takeChanged() : [];
    const drafts = [...closed, ...open].map((connection) => {
      if (this.#domainOf !== undefined && connection.toldAt === null) this.#nameDestination(connection, this.#domainOf);
      const draft = draftOf(connection, start, end);
      connection.settle(draft.end);
      return draft;
    });
    return whole ? [...drafts, ...this.#flushDenials(start, end)] : drafts;
  }

  takeLosses(): readonly LossDraft[] {
    if (this.#logOverrun !== undefined)
      this.#losses.note("nflog", null, this.#logOverrun, "the log socket's buffer overran");
    this.#logOverrun = undefined;
    return this.#losses.take();
  }

  #flushDenials(start: number, end: number): readonly Draft[] {
    const { drafts, beyond } = this.#denials.take(start, end);
    if (beyond > 0)
      this.#losses.note("queue", beyond, { start, end }, "denied packets beyond the different ones kept per window");
    const domainOf = this.#domainOf;
    if (domainOf === undefined) return drafts;
    return drafts.map((draft) => ({
      ...draft,
      destinationDomain: domainOf(draft.sourceAddress, draft.destinationAddress, draft.startedAt),
    }));
  }

  /** By the address that the client wrote, which is what it was told. */
  #nameDestination(connection: Connection, domainOf: DomainOf): void {
    const { source, destination } = connection.original;
    connection.domain ??= domainOf(source, destination, connection.startedAt);
  }

  /**
   * A dump holds what the kernel copied for it a little before: of that, what ended meanwhile is told as if it lived. So is, for a
   * moment, what has ended: its DESTROY is on its way, or was read already.
   */
  #isStale({ id, status, startedAt }: Pick<Entry, "id" | "status" | "startedAt">): boolean {
    return (status & dying) !== 0 || (this.#endedInDump !== undefined && this.#endedInDump.get(id) === startedAt);
  }

  /** Notices that the wall clock was set back, before anything that began after that is taken in. */
  #follow(now: number): void {
    if (now < this.#latest) {
      this.#correlator.setBack(now);
      this.usual.setBack(now);
    }
    this.#latest = now;
  }

  /** What connections carried between the last reading of their counters and the reset nobody can tell. */
  #noteResets(start: number, end: number): void {
    const resets = this.#correlator.takeResets();
    this.#moved.counterResets += resets;
    if (resets > 0) this.#losses.note("conntrack", null, { start, end }, countersReset);
  }

  /** A gap says exactly how many packets an overrun cost. */
  #noteGap(sequence: number | null, now: number): void {
    const missing = sequence === null ? 0 : this.#gaps.after(sequence);
    if (missing === 0) return;
    const span = this.#logOverrun ?? { start: Math.min(this.#read.nflog, now), end: now };
    this.#logOverrun = undefined;
    this.#losses.note("nflog", missing, span, "logged packets missing by their sequence numbers");
  }

  #nameOf(index: number): string | null {
    return index === 0 ? null : this.#interfaceName(index);
  }
}

import type { Address } from "../../core/address.ts";
import { seenReply } from "../../core/conntrack/entry.ts";
import { type EndReason, endReasons } from "../../core/records/flow.ts";
import { readToleranceUs, startsAfterStampUs, startsBeforeStampUs } from "../connection.ts";
import { endReasonOf } from "../end-reason.ts";
import { type FastMessage, fastKind } from "./fast-message.ts";
import { type History, historyOf, openingOf } from "./history.ts";
import { column, columns, mark, number, numbers, Slots } from "./slots.ts";

// The network 198.18.254.0/24, in which probes of ours are (core/probe.ts), as the first three bytes of a little-endian word.
const probeNetwork = 0x00fe_12c6;
const threeBytes = 0x00ff_ffff;
const openAndChanged = mark.open | mark.changed;
const openAndTold = mark.open | mark.told;
const dumpsUntilGivenUp = 2;

/** For which name a client had an address at a time. */
export type DomainOf = (client: Address, address: Address, at: number) => string | null;

/** Where connections are of which something unusual is told: an id is known here or there, never in both. */
export interface Unusual {
  knows(id: number): boolean;
  adopt(history: History): void;
}

/**
 * The usual life of a connection, kept in rows of numbers: its NEW, dumps that have it, its DESTROY, each with the same tuples and
 * counters that do not fall. Whatever else is told of an id, its connection is handed to the correlator with all that was
 * heard of it, and stays there. What comes of both is the same (test/collectors/fast-connections.test.ts). Times are microseconds.
 */
export class FastConnections {
  readonly slots = new Slots();
  #epoch: number;
  readonly #unusual: Unusual;
  readonly #domainOf: DomainOf | undefined;
  #closed = new Int32Array(1024);
  #closedCount = 0;
  #dump = 0;
  /** What `endReasonOf` asks of a DESTROY. */
  readonly #ended = {
    status: 0,
    tcpState: null as number | null,
    sctpState: null,
    timeout: null as number | null,
    deletedBy: 0,
    original: { protocol: 0 },
  };

  /** `epoch`: when counting began. */
  constructor(epoch: number, unusual: Unusual, domainOf?: DomainOf) {
    this.#epoch = epoch;
    this.#unusual = unusual;
    this.#domainOf = domainOf;
  }

  /** How many connections are known. */
  get size(): number {
    return this.slots.size;
  }

  /** How many ended and wait to be told. */
  get closed(): number {
    return this.#closedCount;
  }

  /** Takes in a message; false if it, and all that follows of its id, is for the correlator. */
  take(message: FastMessage, now: number): boolean {
    const slot = this.slots.find(message.id);
    if (slot < 0) return this.#begin(message, now);
    if (this.#goesOn(slot, message, now)) return true;
    this.#handOver(slot);
    return false;
  }

  /** Something unusual is told of an id. */
  leave(id: number): void {
    const slot = this.slots.find(id);
    if (slot >= 0) this.#handOver(slot);
  }

  /** See Correlator.setBack. */
  setBack(now: number): void {
    this.#epoch = Math.min(this.#epoch, now);
  }

  beginDump(): void {
    this.#dump++;
  }

  /** Hands over those that two dumps in a row lack, to be given up. */
  endDump(): void {
    const { slots } = this;
    const rows = slots.columns;
    for (let slot = 0; slot < slots.end; slot++) {
      const row = slot * columns;
      if (
        (rows[row + column.marks] as number) & mark.open &&
        this.#dump - (rows[row + column.seenInDump] as number) >= dumpsUntilGivenUp
      )
        this.#handOver(slot);
    }
  }

  /** Visits those that ended, oldest first and at most `limit`, each to be told at once; then they are gone. */
  takeClosed(limit: number, tell: (slot: number) => void): number {
    const count = Math.min(limit, this.#closedCount);
    for (let n = 0; n < count; n++) {
      const slot = this.#closed[n] as number;
      this.#name(slot);
      tell(slot);
      this.slots.free(slot);
    }
    this.#closed.copyWithin(0, count, this.#closedCount);
    this.#closedCount -= count;
    return count;
  }

  /** Forgets as many of those that ended. */
  dropClosed(): number {
    return this.takeClosed(this.#closedCount, () => {});
  }

  /** The next slot from `from` on that is open and of which there is something to tell; -1 if there is none. */
  nextChanged(from: number): number {
    const slot = this.#nextWith(openAndChanged, from);
    if (slot >= 0) this.#name(slot);
    return slot;
  }

  /** The next that is open and was told. */
  nextTold(from: number): number {
    return this.#nextWith(openAndTold, from);
  }

  /** Told is what is known now, by a record that ends at `end`. */
  settle(slot: number, end: number): void {
    const row = slot * columns + column.marks;
    const cell = slot * numbers;
    const values = this.slots.numbers;
    for (let n = 0; n < 4; n++) values[cell + number.reported + n] = values[cell + number.totals + n] as number;
    values[cell + number.toldAt] = end;
    const marks = this.slots.columns[row] as number;
    const replied = marks & mark.replied ? mark.toldReplied : 0;
    this.slots.columns[row] = (marks & ~(mark.changed | mark.toldReplied)) | mark.told | replied;
  }

  /** What is told first is told with the name that was asked for by then. */
  #name(slot: number): void {
    if (this.#domainOf === undefined) return;
    const marks = this.slots.columns[slot * columns + column.marks] as number;
    if (marks & mark.told) return;
    const { client, address } = openingOf(this.slots, slot);
    const domain = this.#domainOf(client, address, this.slots.numbers[slot * numbers + number.startedAt] as number);
    if (domain !== null) this.slots.domains.set(slot, domain);
  }

  #nextWith(marks: number, from: number): number {
    const rows = this.slots.columns;
    const { end } = this.slots;
    for (let slot = from; slot < end; slot++)
      if (((rows[slot * columns + column.marks] as number) & marks) === marks) return slot;
    return -1;
  }

  #begin(message: FastMessage, now: number): boolean {
    if (message.kind === fastKind.ended || this.#unusual.knows(message.id)) return false;
    if (!message.isSix && (isOfProbe(message.addresses[0]) || isOfProbe(message.addresses[1]))) return false;
    const slot = this.slots.add(message.id);
    const row = slot * columns;
    const isNew = message.kind === fastKind.born;
    const replied = message.status & seenReply ? mark.replied : 0;
    const rows = this.slots.columns;
    rows[row + column.marks] =
      message.protocol |
      (message.isSix ? mark.six : 0) |
      mark.open |
      mark.changed |
      replied |
      (isNew ? newMarks(message) : 0);
    rows[row + column.seenInDump] = this.#dump;
    for (let n = 0; n < 4; n++) rows[row + column.label + n] = message.hasLabel ? (message.label[n] as number) : 0;
    rows[row + column.mark] = message.mark;
    rows[row + column.originalPorts] = message.originalPorts;
    rows[row + column.replyPorts] = message.replyPorts;
    for (let n = 0; n < (message.isSix ? 16 : 4); n++)
      rows[row + column.addresses + n] = message.addresses[n] as number;
    this.#beginNumbers(slot, message, now);
    return true;
  }

  #beginNumbers(slot: number, message: FastMessage, now: number): void {
    const cell = slot * numbers;
    const values = this.slots.numbers;
    const { startedAt, happenedAt } = message;
    values[cell + number.heardAt] = now;
    values[cell + number.stampedAt] = message.kind === fastKind.born ? happenedAt : Number.NaN;
    values[cell + number.startedAt] = !Number.isNaN(startedAt)
      ? startedAt
      : Number.isNaN(happenedAt)
        ? now
        : happenedAt;
    values[cell + number.kernelStart] = startedAt;
    values[cell + number.toldAt] = values[cell + number.closedAt] = Number.NaN;
    for (let n = 0; n < 4; n++) values[cell + number.totals + n] = values[cell + number.reported + n] = 0;
    if (message.kind === fastKind.born) return;
    this.#count(slot, message);
    // What was before we counted is nothing to tell.
    if (startedAt < this.#epoch)
      for (let n = 0; n < 4; n++) values[cell + number.reported + n] = message.counters[n] as number;
  }

  /** False if this is not how a connection usually goes on. */
  #goesOn(slot: number, message: FastMessage, now: number): boolean {
    if (!this.#isOf(slot, message)) return false;
    if (message.kind === fastKind.born) return this.#isBorn(slot, message);
    if (!this.#isOfItsTime(slot, message.startedAt) || this.#fell(slot, message)) return false;
    if (message.hasLabel && !this.#hasLabelOf(slot, message)) return false;
    this.#learn(slot, message);
    if (message.kind === fastKind.ended) this.#end(slot, message, now);
    return true;
  }

  /** A dump ran ahead of the events: the NEW of what is known from there. */
  #isBorn(slot: number, message: FastMessage): boolean {
    const row = slot * columns;
    const cell = slot * numbers;
    const rows = this.slots.columns;
    const values = this.slots.numbers;
    const marks = rows[row + column.marks] as number;
    const { happenedAt } = message;
    const start = values[cell + number.kernelStart] as number;
    if (marks & (mark.newSeen | mark.told) || start < this.#epoch || Number.isNaN(happenedAt)) return false;
    if (start < happenedAt - startsBeforeStampUs || start > happenedAt + startsAfterStampUs) return false;
    if (message.hasLabel && !this.#hasLabelOf(slot, message)) return false;
    if (message.status & seenReply && !(marks & mark.replied)) return false;
    rows[row + column.marks] = marks | newMarks(message);
    rows[row + column.mark] = message.mark;
    rows[row + column.seenInDump] = this.#dump;
    values[cell + number.stampedAt] = happenedAt;
    return true;
  }

  #isOf(slot: number, message: FastMessage): boolean {
    const rows = this.slots.columns;
    const row = slot * columns;
    const marks = rows[row + column.marks] as number;
    if ((marks & mark.protocol) !== message.protocol || ((marks & mark.six) !== 0) !== message.isSix) return false;
    if (rows[row + column.originalPorts] !== message.originalPorts) return false;
    if (rows[row + column.replyPorts] !== message.replyPorts) return false;
    const addresses = message.isSix ? 16 : 4;
    for (let n = 0; n < addresses; n++) if (rows[row + column.addresses + n] !== message.addresses[n]) return false;
    return true;
  }

  /** As `Connection.missedBy` has it, of what is told by the kernel with the time of its start. */
  #isOfItsTime(slot: number, startedAt: number): boolean {
    const cell = slot * numbers;
    const values = this.slots.numbers;
    const known = values[cell + number.kernelStart] as number;
    if (!Number.isNaN(known)) return startedAt === known;
    const stamp = values[cell + number.stampedAt] as number;
    if (Number.isNaN(stamp)) return startedAt <= (values[cell + number.heardAt] as number) + readToleranceUs;
    return startedAt >= stamp - startsBeforeStampUs && startedAt <= stamp + startsAfterStampUs;
  }

  #fell(slot: number, { counters }: FastMessage): boolean {
    const at = slot * numbers + number.totals;
    const values = this.slots.numbers;
    return (
      (counters[0] as number) < (values[at] as number) ||
      (counters[1] as number) < (values[at + 1] as number) ||
      (counters[2] as number) < (values[at + 2] as number) ||
      (counters[3] as number) < (values[at + 3] as number)
    );
  }

  #hasLabelOf(slot: number, { label }: FastMessage): boolean {
    const rows = this.slots.columns;
    const at = slot * columns + column.label;
    return rows[at] === label[0] && rows[at + 1] === label[1] && rows[at + 2] === label[2] && rows[at + 3] === label[3];
  }

  #learn(slot: number, message: FastMessage): void {
    const rows = this.slots.columns;
    const row = slot * columns;
    const values = this.slots.numbers;
    const cell = slot * numbers;
    const marks = rows[row + column.marks] as number;
    values[cell + number.kernelStart] = message.startedAt;
    if (!(marks & mark.told)) values[cell + number.startedAt] = message.startedAt;
    if (message.status & seenReply && !(marks & mark.replied))
      rows[row + column.marks] = marks | mark.replied | mark.changed;
    rows[row + column.seenInDump] = this.#dump;
    rows[row + column.mark] = message.mark;
    this.#count(slot, message);
  }

  #count(slot: number, { counters }: FastMessage): void {
    const values = this.slots.numbers;
    const at = slot * numbers + number.totals;
    const row = slot * columns + column.marks;
    if (values[at] !== counters[0] || values[at + 2] !== counters[2])
      this.slots.columns[row] = (this.slots.columns[row] as number) | mark.changed;
    if ((counters[2] as number) > 0) this.slots.columns[row] = (this.slots.columns[row] as number) | mark.replied;
    for (let n = 0; n < 4; n++) values[at + n] = counters[n] as number;
  }

  #end(slot: number, message: FastMessage, now: number): void {
    const row = slot * columns + column.marks;
    const cell = slot * numbers;
    const values = this.slots.numbers;
    const marks = this.slots.columns[row] as number;
    const reason = this.#reasonOf(message, (marks & mark.replied) !== 0);
    this.slots.columns[row] = (marks & ~(mark.open | mark.endReason)) | (reason << mark.endReasonShift);
    const { stoppedAt, happenedAt } = message;
    const at = !Number.isNaN(stoppedAt) ? stoppedAt : Number.isNaN(happenedAt) ? now : happenedAt;
    values[cell + number.closedAt] = Math.max(at, values[cell + number.startedAt] as number);
    this.slots.unlink(slot);
    if (this.#closedCount === this.#closed.length) this.#closed = grown(this.#closed);
    this.#closed[this.#closedCount++] = slot;
  }

  #reasonOf({ status, protocol, tcpState, hasTimeout }: FastMessage, replied: boolean): number {
    const ended = this.#ended;
    ended.status = status;
    ended.tcpState = tcpState === 0 ? null : tcpState;
    ended.timeout = hasTimeout ? 0 : null;
    ended.original.protocol = protocol;
    return reasonNumbers[endReasonOf(ended, replied)];
  }

  #handOver(slot: number): void {
    const history = historyOf(this.slots, slot);
    this.slots.unlink(slot);
    this.slots.free(slot);
    this.#unusual.adopt(history);
  }
}

const reasonNumbers = Object.fromEntries(endReasons.map((reason, index) => [reason, index])) as Readonly<
  Record<EndReason, number>
>;

const isOfProbe = (word = 0) => (word & threeBytes) === probeNetwork;

const newMarks = ({ tcpState }: FastMessage) => mark.newSeen | (tcpState << mark.tcpStateShift);

function grown(list: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * list.length);
  larger.set(list);
  return larger;
}

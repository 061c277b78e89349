import { column, columns, mark, number, numbers, type Slots } from "../conntrack/slots.ts";
import { flowFixedBytes, flowFlag, flowVersion } from "./flow-layout.ts";

// Writes the record of a connection in a slot as FlowEncoder would write that of a Connection: straight from row to frame.

const sixes = flowFlag.sourceSix | flowFlag.destinationSix;
const natSixes = flowFlag.natSourceSix | flowFlag.natDestinationSix;
const tcp = 6;
// See collectors/connection.ts: SYN_SENT and SYN_SENT2 begin a connection, 0 is that its NEW was not seen.
const beginnings = (1 << 0) | (1 << 1) | (1 << 9);

export interface Told {
  readonly start: number;
  readonly end: number;
}

export class SlotEncoder {
  /** The span of the record that was written last, microseconds. */
  start = 0;
  end = 0;
  readonly #bytes: Buffer;
  readonly #view: DataView;
  #rows: Int32Array = new Int32Array(0);
  #values: Float64Array = new Float64Array(0);

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Writes the record that the slot's connection leaves in a window; where it ends. Throws RangeError where the buffer ends. */
  encode(slots: Slots, slot: number, window: Told, at: number): number {
    const rows = slots.columns;
    const values = slots.numbers;
    this.#rows = rows;
    this.#values = values;
    const row = slot * columns;
    const cell = slot * numbers;
    const marks = rows[row + column.marks] as number;
    this.#span(cell, window);
    const after = this.#ends(row, marks, at);
    this.#fixed(row, cell, marks, at);
    this.#counts(cell, number.totals, at);
    const domain = slots.domains.size === 0 ? undefined : slots.domains.get(slot);
    return domain === undefined ? after : this.#domain(domain, at, after);
  }

  /** Writes what was told of the slot's connection: nothing since. */
  encodeTold(slots: Slots, slot: number, at: number): number {
    const toldAt = slots.numbers[slot * numbers + number.toldAt] as number;
    const after = this.encode(slots, slot, { start: toldAt, end: toldAt }, at);
    this.#counts(slot * numbers, number.reported, at);
    return after;
  }

  /** ASCII: see collectors/dns/name.ts. */
  #domain(domain: string, start: number, at: number): number {
    const view = this.#view;
    view.setUint32(start + 4, view.getUint32(start + 4, true) | flowFlag.destinationDomain, true);
    view.setUint16(at, domain.length, true);
    return at + 2 + this.#bytes.write(domain, at + 2, "latin1");
  }

  #span(cell: number, window: Told): void {
    const startedAt = this.#values[cell + number.startedAt] as number;
    const closedAt = this.#values[cell + number.closedAt] as number;
    this.end = Math.max(startedAt, Number.isNaN(closedAt) ? window.end : closedAt);
    this.start = Math.min(Math.max(window.start, startedAt), this.end);
  }

  /** Everything behind the fixed part, and the flags. */
  #ends(row: number, marks: number, start: number): number {
    const view = this.#view;
    const rows = this.#rows;
    const isSix = (marks & mark.six) !== 0;
    const words = isSix ? 4 : 1;
    const first = row + column.addresses;
    let at = this.#words(first, words, start + flowFixedBytes);
    at = this.#words(first + 2 * words, words, at);
    let flags = flowFlag.connection | (isSix ? sixes : 0);
    if (marks & mark.replied) flags |= flowFlag.replied;
    if (this.#isTranslated(row, words)) {
      flags |= flowFlag.nat | (isSix ? natSixes : 0);
      at = this.#words(first + words, words, at);
      at = this.#words(first + 3 * words, words, at);
      view.setUint16(at, swapped((rows[row + column.originalPorts] as number) >>> 16), true);
      view.setUint16(at + 2, swapped((rows[row + column.replyPorts] as number) >>> 16), true);
      at += 4;
    }
    for (const [half, present] of halves) {
      const low = rows[row + column.label + half] as number;
      const high = (rows[row + column.label + half + 1] as number) & 0x7fff_ffff;
      if ((low | high) === 0) continue;
      flags |= present;
      view.setUint32(at, high);
      view.setUint32(at + 4, low);
      at += 8;
    }
    if (!(marks & mark.open)) {
      flags |= flowFlag.closed | flowFlag.endReason;
      view.setUint8(at++, (marks & mark.endReason) >>> mark.endReasonShift);
    }
    const connmark = rows[row + column.mark] as number;
    if (connmark !== 0) {
      flags |= flowFlag.mark;
      view.setUint32(at, connmark, true);
      at += 4;
    }
    if ((marks & mark.protocol) === tcp && !((beginnings >>> ((marks & mark.tcpState) >>> mark.tcpStateShift)) & 1))
      flags |= flowFlag.midstream;
    view.setUint32(start + 4, flags, true);
    return at;
  }

  #fixed(row: number, cell: number, marks: number, at: number): void {
    const view = this.#view;
    const rows = this.#rows;
    const values = this.#values;
    view.setUint8(at, flowVersion);
    view.setUint8(at + 1, marks & mark.protocol);
    view.setUint16(at + 2, 0, true);
    view.setUint16(at + 8, swapped((rows[row + column.originalPorts] as number) & 0xffff), true);
    view.setUint16(at + 10, swapped((rows[row + column.replyPorts] as number) & 0xffff), true);
    view.setUint32(at + 12, rows[row] as number, true);
    view.setFloat64(at + 16, this.start, true);
    view.setFloat64(at + 24, this.end, true);
    view.setFloat64(at + 32, values[cell + number.startedAt] as number, true);
  }

  #counts(cell: number, from: number, at: number): void {
    const values = this.#values;
    for (let n = 0; n < 4; n++) {
      const total = values[cell + from + n] as number;
      this.#view.setFloat64(at + 40 + 8 * n, total - (values[cell + number.reported + n] as number), true);
      this.#view.setFloat64(at + 72 + 8 * n, total, true);
    }
  }

  /** Whether the reply is not just the original turned round. */
  #isTranslated(row: number, words: number): boolean {
    const rows = this.#rows;
    const original = rows[row + column.originalPorts] as number;
    if (rows[row + column.replyPorts] !== ((original >>> 16) | (original << 16))) return true;
    const first = row + column.addresses;
    for (let n = 0; n < words; n++)
      if (rows[first + n] !== rows[first + 3 * words + n] || rows[first + words + n] !== rows[first + 2 * words + n])
        return true;
    return false;
  }

  #words(from: number, count: number, at: number): number {
    for (let n = 0; n < count; n++) this.#view.setInt32(at + 4 * n, this.#rows[from + n] as number, true);
    return at + 4 * count;
  }
}

/** Where in a label the two rules stand, and their flags. */
const halves = [
  [0, flowFlag.egressRule],
  [2, flowFlag.ingressRule],
] as const;

/** A port in network order, read by a little-endian machine, and the other way round. */
const swapped = (port: number) => ((port & 0xff) << 8) | (port >>> 8);

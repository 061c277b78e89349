import { isReal } from "./lane.ts";
import type { PortIntervals } from "./port-intervals.ts";
import type { Packet } from "./verdict.ts";

/** Numbers of a question. */
const width = 4;

/** Places at first, as a power of 2. An evaluator that lives but a moment costs little. */
const firstBits = 8;

/**
 * The last answers, each to a question of four numbers: two kinds of ends, kind of packet and way. Each has two places, side by side,
 * where it may be, so a new one takes the place of an older: the memory has a bound, and nothing has to be tidied up.
 */
export class Recent<T> {
  #bits = 0;
  #keys = new Int32Array(0);
  #answers: (T | undefined)[] = [];
  #kept = 0;
  readonly #maxBits: number;

  /** Grows up to 2 to the power of `maxBits` places; at least one bit. */
  constructor(maxBits: number) {
    this.#maxBits = maxBits;
    this.#resize(Math.min(firstBits, maxBits));
  }

  /** `who` is never 0; `kind` is that of `kindOf`. */
  find(who: number, other: number, kind: number, way: number): T | undefined {
    const place = this.#placeOf(who, other, kind, way);
    if (this.#isAt(place, who, other, kind, way)) return this.#answers[place];
    return this.#isAt(place + 1, who, other, kind, way) ? this.#answers[place + 1] : undefined;
  }

  keep(who: number, other: number, kind: number, way: number, answer: T): void {
    this.#put(who, other, kind, way, answer);
    this.#kept += 1;
    if (2 * this.#kept >= this.#answers.length && this.#bits < this.#maxBits)
      this.#resize(Math.min(this.#bits + 2, this.#maxBits));
  }

  /** What stood in the first place moves to the second. */
  #put(who: number, other: number, kind: number, way: number, answer: T): void {
    const place = this.#placeOf(who, other, kind, way);
    const [keys, at] = [this.#keys, place * width];
    keys.copyWithin(at + width, at, at + width);
    this.#answers[place + 1] = this.#answers[place];
    keys[at] = who;
    keys[at + 1] = other;
    keys[at + 2] = kind;
    keys[at + 3] = way;
    this.#answers[place] = answer;
  }

  #isAt(place: number, who: number, other: number, kind: number, way: number): boolean {
    const [keys, at] = [this.#keys, place * width];
    return keys[at] === who && keys[at + 1] === other && keys[at + 2] === kind && keys[at + 3] === way;
  }

  #resize(bits: number): void {
    const [keys, answers] = [this.#keys, this.#answers];
    this.#bits = bits;
    this.#kept = 0;
    this.#keys = new Int32Array(width * 2 ** bits);
    this.#answers = new Array<T | undefined>(2 ** bits).fill(undefined);
    const keyAt = (place: number, part: number) => keys[place * width + part] as number;
    for (const [place, answer] of answers.entries())
      if (answer !== undefined) this.#put(keyAt(place, 0), keyAt(place, 1), keyAt(place, 2), keyAt(place, 3), answer);
  }

  /** The first of the two. */
  #placeOf(who: number, other: number, kind: number, way: number): number {
    const mixed = Math.imul(who, 0x9e3779b1) ^ Math.imul(other, 0x85ebca6b) ^ Math.imul(kind + way, 0xc2b2ae35);
    return (Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) >>> (32 - this.#bits)) & ~1;
  }
}

/**
 * One number below 2^25 for protocol and interval of destination ports, or type and code of ICMP in its place; negative for what no
 * real packet has: ICMP with ports, or numbers that no header holds.
 */
export function kindOf(packet: Packet, intervals: PortIntervals): number {
  const { protocol, sourcePort, destinationPort, icmp } = packet;
  if (!isReal(packet)) return -1;
  const base = protocol * 131_072;
  if (icmp === null) return base + intervals.of(destinationPort);
  return sourcePort + destinationPort > 0 ? -1 : base + 65_536 + icmp.type * 256 + icmp.code;
}

import type { Family } from "../core/address.ts";
import { isReal } from "./lane.ts";
import type { Packet } from "./verdict.ts";

/** Numbers of a question. */
const width = 4;

/** Places at first, as a power of 2. An evaluator that lives but a moment costs little. */
const firstBits = 8;

/**
 * The last answers, each to a question of four numbers: who and who (or what), kind of packet and source port. Each has one place
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

  /** `who` is never 0; `kind` is that of `kindOf`, `port` the source port, or 0 where it never matters. */
  find(who: number, other: number, kind: number, port: number): T | undefined {
    const place = this.#placeOf(who, other, kind, port);
    const [keys, at] = [this.#keys, place * width];
    const isSame = keys[at] === who && keys[at + 1] === other && keys[at + 2] === kind && keys[at + 3] === port;
    return isSame ? this.#answers[place] : undefined;
  }

  keep(who: number, other: number, kind: number, port: number, answer: T): void {
    const place = this.#placeOf(who, other, kind, port);
    const [keys, at] = [this.#keys, place * width];
    keys[at] = who;
    keys[at + 1] = other;
    keys[at + 2] = kind;
    keys[at + 3] = port;
    this.#answers[place] = answer;
    this.#kept += 1;
    if (this.#kept >= this.#answers.length && this.#bits < this.#maxBits)
      this.#resize(Math.min(this.#bits + 2, this.#maxBits));
  }

  /** What was kept is forgotten, and soon learnt again. */
  #resize(bits: number): void {
    this.#bits = bits;
    this.#kept = 0;
    this.#keys = new Int32Array(width * 2 ** bits);
    this.#answers = new Array<T | undefined>(2 ** bits).fill(undefined);
  }

  #placeOf(who: number, other: number, kind: number, port: number): number {
    const mixed = Math.imul(who, 0x9e3779b1) ^ Math.imul(other, 0x85ebca6b) ^ Math.imul(kind + port, 0xc2b2ae35);
    return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) >>> (32 - this.#bits);
  }
}

/**
 * One number below 2^26 for family, protocol and destination port, or type and code of ICMP in its place; negative for what no real
 * packet has: ICMP with ports, or numbers that no header holds.
 */
export function kindOf(packet: Packet, family: Family): number {
  const { protocol, sourcePort, destinationPort, icmp } = packet;
  if (!isReal(packet)) return -1;
  const base = (family === 4 ? 0 : 33_554_432) + protocol * 131_072;
  if (icmp === null) return base + destinationPort;
  return sourcePort + destinationPort > 0 ? -1 : base + 65_536 + icmp.type * 256 + icmp.code;
}

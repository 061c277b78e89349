import { isReal } from "./lane.ts";
import type { Packet, Verdict } from "./verdict.ts";

/** Numbers of a slot: source, destination, kind of packet, source port. */
const width = 4;

/** Places at first, as a power of 2. An evaluator that lives but a moment costs little. */
const firstBits = 8;

/**
 * The last verdicts, by who the ends are and what kind of packet it was. Each has one place where it may be, so a new one takes the
 * place of an older: the memory has a bound, and nothing has to be tidied up.
 */
export class VerdictCache {
  #bits = 0;
  #keys = new Int32Array(0);
  #verdicts: (Verdict | undefined)[] = [];
  #kept = 0;
  readonly #maxBits: number;

  /** Grows up to 2 to the power of `maxBits` places; at least one bit. */
  constructor(maxBits: number) {
    this.#maxBits = maxBits;
    this.#resize(Math.min(firstBits, maxBits));
  }

  /** Ends go by numbers that belong to no other; `kind` is that of `kindOf`, `port` the source port, or 0 where it never matters. */
  find(source: number, destination: number, kind: number, port: number): Verdict | undefined {
    const place = this.#placeOf(source, destination, kind, port);
    const [keys, at] = [this.#keys, place * width];
    const isSame =
      keys[at] === source && keys[at + 1] === destination && keys[at + 2] === kind && keys[at + 3] === port;
    return isSame ? this.#verdicts[place] : undefined;
  }

  keep(source: number, destination: number, kind: number, port: number, verdict: Verdict): void {
    const place = this.#placeOf(source, destination, kind, port);
    const [keys, at] = [this.#keys, place * width];
    keys[at] = source;
    keys[at + 1] = destination;
    keys[at + 2] = kind;
    keys[at + 3] = port;
    this.#verdicts[place] = verdict;
    this.#kept += 1;
    if (this.#kept >= this.#verdicts.length && this.#bits < this.#maxBits)
      this.#resize(Math.min(this.#bits + 2, this.#maxBits));
  }

  /** What was kept is forgotten, and soon learnt again. */
  #resize(bits: number): void {
    this.#bits = bits;
    this.#kept = 0;
    this.#keys = new Int32Array(width * 2 ** bits);
    this.#verdicts = new Array<Verdict | undefined>(2 ** bits).fill(undefined);
  }

  #placeOf(source: number, destination: number, kind: number, port: number): number {
    const mixed =
      Math.imul(source, 0x9e3779b1) ^ Math.imul(destination, 0x85ebca6b) ^ Math.imul(kind + port, 0xc2b2ae35);
    return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) >>> (32 - this.#bits);
  }
}

/**
 * One number below 2^25 for protocol and destination port, or type and code of ICMP in its place; negative for what no real packet has:
 * ICMP with ports, or numbers that no header holds.
 */
export function kindOf(packet: Packet): number {
  const { protocol, sourcePort, destinationPort, icmp } = packet;
  if (!isReal(packet)) return -1;
  if (icmp === null) return protocol * 131_072 + destinationPort;
  return sourcePort + destinationPort > 0 ? -1 : protocol * 131_072 + 65_536 + icmp.type * 256 + icmp.code;
}

import { isReal } from "./lane.ts";
import type { Packet, Verdict } from "./verdict.ts";

/** Numbers of a slot: source, destination, kind of packet, source port. */
const width = 4;

/**
 * The last verdicts, by who the ends are and what kind of packet it was. Each has one place where it may be, so a new one takes the
 * place of an older: the memory never grows, and nothing has to be tidied up.
 */
export class VerdictCache {
  readonly #keys: Int32Array;
  readonly #verdicts: (Verdict | undefined)[];
  readonly #shift: number;

  /** Of 2 to the power of `bits` places; at least one bit. */
  constructor(bits: number) {
    this.#keys = new Int32Array(width * 2 ** bits);
    this.#verdicts = Array.from({ length: 2 ** bits });
    this.#shift = 32 - bits;
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
    this.#keys.set([source, destination, kind, port], place * width);
    this.#verdicts[place] = verdict;
  }

  #placeOf(source: number, destination: number, kind: number, port: number): number {
    const mixed =
      Math.imul(source, 0x9e3779b1) ^ Math.imul(destination, 0x85ebca6b) ^ Math.imul(kind + port, 0xc2b2ae35);
    return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) >>> this.#shift;
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

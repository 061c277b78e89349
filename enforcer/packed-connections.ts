// Connections as numbers, to be handed from thread to thread: a hundred thousand objects would be copied one by one.
//
// packed  => addresses links words
//   addresses => text*, each once    links => the interface behind which each is*    words => connection*, `fields` numbers each
import type { Address } from "../core/address.ts";
import type { Entry } from "../core/conntrack/entry.ts";
import type { Connection } from "./conntrack.ts";

export interface PackedConnections {
  readonly addresses: readonly Address[];
  /** Null: not known. Empty where nobody asked. */
  readonly links: readonly (string | null)[];
  readonly words: Uint32Array<ArrayBuffer>;
}

const fields = 16;
/** IPS_EXPECTED of include/uapi/linux/netfilter/nf_conntrack_common.h. */
const expected = 1 << 0;
// Negative numbers, of what is no ICMP, have no place in words.
const none = 0xffff_ffff;

export class Packer {
  readonly #addresses: Address[] = [];
  readonly #indices = new Map<Address, number>();
  #words = new Uint32Array(fields * 1024);
  #length = 0;

  add({ id, zone, status, original, reply }: Entry): void {
    if (this.#length === this.#words.length) this.#grow();
    const words = this.#words;
    let at = this.#length;
    words[at++] = id;
    words[at++] = zone;
    words[at++] = status & expected;
    words[at++] = original.protocol;
    words[at++] = this.#indexOf(original.source);
    words[at++] = original.sourcePort;
    words[at++] = this.#indexOf(original.destination);
    words[at++] = original.destinationPort;
    words[at++] = original.icmpType;
    words[at++] = original.icmpCode;
    words[at++] = original.icmpId;
    words[at++] = original.zone;
    words[at++] = this.#indexOf(reply.source);
    words[at++] = reply.sourcePort;
    words[at++] = this.#indexOf(reply.destination);
    words[at++] = reply.destinationPort;
    this.#length = at;
  }

  finish(linksOf: (addresses: readonly Address[]) => PackedConnections["links"]): PackedConnections {
    const addresses = this.#addresses;
    return { addresses, links: linksOf(addresses), words: this.#words.slice(0, this.#length) };
  }

  #indexOf(address: Address): number {
    const known = this.#indices.get(address);
    if (known !== undefined) return known;
    const index = this.#addresses.push(address) - 1;
    this.#indices.set(address, index);
    return index;
  }

  #grow(): void {
    const words = new Uint32Array(this.#words.length * 2);
    words.set(this.#words);
    this.#words = words;
  }
}

/** Connections of a packed list, made anew each time they are asked for. */
export class UnpackedConnections implements Iterable<Connection> {
  readonly #packed: PackedConnections;

  constructor(packed: PackedConnections) {
    this.#packed = packed;
  }

  *[Symbol.iterator](): Generator<Connection> {
    for (let at = 0; at < this.#packed.words.length; at += fields) yield connectionAt(this.#packed, at);
  }
}

function connectionAt({ addresses, links, words }: PackedConnections, start: number): Connection {
  const word = (field: number) => words[start + field] as number;
  const address = (field: number) => addresses[word(field)] as Address;
  const link = (field: number) => links[word(field)] ?? null;
  const orNone = (field: number) => (word(field) === none ? -1 : word(field));
  return {
    id: word(0),
    zone: word(1),
    isExpected: word(2) !== 0,
    sourceLink: link(4),
    destinationLink: link(12),
    original: {
      protocol: word(3),
      source: address(4),
      sourcePort: word(5),
      destination: address(6),
      destinationPort: word(7),
      icmpType: orNone(8),
      icmpCode: orNone(9),
      icmpId: orNone(10),
      zone: word(11),
    },
    reply: { source: address(12), sourcePort: word(13), destination: address(14), destinationPort: word(15) },
  };
}

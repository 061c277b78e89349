import type { Address } from "../core/address.ts";
import type { Sets } from "./match.ts";
import type { Placement } from "./placement.ts";
import type { SetId } from "./program.ts";
import { End, type SetIndex } from "./set-index.ts";

/** Sets by numbers, small enough to be packed. */
export class SetTable {
  readonly sets: Sets;
  /** Of sets that may get a number. */
  readonly size: number;
  readonly #numbers = new Map<SetId, number>();
  readonly #indices: SetIndex[] = [];

  constructor({ members }: Placement, sets: Sets) {
    this.sets = sets;
    this.size = members.size;
  }

  numberOf(id: SetId): number {
    const found = this.#numbers.get(id);
    if (found !== undefined) return found;
    const number = this.#indices.push(this.sets(id)) - 1;
    this.#numbers.set(id, number);
    return number;
  }

  at(number: number): SetIndex {
    return this.#indices[number] as SetIndex;
  }
}

const unknown = 0;
const isMember = 1;
const isNone = 2;

/** An end that remembers which sets it is in: two bits a set, known as they are first asked for. */
export class KnownEnd extends End {
  readonly #table: SetTable;
  readonly #known: Uint8Array;

  constructor(address: Address, table: SetTable) {
    super(address);
    this.#table = table;
    this.#known = new Uint8Array((table.size + 3) >>> 2);
  }

  isIn(set: number): boolean {
    const shift = (set & 3) << 1;
    const state = ((this.#known[set >>> 2] as number) >>> shift) & 3;
    return state === unknown ? this.#learn(set, shift) : state === isMember;
  }

  #learn(set: number, shift: number): boolean {
    const found = this.#table.at(set).has(this);
    this.#known[set >>> 2] = (this.#known[set >>> 2] as number) | ((found ? isMember : isNone) << shift);
    return found;
  }
}

/** Things 0, 1, 2 … divided into cells by what they have in common. At first all are in cell 0. */
export class Partition {
  readonly #cells: Uint32Array;
  #count: number;

  constructor(things: number, like?: Partition) {
    this.#cells = like === undefined ? new Uint32Array(things) : like.#cells.slice();
    this.#count = like === undefined ? 1 : like.#count;
  }

  copy(): Partition {
    return new Partition(this.#cells.length, this);
  }

  /** Divides each cell into those of its things that are members and those that are not. */
  split(members: Iterable<number>): void {
    const moved = new Map<number, number>();
    const first = this.#count;
    for (const thing of members) {
      const cell = this.#cells[thing] as number;
      // Named twice.
      if (cell >= first) continue;
      let target = moved.get(cell);
      if (target === undefined) {
        target = this.#count++;
        moved.set(cell, target);
      }
      this.#cells[thing] = target;
    }
  }

  /** Divides by keys; `keys` has one for each thing. */
  splitBy(keys: readonly unknown[]): void {
    for (const members of Map.groupBy(keys.keys(), (thing) => keys[thing]).values()) this.split(members);
  }

  cellOf(thing: number): number {
    return this.#cells[thing] as number;
  }
}

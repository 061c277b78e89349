/** Things with numbers, divided into cells by what they have in common. At first all are in cell 0. */
export class Partition {
  readonly #cells = new Map<number, number>();
  #count = 1;

  /** Divides each cell into those of its things that are members and those that are not. */
  split(members: Iterable<number>): void {
    const moved = new Map<number, number>();
    for (const thing of new Set(members)) {
      const cell = this.cellOf(thing);
      const target = moved.get(cell) ?? this.#count++;
      moved.set(cell, target);
      this.#cells.set(thing, target);
    }
  }

  /** Divides by keys; `keys` has one for each thing from 0 on. */
  splitBy(keys: readonly unknown[]): void {
    for (const members of Map.groupBy(keys.keys(), (thing) => keys[thing]).values()) this.split(members);
  }

  cellOf(thing: number): number {
    return this.#cells.get(thing) ?? 0;
  }
}

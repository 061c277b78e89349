import { DigestList } from "./digest-list.ts";
import type { EntryIndex } from "./entry-index.ts";
import { textHash } from "./hash.ts";
import type { Policy } from "./model.ts";
import type { Piece } from "./piece.ts";
import { comparePolicies, type TierPlace } from "./policy-order.ts";
import type { Applicability } from "./program.ts";

/** A policy and what it adds to the Program. */
export interface Compiled {
  readonly policy: Policy;
  readonly piece: Piece;
}

/** More changes than this at once are sorted in rather than put in one by one. */
const few = 32;

/** The policies of one tier in order of evaluation, and what they add to `applies`, which an EntryIndex is told of. */
export class Stage {
  place: TierPlace;
  /** Place in the order of stages. */
  #rank = 0;
  /** Side by side for each entry: whose it is, what stands in `applies`, its part of the revision. */
  #owners: Compiled[] = [];
  #applies: Applicability[] = [];
  readonly #digests = new DigestList();
  /** Those that add something at the end of `applies` or have rules that are not enforced: few. */
  #special: readonly Compiled[] = [];
  #digest: string | undefined;
  #size = 0;

  constructor(place: TierPlace) {
    this.place = place;
  }

  /** How many policies it has. */
  get size(): number {
    return this.#size;
  }

  get applies(): readonly Applicability[] {
    return this.#applies;
  }

  get special(): readonly Compiled[] {
    return this.#special;
  }

  get digest(): string {
    this.#digest ??= textHash(this.#digests.bytes());
    return this.#digest;
  }

  moveTo(rank: number, index: EntryIndex): void {
    if (rank === this.#rank) return;
    this.#rank = rank;
    const moved = this.#applies.map((entry) => ({ ...entry, stage: rank }));
    for (const [at, entry] of this.#applies.entries()) {
      index.add(moved[at] as Applicability, index.placeOf(entry) as number);
      index.remove(entry);
    }
    this.#applies = moved;
  }

  exchange(gone: readonly Compiled[], come: readonly Compiled[], index: EntryIndex): void {
    this.#size += come.length - gone.length;
    this.#digest = undefined;
    if (gone.length + come.length > few) this.#rebuild(new Set(gone), come, index);
    else {
      for (const one of gone) this.#remove(one, index);
      for (const one of come) this.#insert(one, index);
    }
    const special = come.filter(({ piece }) => piece.endEntries.length + piece.notEnforced.size > 0);
    this.#special = inOrder([...this.#special.filter((one) => !gone.includes(one)), ...special]);
  }

  #rebuild(gone: ReadonlySet<Compiled>, come: readonly Compiled[], index: EntryIndex): void {
    const kept = [...new Set(this.#owners)].filter((one) => !gone.has(one));
    const all = inOrder([...kept, ...come]);
    for (const entry of this.#applies) index.remove(entry);
    this.#digests.splice(
      0,
      this.#owners.length,
      all.flatMap(({ piece }) => piece.hashes),
    );
    this.#owners = all.flatMap((one) => one.piece.entries.map(() => one));
    this.#applies = all.flatMap(({ piece }) => ranked(piece, this.#rank));
    this.#renumber(index);
  }

  #remove({ policy, piece }: Compiled, index: EntryIndex): void {
    const [at, count] = [this.#placeOf(policy), piece.entries.length];
    this.#owners.splice(at, count);
    for (const entry of this.#applies.splice(at, count)) index.remove(entry);
    this.#digests.splice(at, count, []);
  }

  #insert(one: Compiled, index: EntryIndex): void {
    const [at, entries] = [this.#placeOf(one.policy), ranked(one.piece, this.#rank)];
    this.#digests.splice(at, 0, one.piece.hashes);
    this.#owners.splice(at, 0, ...entries.map(() => one));
    this.#applies.splice(at, 0, ...entries);
    const edge = (entry: Applicability | undefined) => (entry === undefined ? undefined : index.placeOf(entry));
    const left = edge(this.#applies[at - 1]);
    const right = edge(this.#applies[at + entries.length]) ?? (left ?? 0) + entries.length + 1;
    const first = left ?? right - entries.length - 1;
    const step = (right - first) / (entries.length + 1);
    for (const [turn, entry] of entries.entries()) index.add(entry, first + (turn + 1) * step);
    // Where too many came in between, numbers run out of digits.
    if (step < smallestStep) this.#renumber(index);
  }

  #renumber(index: EntryIndex): void {
    for (const [place, entry] of this.#applies.entries()) index.add(entry, place);
  }

  /** Index of the first entry of a policy that is not before this one. */
  #placeOf(policy: Policy): number {
    let [low, high] = [0, this.#owners.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (comparePolicies((this.#owners[middle] as Compiled).policy, policy) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Of numbers up to a million a double tells apart even what is ten times nearer. */
const smallestStep = 1e-9;

function inOrder(policies: readonly Compiled[]): readonly Compiled[] {
  return policies.toSorted((a, b) => comparePolicies(a.policy, b.policy));
}

function ranked({ entries }: Piece, stage: number): readonly Applicability[] {
  return entries.map((entry) => ({ ...entry, stage }));
}

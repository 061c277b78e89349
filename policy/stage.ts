import type { Policy } from "./model.ts";
import type { Piece } from "./piece.ts";
import { comparePolicies, type TierPlace } from "./policy-order.ts";
import type { Applicability } from "./program.ts";
import { stageDigest } from "./revision.ts";

/** A policy and what it adds to the Program. */
export interface Compiled {
  readonly policy: Policy;
  readonly piece: Piece;
}

/** More changes than this at once are sorted in rather than put in one by one. */
const few = 32;

/** The policies of one tier in order of evaluation, and what they add to `applies`. */
export class Stage {
  place: TierPlace;
  /** Place in the order of stages. */
  #rank = 0;
  /** Side by side for each entry: whose it is, what stands in `applies`, its line of the revision. */
  #owners: Compiled[] = [];
  #applies: Applicability[] = [];
  #lines: string[] = [];
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

  get rank(): number {
    return this.#rank;
  }

  get applies(): readonly Applicability[] {
    return this.#applies;
  }

  get special(): readonly Compiled[] {
    return this.#special;
  }

  get digest(): string {
    this.#digest ??= stageDigest(this.#lines);
    return this.#digest;
  }

  moveTo(rank: number): void {
    if (rank === this.#rank) return;
    this.#rank = rank;
    this.#applies = this.#applies.map((entry) => ({ ...entry, stage: rank }));
  }

  exchange(gone: readonly Compiled[], come: readonly Compiled[]): void {
    this.#size += come.length - gone.length;
    this.#digest = undefined;
    if (gone.length + come.length > few) this.#rebuild(new Set(gone), come);
    else {
      for (const one of gone) this.#splice(this.#placeOf(one.policy), one.piece.entries.length, undefined);
      for (const one of come) this.#splice(this.#placeOf(one.policy), 0, one);
    }
    const special = come.filter(({ piece }) => piece.endEntries.length + piece.notEnforced.size > 0);
    this.#special = inOrder([...this.#special.filter((one) => !gone.includes(one)), ...special]);
  }

  #rebuild(gone: ReadonlySet<Compiled>, come: readonly Compiled[]): void {
    const kept = [...new Set(this.#owners)].filter((one) => !gone.has(one));
    const all = inOrder([...kept, ...come]);
    this.#owners = all.flatMap((one) => one.piece.entries.map(() => one));
    this.#applies = all.flatMap(({ piece }) => ranked(piece, this.#rank));
    this.#lines = all.flatMap(({ piece }) => piece.lines);
  }

  #splice(at: number, count: number, one: Compiled | undefined): void {
    this.#owners.splice(at, count, ...(one?.piece.entries.map(() => one) ?? []));
    this.#applies.splice(at, count, ...(one === undefined ? [] : ranked(one.piece, this.#rank)));
    this.#lines.splice(at, count, ...(one?.piece.lines ?? []));
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

function inOrder(policies: readonly Compiled[]): readonly Compiled[] {
  return policies.toSorted((a, b) => comparePolicies(a.policy, b.policy));
}

function ranked({ entries }: Piece, stage: number): readonly Applicability[] {
  return entries.map((entry) => ({ ...entry, stage }));
}

import { type Deed, targetKey } from "../../core/kube/deed.ts";
import { Deeds } from "./deeds.ts";
import type { Evidence, Sighting } from "./sighting.ts";

export interface Settled<C> {
  readonly change: C;
  readonly evidence: Evidence;
}

export interface WaitingOptions {
  /** How long a change waits for word of who did it; 0 where nobody tells. */
  readonly waitMs: number;
  /** How long a deed is kept for the change that it may be of: list and watch may be behind. */
  readonly keepMs: number;
  /** So many deeds, and so many changes that wait. */
  readonly most: number;
}

interface Waiting<C> {
  readonly change: C;
  readonly sighting: Sighting;
  readonly until: number;
}

/**
 * Brings changes together with who did them, whichever is told first. Pure: it is told what time it is. A change is given back once,
 * when its evidence is exact or when it has waited long enough; changes of one object in the order in which they were seen.
 */
export class WaitingChanges<C> {
  readonly #options: WaitingOptions;
  readonly #deeds: Deeds;
  /** By object, the oldest first. */
  readonly #waiting = new Map<string, Waiting<C>[]>();
  #size = 0;

  constructor(options: WaitingOptions) {
    this.#options = options;
    this.#deeds = new Deeds(options);
  }

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** What is settled by this change: itself, if it is known who did it. */
  see(sighting: Sighting, change: C, now: number): readonly Settled<C>[] {
    const key = targetKey(sighting.target);
    const before = this.#waiting.get(key) ?? [];
    this.#waiting.set(key, [...before, { change, sighting, until: now + this.#options.waitMs }]);
    this.#size += 1;
    return [...this.#settle(key, now), ...this.#makeRoom()];
  }

  /** Deeds that were not known before, and what they settle. */
  take(
    deeds: readonly Deed[],
    now: number,
  ): { readonly fresh: readonly Deed[]; readonly settled: readonly Settled<C>[] } {
    const fresh = deeds.filter((deed) => this.#deeds.add(deed, now));
    const keys = new Set(fresh.map(({ target }) => targetKey(target)));
    return { fresh, settled: [...keys].flatMap((key) => this.#settle(key, now)) };
  }

  /** What has waited long enough. */
  due(now: number): readonly Settled<C>[] {
    const keys = [...this.#waiting].filter(([, [first]]) => first !== undefined && first.until <= now);
    return keys.flatMap(([key]) => this.#settle(key, now));
  }

  /** All that waits, with what is known: at the end. */
  all(): readonly Settled<C>[] {
    return this.due(Number.POSITIVE_INFINITY);
  }

  #settle(key: string, now: number): readonly Settled<C>[] {
    const waiting = this.#waiting.get(key) ?? [];
    const settled: Settled<C>[] = [];
    for (const { change, sighting, until } of waiting) {
      const evidence = this.#deeds.evidenceOf(sighting);
      if (evidence.certainty !== "exact" && until > now) break;
      this.#deeds.claim(evidence);
      settled.push({ change, evidence });
    }
    this.#size -= settled.length;
    if (settled.length === waiting.length) this.#waiting.delete(key);
    else this.#waiting.set(key, waiting.slice(settled.length));
    return settled;
  }

  /** Whoever waits longest goes without. */
  #makeRoom(): readonly Settled<C>[] {
    const [oldest] = this.#waiting.keys();
    if (this.#size <= this.#options.most || oldest === undefined) return [];
    return this.#settle(oldest, Number.POSITIVE_INFINITY);
  }
}

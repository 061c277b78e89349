import type { Element } from "./element.ts";
import { type Elements, elementsOf, type Revocation } from "./revocation.ts";
import type { Name } from "./ruleset.ts";

interface Standing {
  readonly revocation: Revocation;
  until: number;
}

/**
 * The revocations whose elements are in the kernel's sets, and how many of them each element is of: connections can have looks in
 * common. Times are of one monotonic clock.
 */
export class StandingRevocations {
  #all: Standing[] = [];
  readonly #uses = new Map<Name, Map<Element, number>>();

  get size(): number {
    return this.#all.length;
  }

  some(isWanted: (revocation: Revocation) => boolean): boolean {
    return this.#all.some(({ revocation }) => isWanted(revocation));
  }

  /** The elements that are not there yet. */
  add(revocations: readonly Revocation[], until: number): Elements {
    this.#all.push(...revocations.map((revocation) => ({ revocation, until })));
    return this.#count(revocations, 1, (uses) => uses === 1);
  }

  /** Forgets those whose elements may be gone by now. */
  expire(now: number): void {
    this.#remove(({ until }) => until <= now);
  }

  /** Takes out those for which it is so; their number, and the elements that no other has. */
  remove(isFree: (revocation: Revocation) => boolean): { readonly count: number; readonly elements: Elements } {
    const { length } = this.#all;
    const elements = this.#remove(({ revocation }) => isFree(revocation));
    return { count: length - this.#all.length, elements };
  }

  /** All elements, to be added again; they then stay until `until`. */
  renew(until: number): Elements {
    for (const standing of this.#all) standing.until = until;
    return elementsOf(this.#all.map(({ revocation }) => revocation));
  }

  #remove(isGone: (standing: Standing) => boolean): Elements {
    const groups = Map.groupBy(this.#all, isGone);
    this.#all = groups.get(false) ?? [];
    const gone = (groups.get(true) ?? []).map(({ revocation }) => revocation);
    return this.#count(gone, -1, (uses) => uses === 0);
  }

  /** Those elements whose number of uses comes to be as asked. */
  #count(revocations: readonly Revocation[], step: 1 | -1, isWanted: (uses: number) => boolean): Elements {
    const found = new Map<Name, Set<Element>>();
    for (const revocation of revocations)
      for (const [name, elements] of elementsOf([revocation]))
        for (const element of elements) {
          const uses = this.#use(name, element, step);
          if (isWanted(uses)) found.set(name, (found.get(name) ?? new Set()).add(element));
        }
    return found;
  }

  #use(name: Name, element: Element, step: 1 | -1): number {
    const ofSet = this.#uses.get(name) ?? new Map<Element, number>();
    this.#uses.set(name, ofSet);
    const uses = (ofSet.get(element) ?? 0) + step;
    if (uses === 0) ofSet.delete(element);
    else ofSet.set(element, uses);
    return uses;
  }
}

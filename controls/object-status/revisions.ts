/** A revision, and its place in the order in which they came. */
interface Since {
  readonly revision: string;
  readonly place: number;
}

/** More than any node is behind. */
const remembered = 1_000;

/** Which revision of the Program was the first that has an object as it is now; so a node that is behind is not behind for all. */
export class Revisions {
  readonly #places = new Map<string, number>();
  readonly #since = new Map<string, Since>();
  #last = 0;

  /** The Program is this one now, with these objects other than before. */
  take(revision: string, changed: Iterable<string>): void {
    // One that comes again says again what it said: it counts as new.
    this.#places.delete(revision);
    this.#places.set(revision, ++this.#last);
    for (const old of this.#places.keys()) {
      if (this.#places.size <= remembered) break;
      this.#places.delete(old);
    }
    for (const key of changed) this.#since.set(key, { revision, place: this.#last });
  }

  forget(key: string): void {
    this.#since.delete(key);
  }

  /** Undefined before it was taken. */
  since(key: string): string | undefined {
    return this.#since.get(key)?.revision;
  }

  /** Whether a node with the rules of that revision has this object as it is now. */
  has(revision: string, key: string): boolean {
    const since = this.#since.get(key);
    return since !== undefined && (this.#places.get(revision) ?? 0) >= since.place;
  }
}

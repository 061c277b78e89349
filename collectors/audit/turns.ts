/** Lets so many work at once; so many more wait for their turn, in order, and whoever comes then is turned away. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  readonly #atOnce: number;
  readonly #most: number;
  #atWork = 0;

  constructor({ atOnce, waiting }: { readonly atOnce: number; readonly waiting: number }) {
    this.#atOnce = atOnce;
    this.#most = waiting;
  }

  /** Undefined if too many wait. */
  async take<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (this.#atWork < this.#atOnce) this.#atWork += 1;
    else if (this.#waiting.length >= this.#most) return undefined;
    else await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      // Whoever is next takes the place.
      const next = this.#waiting.shift();
      if (next === undefined) this.#atWork -= 1;
      else next();
    }
  }
}

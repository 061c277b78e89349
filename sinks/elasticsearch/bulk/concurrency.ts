/** Requests that may wait within Elasticsearch, beyond those it works on: with fewer it idles, with more they only take longer. */
const fewWaiting = 1;
const manyWaiting = 3;
/** How much of a new value the smoothed one takes on. */
const smoothing = 0.3;
/** After so many answers the quickest time is found anew, with half as many requests: the server may have become another. */
const renewedAfter = 300;

/**
 * How many bulk requests to have at work at once, found as TCP Vegas finds its window (Brakmo and Peterson 1995): of `n` requests that take
 * `time` where one alone takes `quickest`, `n * (1 - quickest / time)` wait. One more while few wait, one less while many do, half of them
 * when Elasticsearch turns one away.
 */
export class Concurrency {
  readonly #most: number;
  #limit: number;
  #quickest = Number.POSITIVE_INFINITY;
  #smoothed: number | undefined;
  #answers = 0;
  /** Answers until the next change: each limit is tried with as many requests as it lets out. */
  #left: number;

  constructor(most: number) {
    this.#most = most;
    this.#limit = Math.min(2, most);
    this.#left = this.#limit;
  }

  get limit(): number {
    return this.#limit;
  }

  /** A request of so many documents was answered while `active` were at work. Only those worth measuring are to be told: full ones. */
  answered({
    ms,
    documents,
    active,
  }: {
    readonly ms: number;
    readonly documents: number;
    readonly active: number;
  }): void {
    this.#answers += 1;
    if (this.#answers % renewedAfter === 0) this.#renew();
    const time = ms / documents;
    this.#smoothed = this.#smoothed === undefined ? time : this.#smoothed + smoothing * (time - this.#smoothed);
    this.#quickest = Math.min(this.#quickest, this.#smoothed);
    this.#left -= 1;
    if (this.#left > 0) return;
    const waiting = this.#limit * (1 - this.#quickest / this.#smoothed);
    if (waiting > manyWaiting) this.#set(this.#limit - 1);
    else if (waiting < fewWaiting && active >= this.#limit) this.#set(this.#limit + 1);
    else this.#set(this.#limit);
  }

  pushedBack(): void {
    this.#set(Math.floor(this.#limit / 2));
  }

  #renew(): void {
    this.#quickest = Number.POSITIVE_INFINITY;
    this.#smoothed = undefined;
    this.pushedBack();
  }

  #set(limit: number): void {
    this.#limit = Math.min(this.#most, Math.max(1, limit));
    this.#left = this.#limit;
  }
}

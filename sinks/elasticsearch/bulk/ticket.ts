/** A document that Elasticsearch will never take. */
export interface Rejection {
  /** Its place among those that were written together. */
  readonly place: number;
  readonly reason: string;
}

/** Documents that were written together: done when something is decided about each of them. */
export class Ticket {
  readonly #done = Promise.withResolvers<readonly Rejection[]>();
  readonly #rejections: Rejection[] = [];
  #left: number;

  constructor(documents: number) {
    this.#left = documents;
    if (documents === 0) this.#done.resolve([]);
  }

  get done(): Promise<readonly Rejection[]> {
    return this.#done.promise;
  }

  settle(): void {
    this.#left -= 1;
    if (this.#left === 0) this.#done.resolve(this.#rejections);
  }

  reject(rejection: Rejection): void {
    this.#rejections.push(rejection);
    this.settle();
  }

  fail(cause: unknown): void {
    this.#done.reject(cause);
  }
}

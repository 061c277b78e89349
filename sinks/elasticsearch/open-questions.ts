import type { Query } from "./query.ts";
import type { Question } from "./question.ts";

/** A question of which a page was told, and the query that chooses what it is about. */
export interface OpenQuestion {
  readonly question: Question;
  readonly query: Query;
}

/** So many pages may be waited for at once; of more, the oldest starts anew from where it was. */
const most = 32;

/**
 * Questions of which a next page may be asked for, by what that page will be asked with. A cursor itself holds only a place among the records: who makes
 * up another gets no other's point in time, and one that was forgotten costs no more than to open a new one at the same place.
 */
export class OpenQuestions {
  readonly #waiting = new Map<string, OpenQuestion>();

  take(key: string): OpenQuestion | undefined {
    const open = this.#waiting.get(key);
    this.#waiting.delete(key);
    return open;
  }

  async keep(key: string, open: OpenQuestion): Promise<void> {
    const before = this.take(key);
    this.#waiting.set(key, open);
    const [oldest] = this.#waiting.keys();
    const beyond = this.#waiting.size > most && oldest !== undefined ? this.take(oldest) : undefined;
    await Promise.all([before?.question.close(), beyond?.question.close()]);
  }

  async close(): Promise<void> {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    await Promise.all(all.map(({ question }) => question.close()));
  }
}

import { SluiceError } from "../../core/errors.ts";
import { type Answer, type Elastic, granted, reasonOf } from "./elastic.ts";
import type { Query } from "./query.ts";

/** What `_search` answers, as far as we ask. */
export interface Found {
  readonly timed_out: boolean;
  readonly _shards: { readonly failed: number };
  readonly hits: { readonly total?: { readonly value: number }; readonly hits: readonly Hit[] };
  readonly aggregations?: { readonly only: unknown };
}

export interface Hit {
  readonly _source?: Readonly<Record<string, unknown>>;
  readonly sort?: readonly (string | number)[];
}

export interface Search {
  readonly query: Query;
  readonly size: number;
  readonly [other: string]: unknown;
}

/** The point in time that was asked is no more: for too long nobody asked, its node went away, or an index of it was deleted as too old. */
class PointGone extends SluiceError {
  constructor(reason: string) {
    super("ELASTICSEARCH_FAILED", `Elasticsearch has forgotten the point in time: ${reason}`, { retriable: true });
  }
}

/** So often a question is begun anew. */
const attempts = 3;

/** Work that opens its own points in time, again where one was gone before it was done. */
export async function anewWhereGone<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++)
    try {
      return await work();
    } catch (thrown) {
      if (!(thrown instanceof PointGone) || attempt === attempts) throw thrown;
    }
}

/** How long Elasticsearch keeps a point in time after each question. */
const keepAlive = "1m";

/**
 * One question to some indices as they are at one point in time, so that all its parts speak of the same documents. The server is told when a signal
 * aborts: the connection closes, which cancels the search.
 */
export class Question {
  readonly #elastic: Elastic;
  readonly #answerMs: number;
  #point: string;

  constructor(elastic: Elastic, answerMs: number, point: string) {
    this.#elastic = elastic;
    this.#answerMs = answerMs;
    this.#point = point;
  }

  static async open(elastic: Elastic, indices: string, answerMs: number, signal: AbortSignal): Promise<Question> {
    const query = { keep_alive: keepAlive, ignore_unavailable: true };
    const call = { method: "POST", path: `/${indices}/_pit`, query, timeoutMs: answerMs } as const;
    const answer = await stoppable(elastic.ask<{ readonly id: string }>(call, signal), signal);
    return new Question(elastic, answerMs, granted(answer, "a point in time").id);
  }

  /** Throws PointGone, or ELASTICSEARCH_FAILED also where only some of the answer is there: a part is not what was asked for. */
  async search(search: Search, signal: AbortSignal): Promise<Found> {
    const body = { track_total_hits: false, ...search, pit: { id: this.#point, keep_alive: keepAlive } };
    const query = { allow_partial_search_results: false };
    const call = { method: "POST", path: "/_search", query, body, timeoutMs: this.#answerMs } as const;
    const answer = await stoppable(this.#elastic.ask<Found & { readonly pit_id?: string }>(call, signal), signal);
    if (answer.status >= 400) throw refusal(answer);
    const found = granted(answer, "search");
    this.#point = found.pit_id ?? this.#point;
    if (!found.timed_out && found._shards.failed === 0) return found;
    throw new SluiceError("ELASTICSEARCH_FAILED", "Elasticsearch answered in part only", { retriable: true });
  }

  /** What one aggregation says of the documents of a query. */
  async aggregate<T>(query: Query, aggregation: object, signal: AbortSignal): Promise<T> {
    const { aggregations } = await this.search({ query, size: 0, aggs: { only: aggregation } }, signal);
    return aggregations?.only as T;
  }

  /** Nobody waits for it, and where it fails Elasticsearch forgets by itself. */
  async close(): Promise<void> {
    const call = { method: "DELETE", path: "/_pit", body: { id: this.#point }, timeoutMs: 10_000 } as const;
    await this.#elastic.ask(call).catch(() => undefined);
  }
}

/** Whoever stopped the question is told why they did, not that a request failed. */
async function stoppable<T>(asked: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await asked;
  } finally {
    signal.throwIfAborted();
  }
}

interface Cause {
  readonly type?: string;
  readonly reason?: string;
  readonly caused_by?: Cause | null;
  readonly root_cause?: readonly Cause[];
  readonly failed_shards?: readonly { readonly reason?: Cause }[];
}

/** What Elasticsearch calls it. */
const gone: ReadonlySet<string> = new Set(["search_context_missing_exception", "index_not_found_exception"]);

function refusal(answer: Answer<unknown>): Error {
  const { error } = answer.body as { readonly error?: Cause };
  const causes = causesOf(error);
  if (causes.some(({ type }) => gone.has(type ?? ""))) return new PointGone(reasonOf(answer));
  const deepest = causes.at(-1)?.reason ?? reasonOf(answer);
  if (answer.status === 400)
    return new SluiceError("FILTER_INVALID", `Elasticsearch cannot answer this question: ${deepest}`);
  const retriable = answer.status === 429 || answer.status >= 500;
  const message = `search: Elasticsearch refuses: ${answer.status} ${deepest}`;
  return new SluiceError("ELASTICSEARCH_FAILED", message, { retriable });
}

/** What led to an error, outermost first. */
function causesOf(error: Cause | null | undefined): readonly Cause[] {
  if (error === null || error === undefined || typeof error !== "object") return [];
  const { root_cause = [], failed_shards = [], caused_by } = error;
  const shards = failed_shards.flatMap(({ reason }) => causesOf(reason));
  return [error, ...root_cause, ...shards, ...causesOf(caused_by)];
}

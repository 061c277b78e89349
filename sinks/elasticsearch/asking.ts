import type { DataSetName } from "./documents/data-sets.ts";
import type { Elastic } from "./elastic.ts";
import { indicesOf } from "./indices-of.ts";
import type { Query } from "./query.ts";
import { type Hit, Question } from "./question.ts";

/** Whom readers ask. */
export interface Asking {
  readonly elastic: Elastic;
  /** Of indices; undefined: all there are. */
  readonly namespace?: string | undefined;
  /** How long one answer of Elasticsearch may take. */
  readonly answerMs?: number;
}

const defaultAnswerMs = 60_000;

/** A span of time in microseconds, `since` included, `until` not. */
export interface Span {
  readonly since: number;
  readonly until: number;
}

/** To the indices of a data set that hold a span; undefined where there are none. */
export async function openQuestion(
  { elastic, namespace, answerMs = defaultAnswerMs }: Asking,
  set: DataSetName,
  { since, until }: Span,
  signal: AbortSignal,
): Promise<Question | undefined> {
  try {
    const indices = await indicesOf(elastic, { set, namespace, since, until }, signal);
    return indices === undefined ? undefined : await Question.open(elastic, indices, answerMs, signal);
  } finally {
    signal.throwIfAborted();
  }
}

export interface Listing {
  readonly query: Query;
  readonly sort: readonly object[];
  readonly limit: number;
  /** Values of what is sorted by: where to begin. */
  readonly after?: readonly (string | number)[] | undefined;
  /** Whether documents are wanted, or only what is sorted by. */
  readonly withSource: boolean;
}

/** `index.max_result_window` is 10,000 by default; and a page is held in memory as it comes. */
const pageSizes = { withSource: 5_000, without: 10_000 } as const;

/** Documents in order, page by page, up to `limit`. */
export async function* hitsOf(
  question: Question,
  { query, sort, limit, after, withSource }: Listing,
  signal: AbortSignal,
): AsyncGenerator<readonly Hit[]> {
  let [left, from] = [limit, after];
  while (left > 0) {
    const size = Math.min(left, withSource ? pageSizes.withSource : pageSizes.without);
    const place = from === undefined ? {} : { search_after: from };
    const { hits } = await question.search({ query, size, sort, _source: withSource, ...place }, signal);
    yield hits.hits;
    left -= hits.hits.length;
    from = hits.hits.at(-1)?.sort;
    if (hits.hits.length < size) return;
  }
}

type Direction = "asc" | "desc";

/** By time and id, as records have a total order (core/flow-cursor.ts). */
export const inTime = (order: Direction): readonly object[] => [
  { "@timestamp": { order, format: "strict_date_optional_time_nanos", numeric_type: "date_nanos" } },
  ...["observer.name", "sluice.epoch", "event.sequence"].map((field) => ({ [field]: { order } })),
];

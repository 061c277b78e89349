import { SluiceError } from "../../core/errors.ts";
import type { Filter } from "../../core/filter/filter.ts";
import { type LabelPattern, type LabelValues, labelPatternsOf } from "./filter-query.ts";
import { allOf, type Query } from "./query.ts";
import type { Question } from "./question.ts";
import { isLike, regexOf } from "./text-match.ts";

/** So many values may one label have among the documents of a question: a label that has more is none. */
const most = 10_000;

interface Terms {
  readonly sum_other_doc_count: number;
  readonly buckets: readonly { readonly key: string }[];
}

/** Looks up the values of labels that are like the patterns of a filter, among the documents of `query`. */
export async function lookUp(
  question: Question,
  { filter, query }: { readonly filter: Filter | null; readonly query: Query },
  signal: AbortSignal,
): Promise<LabelValues> {
  const known = new Map<string, readonly string[]>();
  for (const wanted of filter === null ? [] : labelPatternsOf(filter)) {
    const path = `${wanted.field}.${wanted.key}`;
    if (known.has(nameOf(wanted))) continue;
    // The field as a whole knows patterns: documents in which some label is like it are a few of all, and the only ones to look into.
    const near = allOf([query, isLike(wanted.field, wanted.pattern)]);
    known.set(nameOf(wanted), await valuesOf(question, { path, query: near, like: wanted.pattern }, signal));
  }
  return (wanted) => known.get(nameOf(wanted)) ?? [];
}

const nameOf = ({ field, key, pattern }: LabelPattern): string => JSON.stringify([field, key, pattern]);

/** All values of a label. `composite` tells other values than there are of a `flattened` field (9.5.3), `terms` does not. */
export async function valuesOf(
  question: Question,
  { path, query, like }: { readonly path: string; readonly query: Query; readonly like?: string },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const terms = { field: path, size: most, ...(like === undefined ? {} : { include: regexOf(like) }) };
  const { buckets, sum_other_doc_count: beyond } = await question.aggregate<Terms>(query, { terms }, signal);
  if (beyond === 0) return buckets.map(({ key }) => key);
  throw new SluiceError("FILTER_INVALID", `${path} has more than ${most} values in this time: ask for less time`);
}

import { SluiceError } from "../../core/errors.ts";
import type { FieldName } from "../../core/filter/fields.ts";
import type { Filter } from "../../core/filter/filter.ts";
import type { FlowQuery } from "../../core/flow-store.ts";
import { timeText } from "./documents/forms.ts";
import { queryOf } from "./filter-query.ts";
import { allOf, everything, exists, isOneOf, type Query, within } from "./query.ts";
import type { Question } from "./question.ts";
import { lastTime, startedIn } from "./times.ts";

// Flows that were merged (aggregation.ts) have lost what a record says, so they can be neither told as records nor summed as these are:
// connections of several windows would count several times. A question that they may belong to is refused rather than answered in part.

/** What no level takes from a flow. */
const kept: ReadonlySet<FieldName> = new Set<FieldName>([
  ...([
    "verdict",
    "reason",
    "reporter",
    "authoritative",
    "mode",
    "verdict.source",
    "cluster",
    "node",
    "protocol",
  ] as const),
  ...(["src.kind", "src.ns", "dst.kind", "dst.ns", "ns", "service", "tier", "policy"] as const),
]);

/** Only what is whole. */
export const whole: Query = { bool: { must_not: [exists("sluice.flows.level")] } };

/** Throws NOT_IN_STORE if flows that were merged may be among those that are asked for. */
export async function refuseMerged(question: Question, asked: FlowQuery, signal: AbortSignal): Promise<void> {
  const counting = { size: 0, track_total_hits: 1, terminate_after: 1 };
  const { hits } = await question.search({ ...counting, query: mergedQuery(asked) }, signal);
  if (hits.total?.value === 0) return;
  const message =
    "Elasticsearch holds flows of this time merged, not as records: ask the archive, ask for what is not merged (verdict = deny), " +
    "or set elasticsearch.aggregate-allowed and elasticsearch.aggregate-denied to 0 for what comes from now on";
  throw new SluiceError("NOT_IN_STORE", message);
}

/** Merged flows that hold one that is asked for, as far as they tell. */
function mergedQuery({ since, until, filter, allReports }: FlowQuery): Query {
  return allOf([
    exists("sluice.flows.level"),
    startedIn(0, until),
    since <= 0 ? everything : within("event.end", { gte: timeText(Math.min(since, lastTime)) }),
    allReports ? everything : isOneOf("sluice.authoritative", [true]),
    filter === null ? everything : queryOf(possible(filter, false)),
  ]);
}

/** The filter, with tests of what was lost as if they held, or within `not` as if they did not. */
export function possible(filter: Filter, isNegated: boolean): Filter {
  switch (filter.op) {
    case "and":
    case "or":
      return { op: filter.op, terms: filter.terms.map((term) => possible(term, isNegated)) };
    case "not":
      return { op: "not", term: possible(filter.term, !isNegated) };
    case "test":
      return kept.has(filter.field) ? filter : { op: isNegated ? "or" : "and", terms: [] };
  }
}

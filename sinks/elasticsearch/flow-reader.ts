import { countedKey } from "../../core/filter/key.ts";
import { cursorOf, type Position, parseCursor } from "../../core/flow-cursor.ts";
import type { Count, FlowQuery, FlowStore, Page, Pair, SearchQuery } from "../../core/flow-store.ts";
import type { Flow } from "../../core/records/flow.ts";
import { type Asking, hitsOf, inTime, openQuestion } from "./asking.ts";
import { dataSets } from "./documents/data-sets.ts";
import { timeText } from "./documents/forms.ts";
import { queryOf } from "./filter-query.ts";
import { countsOf, pairsOf } from "./flow-sums.ts";
import { lookUp } from "./label-values.ts";
import { refuseMerged, whole } from "./merged-flows.ts";
import { type OpenQuestion, OpenQuestions } from "./open-questions.ts";
import { allOf, everything, isOneOf, type Query } from "./query.ts";
import { anewWhereGone, type Question } from "./question.ts";
import { startedIn } from "./times.ts";

export interface FlowReaderOptions extends Asking {
  /** Up to so many documents connections are counted one by one; beyond it they are estimated (buckets.ts says how well). */
  readonly exactUpTo?: number;
}

const defaultExactUpTo = 100_000;

/** Reads flows from Elasticsearch, where they stand as whole records. Whoever gives `elastic` closes it. */
export class ElasticFlowStore implements FlowStore {
  readonly #asking: Asking;
  readonly #exactUpTo: number;
  readonly #open = new OpenQuestions();

  constructor({ exactUpTo = defaultExactUpTo, ...asking }: FlowReaderOptions) {
    this.#asking = asking;
    this.#exactUpTo = exactUpTo;
  }

  /** A page whose point in time was forgotten goes on in a new one from the same place: flows have a total order. */
  async search(query: SearchQuery, signal: AbortSignal): Promise<Page<Flow>> {
    const after = query.cursor === undefined ? undefined : parseCursor(query.cursor, query.order);
    return anewWhereGone(async () => {
      const waiting = query.cursor === undefined ? undefined : this.#open.take(nameOf(query, query.cursor));
      const open = waiting ?? (await this.#opened({ ...query, ...spanBeyond(after, query) }, signal));
      return open === undefined ? { items: [] } : await this.#page(open, query, after, signal);
    });
  }

  pairs(query: FlowQuery & { readonly limit: number }, signal: AbortSignal): Promise<readonly Pair[]> {
    return this.#summed(query, signal, (question, summing) =>
      pairsOf(question, { ...summing, limit: query.limit }, signal),
    );
  }

  top(
    query: FlowQuery & { readonly field: string; readonly limit: number },
    signal: AbortSignal,
  ): Promise<readonly Count[]> {
    return this.#summed(query, signal, (question, summing) =>
      countsOf(question, { ...summing, by: countedKey(query.field), limit: query.limit }, signal),
    );
  }

  /** Lets go of the points in time that next pages might have been asked of. */
  close(): Promise<void> {
    return this.#open.close();
  }

  async #opened(query: FlowQuery, signal: AbortSignal): Promise<OpenQuestion | undefined> {
    const question = await openQuestion(this.#asking, "flow", query, signal);
    if (question === undefined) return undefined;
    try {
      return { question, query: await chosenBy(question, query, signal) };
    } catch (thrown) {
      await question.close();
      throw thrown;
    }
  }

  async #page(
    open: OpenQuestion,
    query: SearchQuery,
    after: Position | undefined,
    signal: AbortSignal,
  ): Promise<Page<Flow>> {
    let isKept = false;
    try {
      const wanted = Math.max(1, Math.trunc(query.limit));
      const items = await flowsOf(open, query.order, { after, limit: wanted + 1 }, signal);
      const last = items[wanted - 1];
      if (items.length <= wanted || last === undefined) return { items };
      const cursor = cursorOf(last, query.order);
      isKept = true;
      await this.#open.keep(nameOf(query, cursor), open);
      return { items: items.slice(0, wanted), cursor };
    } finally {
      if (!isKept) await open.question.close();
    }
  }

  #summed<T>(
    asked: FlowQuery,
    signal: AbortSignal,
    work: (question: Question, summing: { readonly query: Query; readonly exact: boolean }) => Promise<readonly T[]>,
  ): Promise<readonly T[]> {
    return anewWhereGone(async () => {
      const open = await this.#opened(asked, signal);
      if (open === undefined) return [];
      const { question, query } = open;
      try {
        const { hits } = await question.search({ query, size: 0, track_total_hits: this.#exactUpTo + 1 }, signal);
        return await work(question, { query, exact: (hits.total?.value ?? 0) <= this.#exactUpTo });
      } finally {
        await question.close();
      }
    });
  }
}

async function flowsOf(
  { question, query }: OpenQuestion,
  order: SearchQuery["order"],
  { after, limit }: { readonly after: Position | undefined; readonly limit: number },
  signal: AbortSignal,
): Promise<readonly Flow[]> {
  const items: Flow[] = [];
  const sort = inTime(order === "oldest" ? "asc" : "desc");
  const listing = { query, sort, limit, after: after && sortValuesOf(after), withSource: true };
  for await (const hits of hitsOf(question, listing, signal))
    for (const { _source = {} } of hits) items.push(dataSets.flow.read(_source));
  return items;
}

/** The query that chooses what is asked for, in the point in time of the question. */
async function chosenBy(question: Question, asked: FlowQuery, signal: AbortSignal): Promise<Query> {
  const { since, until, filter, allReports } = asked;
  await refuseMerged(question, asked, signal);
  const base = [startedIn(since, until), allReports ? everything : isOneOf("sluice.authoritative", [true]), whole];
  const labels = await lookUp(question, { filter, query: allOf(base) }, signal);
  return allOf([...base, ...(filter === null ? [] : [queryOf(filter, labels)])]);
}

/** What is left of a span after a page. */
function spanBeyond(after: Position | undefined, { since, until, order }: SearchQuery) {
  if (after === undefined) return { since, until };
  return order === "newest"
    ? { since, until: Math.min(until, after.start + 1) }
    : { since: Math.max(since, after.start), until };
}

/** The point in time of a next page serves the one question whose page it is. */
function nameOf({ since, until, filter, allReports }: SearchQuery, cursor: string): string {
  const withTexts = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);
  return JSON.stringify([since, until, filter, allReports, cursor], withTexts);
}

/** As `inTime` sorts. */
function sortValuesOf({ start, node, epoch, seq }: Position): readonly (string | number)[] {
  return [timeText(start), node, epoch, seq];
}

import { countedKey } from "../../core/filter/key.ts";
import { cursorOf, type Position, parseCursor } from "../../core/flow-cursor.ts";
import type { Count, FlowQuery, FlowStore, Page, Pair, SearchQuery } from "../../core/flow-store.ts";
import type { Flow } from "../../core/records/flow.ts";
import { dataSets } from "./documents/data-sets.ts";
import { timeText } from "./documents/forms.ts";
import type { Elastic } from "./elastic.ts";
import { queryOf, timesBetween } from "./filter-query.ts";
import { countsOf, pairsOf } from "./flow-sums.ts";
import { indicesOf } from "./indices-of.ts";
import { lookUp } from "./label-values.ts";
import { refuseMerged, whole } from "./merged-flows.ts";
import { OpenQuestions } from "./open-questions.ts";
import { allOf, everything, isOneOf, type Query } from "./query.ts";
import { PointGone, Question } from "./question.ts";

export interface FlowReaderOptions {
  readonly elastic: Elastic;
  /** Of indices; undefined: all there are. */
  readonly namespace?: string | undefined;
  /** How long one answer of Elasticsearch may take. */
  readonly answerMs?: number;
}

const defaultAnswerMs = 60_000;

/** `index.max_result_window` is 10,000 by default; and a page is held in memory as it comes. */
const pageSize = 5_000;

/** Up to so many documents connections are counted one by one, beyond it they are estimated. */
const mostExact = 100_000;

/** Reads flows from Elasticsearch, where they stand as whole records. Whoever gives `elastic` closes it. */
export class ElasticFlowStore implements FlowStore {
  readonly #elastic: Elastic;
  readonly #namespace: string | undefined;
  readonly #answerMs: number;
  readonly #open = new OpenQuestions();

  constructor({ elastic, namespace, answerMs = defaultAnswerMs }: FlowReaderOptions) {
    this.#elastic = elastic;
    this.#namespace = namespace;
    this.#answerMs = answerMs;
  }

  /** A page whose point in time was forgotten goes on in a new one from the same place: flows have a total order. */
  async search(query: SearchQuery, signal: AbortSignal): Promise<Page<Flow>> {
    const after = query.cursor === undefined ? undefined : parseCursor(query.cursor, query.order);
    const key = query.cursor === undefined ? undefined : nameOf(query, query.cursor);
    const waiting = key === undefined ? undefined : this.#open.take(key);
    if (waiting !== undefined)
      try {
        return await this.#page(waiting, query, after, signal);
      } catch (thrown) {
        if (!(thrown instanceof PointGone)) throw thrown;
      }
    const question = await this.#opened(query, signal);
    return question === undefined ? { items: [] } : await this.#page(question, query, after, signal);
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

  async #opened({ since, until }: FlowQuery, signal: AbortSignal): Promise<Question | undefined> {
    const wanted = { set: "flow", namespace: this.#namespace, since, until };
    const indices = await indicesOf(this.#elastic, wanted, signal).catch((thrown: unknown) => {
      signal.throwIfAborted();
      throw thrown;
    });
    return indices === undefined ? undefined : Question.open(this.#elastic, indices, this.#answerMs, signal);
  }

  async #page(
    question: Question,
    query: SearchQuery,
    after: Position | undefined,
    signal: AbortSignal,
  ): Promise<Page<Flow>> {
    let isKept = false;
    try {
      const wanted = Math.max(1, Math.trunc(query.limit));
      const items = await this.#flows(question, query, { after, limit: wanted + 1 }, signal);
      const last = items[wanted - 1];
      if (items.length <= wanted || last === undefined) return { items };
      const cursor = cursorOf(last, query.order);
      isKept = true;
      await this.#open.keep(nameOf(query, cursor), question);
      return { items: items.slice(0, wanted), cursor };
    } finally {
      if (!isKept) await question.close();
    }
  }

  async #flows(
    question: Question,
    query: SearchQuery,
    { after, limit }: { readonly after: Position | undefined; readonly limit: number },
    signal: AbortSignal,
  ): Promise<readonly Flow[]> {
    const chosen = await chosenBy(question, query, signal);
    const items: Flow[] = [];
    let from = after;
    for (;;) {
      const size = Math.min(limit - items.length, pageSize);
      const place = from === undefined ? {} : { search_after: sortValuesOf(from) };
      const sort = sortOf(query.order);
      const { hits } = await question.search({ query: chosen, size, sort, ...place }, signal);
      for (const { _source = {} } of hits.hits) items.push(dataSets.flow.read(_source));
      if (hits.hits.length < size || items.length >= limit) return items;
      from = items.at(-1);
    }
  }

  async #summed<T>(
    query: FlowQuery,
    signal: AbortSignal,
    work: (question: Question, summing: { readonly query: Query; readonly exact: boolean }) => Promise<readonly T[]>,
  ): Promise<readonly T[]> {
    const question = await this.#opened(query, signal);
    if (question === undefined) return [];
    try {
      const chosen = await chosenBy(question, query, signal);
      const { hits } = await question.search({ query: chosen, size: 0, track_total_hits: mostExact + 1 }, signal);
      return await work(question, { query: chosen, exact: (hits.total?.value ?? 0) <= mostExact });
    } finally {
      await question.close();
    }
  }
}

/** The query that chooses what is asked for, in the point in time of the question. */
async function chosenBy(question: Question, asked: FlowQuery, signal: AbortSignal): Promise<Query> {
  const { since, until, filter, allReports } = asked;
  await refuseMerged(question, asked, signal);
  const base = [timesBetween(since, until), allReports ? everything : isOneOf("sluice.authoritative", [true]), whole];
  const labels = await lookUp(question, { filter, query: allOf(base) }, signal);
  return allOf([...base, ...(filter === null ? [] : [queryOf(filter, labels)])]);
}

/** The point in time of a next page serves the one question whose page it is. */
function nameOf({ since, until, filter, allReports }: SearchQuery, cursor: string): string {
  const text = JSON.stringify([since, until, filter, allReports, cursor], (_, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
  return text;
}

/** In the order of core/flow-cursor.ts. */
function sortOf(order: SearchQuery["order"]) {
  const by = order === "oldest" ? "asc" : "desc";
  return [
    { "@timestamp": { order: by, format: "strict_date_optional_time_nanos", numeric_type: "date_nanos" } },
    ...["observer.name", "sluice.epoch", "event.sequence"].map((field) => ({ [field]: { order: by } })),
  ];
}

function sortValuesOf({ start, node, epoch, seq }: Position): readonly (string | number)[] {
  return [timeText(start), node, epoch, seq];
}

import { cursorOf } from "../flow-cursor.ts";
import type { Count, FlowQuery, FlowStore, Page, Pair, SearchQuery } from "../flow-store.ts";
import type { Flow } from "../records/flow.ts";
import { type SeenFlow, sumPairs, sumValues } from "./flow-sums.ts";
import { askedFilter, seenPredicate } from "./seen-filter.ts";
import { type Readable, seenFlow } from "./seen-flow.ts";

/** What somebody may read now. Throws if that cannot be found out: then nothing may be. */
export type ReadableNow = () => Promise<Readable>;

/** So many records at a time are asked for where sums are made of them. */
const pageSize = 10_000;

/**
 * A store of flows as one reader sees it: records that are not theirs are not asked for, and what is hidden of the others is neither told
 * nor found by asking. A cursor of it names a node: whoever hands it to the reader must seal it.
 */
export function readableStore(store: FlowStore, readableNow: ReadableNow): FlowStore {
  return {
    async search(query, signal) {
      const readable = await readableNow();
      if (readable === "all") return store.search(query, signal);
      const found = await pageSeen(store, query, readable, signal);
      return { ...found, items: found.items.map(({ seen }) => seen) };
    },
    async pairs(query, signal): Promise<readonly Pair[]> {
      const readable = await readableNow();
      if (readable === "all") return store.pairs(query, signal);
      return sumPairs(allSeen(store, query, readable, signal), query.limit);
    },
    async top(query, signal): Promise<readonly Count[]> {
      const readable = await readableNow();
      if (readable === "all") return store.top(query, signal);
      return sumValues(allSeen(store, query, readable, signal), query.field, query.limit);
    },
  };
}

/** Fewer at a time are not worth a question. */
const leastPage = 100;

/** One page of what is seen. */
async function pageSeen(
  store: FlowStore,
  query: SearchQuery,
  readable: ReadableSet,
  signal: AbortSignal,
): Promise<Page<SeenFlow>> {
  const holds = seenPredicate(query.filter, readable);
  const asked = { ...query, filter: askedFilter(query.filter, readable) };
  const items: SeenFlow[] = [];
  for (let cursor = query.cursor; ; ) {
    const limit = Math.max(query.limit - items.length, leastPage);
    const page = await store.search({ ...asked, limit, ...(cursor !== undefined && { cursor }) }, signal);
    for (const [at, raw] of page.items.entries()) {
      if (holds(raw)) items.push({ raw, seen: seenFlow(raw, readable) as Flow });
      const isLast = page.cursor === undefined && at === page.items.length - 1;
      if (items.length === query.limit) return isLast ? { items } : { items, cursor: cursorOf(raw, query.order) };
    }
    if (page.cursor === undefined) return { items };
    cursor = page.cursor;
  }
}

async function* allSeen(
  store: FlowStore,
  query: FlowQuery,
  readable: ReadableSet,
  signal: AbortSignal,
): AsyncGenerator<readonly SeenFlow[]> {
  const { since, until, filter, allReports } = query;
  const search = { since, until, filter, allReports, order: "oldest", limit: pageSize } as const;
  for (let cursor: string | undefined; ; ) {
    const page = await pageSeen(store, { ...search, ...(cursor !== undefined && { cursor }) }, readable, signal);
    yield page.items;
    if (page.cursor === undefined) return;
    cursor = page.cursor;
  }
}

type ReadableSet = Exclude<Readable, "all">;

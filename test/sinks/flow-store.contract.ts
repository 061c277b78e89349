import assert from "node:assert/strict";
import fc from "fast-check";
import { parseAddress } from "../../core/address.ts";
import type { FieldName } from "../../core/filter/fields.ts";
import type { Filter, Test } from "../../core/filter/filter.ts";
import { parseFilter } from "../../core/filter/parse.ts";
import { predicateOf } from "../../core/filter/predicate.ts";
import type { FlowQuery, FlowStore, SearchQuery } from "../../core/flow-store.ts";
import type { Flow } from "../../core/records/flow.ts";
import { filterCases, nowMs } from "../core/filter/cases.ts";
import { filtersMatching } from "../core/filter/matching-filter.ts";
import { flows as anyFlows } from "../core/records/arbitrary.ts";
import { MemoryFlowStore } from "../support/flow-store-memory.ts";
import { flow, network, pod, rawDenial, seconds } from "../support/flows.ts";

export interface StoreUnderTest {
  readonly store: FlowStore;
  close(): Promise<void>;
}

/** Opens a store that holds these flows and no others, each of which was written twice. */
export type OpenStoreUnderTest = (flows: readonly Flow[]) => Promise<StoreUnderTest>;

const never: AbortSignal = new AbortController().signal;
const span = { since: 0, until: seconds(1e6) };
const all: FlowQuery & { readonly limit: number } = { ...span, filter: null, allReports: true, limit: 100_000 };
const counted = { ...all, allReports: false, limit: 10 };

export interface Limits {
  /** Fields that the store cannot count by, and says so. */
  readonly uncountable: readonly FieldName[];
}

/** What every FlowStore promises; run for each implementation. A flow's `seq` says which it is. */
export function flowStoreContract(open: OpenStoreUnderTest, limits: Limits = { uncountable: [] }): void {
  describe("search", () => searchContract(open));
  describe("filters", () => filterContract(open));
  describe("pairs and top", () => summaryContract(open, limits));
}

function searchContract(open: OpenStoreUnderTest): void {
  // Three a second, of two nodes, in another order than that of time.
  const numbered = Array.from({ length: 25 }, (_, seq) =>
    flow({ seq, start: seconds(Math.floor(seq / 3)), node: `node-${seq % 2}`, authoritative: seq % 5 !== 0 }),
  );
  const opened = openedWith(open, numbered.toReversed());
  const sorted = numbered.toSorted(
    (a, b) => a.start - b.start || (a.node < b.node ? -1 : a.node > b.node ? 1 : a.seq - b.seq),
  );
  const seqsOf = (flows: readonly Flow[]) => flows.map(({ seq }) => seq);

  for (const order of ["oldest", "newest"] as const)
    for (const limit of [1, 7, 25, 26])
      it(`goes on from page to page of ${limit}, the ${order} first, each once`, async () => {
        const pages = await pagesOf(opened(), { ...all, order, limit });
        assert.deepEqual(seqsOf(pages.flat()), seqsOf(order === "oldest" ? sorted : sorted.toReversed()));
        assert.ok(pages.slice(0, -1).every((page) => page.length === limit));
      });

  it("goes on from a cursor for another limit, and for a new client", async () => {
    const first = await opened().search({ ...all, order: "newest", limit: 4 }, never);
    const rest = await pagesOf(opened(), { ...all, order: "newest", limit: 9, cursor: first.cursor as string });
    assert.deepEqual(seqsOf([...first.items, ...rest.flat()]), seqsOf(sorted.toReversed()));
  });

  for (const { title, query, holds } of [
    { title: "since a time, included", query: { since: seconds(4) }, holds: ({ start }: Flow) => start >= seconds(4) },
    {
      title: "until a time, not included",
      query: { until: seconds(4) },
      holds: ({ start }: Flow) => start < seconds(4),
    },
    { title: "a microsecond later", query: { since: seconds(4) + 1 }, holds: ({ start }: Flow) => start > seconds(4) },
    { title: "the reports to count", query: { allReports: false }, holds: ({ authoritative }: Flow) => authoritative },
    { title: "none of a time without flows", query: { since: seconds(100) }, holds: () => false },
    {
      title: "none of a span that ends before it begins",
      query: { since: seconds(5), until: seconds(4) },
      holds: () => false,
    },
  ])
    it(`finds ${title}`, async () => {
      const { items } = await opened().search({ ...all, order: "oldest", ...query }, never);
      assert.deepEqual(seqsOf(items), seqsOf(sorted.filter(holds)));
    });

  for (const { title, cursor } of [
    { title: "that is none", cursor: "nonsense" },
    { title: "that is a list of something else", cursor: Buffer.from('["oldest",1,2]').toString("base64url") },
  ])
    it(`refuses a cursor ${title}`, async () => {
      await assert.rejects(opened().search({ ...all, order: "oldest", cursor }, never), { code: "FILTER_INVALID" });
    });

  it("refuses a cursor of the other order", async () => {
    const { cursor = "" } = await opened().search({ ...all, order: "oldest", limit: 1 }, never);
    await assert.rejects(opened().search({ ...all, order: "newest", cursor }, never), { code: "FILTER_INVALID" });
  });

  it("gives up when the signal aborts", async () => {
    const stop = new AbortController();
    const asked = opened().search({ ...all, order: "oldest" }, stop.signal);
    stop.abort(new Error("enough"));
    await assert.rejects(asked, /enough/);
    await assert.rejects(opened().pairs(all, stop.signal), /enough/);
    await assert.rejects(opened().top({ ...all, field: "node" }, stop.signal), /enough/);
  });

  it("gives any record back as it was", async () => {
    const flows = arbitraryFlows(50);
    const { store, close } = await open(flows);
    assert.deepEqual((await store.search({ ...all, order: "oldest" }, never)).items, flows);
    await close();
  });
}

// Every field with values, several, and none; texts that mean something to those who match them.
const texts = [
  "a b",
  "100%",
  "under_score",
  'quo"te',
  "sta*r",
  "que?ry",
  "back\\slash",
  "straße",
  "日本",
  "a/b~c",
  ".*",
];
const steps = ["0|security|gnp:zones|pass|1", "1|app|np:prod/api|allow|0", "0|platform|gnp:dns|deny|2"];
const nat = {
  destinationAddress: parseAddress("10.96.0.1"),
  destinationPort: 80,
  sourceAddress: parseAddress("10.1.0.5"),
  sourcePort: 1,
};
const six = { sourceAddress: parseAddress("fd00::5"), destinationAddress: parseAddress("::1") };
const profile = "1|__PROFILE__|pro:kns.prod|allow|0";
const varied = [
  flow(),
  flow({ state: "denied", denied: "egress", reason: "spoofed", reporter: "src", enforced: steps }),
  flow({ ...six, source: null, destination: network, protocol: 58 }),
  flow({ protocol: 47, sourcePort: 0, destinationPort: 0, authoritative: false, programRevision: null }),
  flow({
    ...{ service: { namespace: "prod", name: "api", port: null }, nat, bytes: 2 ** 40 },
    enforced: ["0|app|np:prod/api|allow|0", "no step", profile],
  }),
  ...texts.map((text) =>
    flow({ node: text, source: pod(`ns/${text.replace("/", "-")}`, { [text]: text, app: text }), reason: text }),
  ),
];

function filterContract(open: OpenStoreUnderTest): void {
  const flows = [...varied, ...arbitraryFlows(20)].map((each, seq) => ({ ...each, seq, start: seconds(seq) }));
  const ofCases = filterCases.map((each, seq) => ({ ...flow(each.flow), seq }));
  const opened = openedWith(open, flows);
  const openedCases = openedWith(open, ofCases);

  for (const [seq, { title, filter, holds }] of filterCases.entries())
    it(`${title}: ${filter} ${holds ? "holds" : "does not hold"}`, async () => {
      const { items } = await openedCases().search(
        { ...all, order: "oldest", filter: parseFilter(filter, nowMs) },
        never,
      );
      assert.equal(
        items.some((found) => found.seq === seq),
        holds,
      );
    });

  it("find what they find in memory, of any filter", async () => {
    const property = fc.asyncProperty(filtersMatching(flows, ["app", ...texts]), async (filter) => {
      assert.deepEqual(
        await foundBy(opened(), filter),
        flows.filter(predicateOf(filter)).map(({ seq }) => seq),
      );
    });
    await fc.assert(property, { numRuns: 100 });
  });

  for (const { title, test } of [
    { title: "a pattern on a number", test: { field: "bytes", comparator: "~", values: ["1*"] } },
    { title: "an order of texts", test: { field: "node", comparator: "<", values: ["a"] } },
    { title: "a text as a number", test: { field: "port", comparator: "=", values: ["a"] } },
    { title: "no address", test: { field: "ip", comparator: "=", values: [5] } },
  ] as const)
    it(`are refused that ask for ${title}`, async () => {
      const filter: Test = { op: "test", key: null, ...test };
      await assert.rejects(foundBy(opened(), filter), { code: "FILTER_INVALID" });
    });
}

// Two windows of one connection and one of another; a denial to the internet; another node's report of the first.
const summed = [
  flow({ seq: 0 }),
  flow({ seq: 1, start: seconds(1), end: seconds(2) }),
  flow({ seq: 2, sourcePort: 40001 }),
  flow({
    ...{ ...rawDenial("egress"), seq: 3, destination: network, action: "deny" },
    destinationAddress: parseAddress("203.0.113.9"),
  }),
  flow({ seq: 0, node: "node-2", authoritative: false }),
];

function summaryContract(open: OpenStoreUnderTest, { uncountable }: Limits): void {
  const opened = openedWith(open, summed);
  // Few names and ports, so that many flows fall together; counts that tell which.
  const many = arbitraryFlows(300).map((each, at) => ({
    ...{
      ...each,
      seq: at,
      zone: 0,
      sourcePort: at % 7,
      destinationPort: 80 + (at % 3),
      protocol: at % 4 === 0 ? 17 : 6,
    },
    ...{ bytes: 2 ** (at % 40), replyBytes: at, packets: at, replyPackets: 1, startedAt: seconds(at % 11) },
    ...{
      source: at % 5 === 0 ? null : pod(`a/web-${at % 3}`, { app: `web${at % 2}` }),
      sourceAddress: nat.sourceAddress,
    },
    destination: at % 6 === 0 ? network : pod(`${"ab"[at % 2]}/api${at % 4}-0`, { app: "api" }),
    destinationAddress: at % 2 === 0 ? nat.destinationAddress : six.sourceAddress,
  }));
  const openedMany = openedWith(open, many);
  const memory = new MemoryFlowStore(() => many);

  it("pairs count connections rather than windows", async () => {
    const ends = { source: "dev-shop/web", protocol: 6, port: 8080 };
    assert.deepEqual(await opened().pairs(counted, never), [
      { ...ends, destination: "prod-shop/api", verdict: "allow", connections: 2, packets: 33, bytes: 7500 },
      { ...ends, destination: "203.0.113.9", verdict: "deny", connections: 1, packets: 1, bytes: 60 },
    ]);
  });

  for (const { field, values } of [
    { field: "verdict", values: ["allow 2", "deny 1"] },
    { field: "action", values: ["allow 2", "deny 1"] },
    { field: "ns", values: ["dev-shop 3", "prod-shop 2"] },
    { field: "dst.ip", values: ["10.2.0.7 2", "203.0.113.9 1"] },
    { field: "src.labels.app", values: ["web 3"] },
    { field: "dst.port", values: ["8080 3"] },
    { field: "protocol", values: ["6 3", "tcp 3"] },
    { field: "service", values: [] },
  ])
    it(`top counts the values of ${field}`, async () => {
      const counts = await opened().top({ ...counted, field }, never);
      assert.deepEqual(
        counts.map(({ value, connections }) => `${value} ${connections}`),
        values,
      );
    });

  for (const limit of [1, 5, 1_000])
    it(`pairs of many flows are what they are in memory, the first ${limit}`, async () => {
      const query = { ...all, allReports: false, limit };
      assert.deepEqual(await openedMany().pairs(query, never), await memory.pairs(query, never));
    });

  it("pairs are of the flows that a filter chooses in a time", async () => {
    const some = { since: seconds(3), until: seconds(200), filter: parseFilter("port = 81 and not ns = b", nowMs) };
    const query = { ...all, ...some };
    const expected = await memory.pairs(query, never);
    assert.ok(expected.length > 1);
    assert.deepEqual(await openedMany().pairs(query, never), expected);
  });

  for (const field of [
    ...[
      "src.pod",
      "pod",
      "ns",
      "workload",
      "ip",
      "dst.ip",
      "port",
      "src.port",
      "protocol",
      "service",
      "tier",
      "policy",
    ],
    ...[
      "time",
      "bytes",
      "packets",
      "replied",
      "authoritative",
      "labels.app",
      "dst.labels.app",
      "reason",
      "policy.revision",
    ],
  ])
    if (uncountable.some((one) => one === field))
      it(`top of ${field} is refused`, async () => {
        await assert.rejects(openedMany().top({ ...all, field }, never), { code: "NOT_IN_STORE" });
      });
    else
      it(`top of ${field} among many flows is what it is in memory`, async () => {
        for (const limit of [3, 1_000]) {
          const query = { ...all, field, limit };
          assert.deepEqual(await openedMany().top(query, never), await memory.top(query, never));
        }
      });

  for (const field of ["src.labels; drop", "src.labels", ""])
    it(`top refuses "${field}", which is no field`, async () => {
      await assert.rejects(opened().top({ ...counted, field }, never), { code: "FILTER_INVALID" });
    });
}

/** Opens before the tests of a describe, and closes after them. */
function openedWith(open: OpenStoreUnderTest, flows: readonly Flow[]): () => FlowStore {
  let opened: StoreUnderTest | undefined;
  before(async () => {
    opened = await open(flows);
  });
  after(() => opened?.close());
  return () => (opened as StoreUnderTest).store;
}

async function pagesOf(store: FlowStore, query: SearchQuery): Promise<readonly (readonly Flow[])[]> {
  const pages: (readonly Flow[])[] = [];
  let cursor = query.cursor;
  do {
    const page = await store.search({ ...query, ...(cursor === undefined ? {} : { cursor }) }, never);
    pages.push(page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return pages;
}

async function foundBy(store: FlowStore, filter: Filter): Promise<readonly number[]> {
  return (await store.search({ ...all, order: "oldest", filter }, never)).items.map(({ seq }) => seq);
}

/** The same at each call: any records that a schema allows since 1970, of one node, a second after each other. */
function arbitraryFlows(count: number): readonly Flow[] {
  const [made = []] = fc.sample(fc.array(anyFlows, { minLength: count, maxLength: count }), { numRuns: 1, seed: 7 });
  return made.map((each, seq) => {
    const times = { start: seconds(seq), end: Math.abs(each.end), startedAt: Math.abs(each.startedAt) };
    return { ...each, ...times, node: "n", epoch: 1, seq };
  });
}

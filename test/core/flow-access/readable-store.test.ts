import assert from "node:assert/strict";
import fc from "fast-check";
import { type FieldName, fields } from "../../../core/filter/fields.ts";
import { readableStore } from "../../../core/flow-access/readable-store.ts";
import { seenPredicate } from "../../../core/flow-access/seen-filter.ts";
import { type Readable, seenFlow } from "../../../core/flow-access/seen-flow.ts";
import type { FlowQuery, FlowStore } from "../../../core/flow-store.ts";
import type { Flow } from "../../../core/records/flow.ts";
import { MemoryFlowStore } from "../../support/flow-store-memory.ts";
import { flow, network, nodeEndpoint, pod, seconds } from "../../support/flows.ts";
import { filtersMatching } from "../filter/matching-filter.ts";

const never = new AbortController().signal;
const all: FlowQuery = { since: 0, until: seconds(1e6), filter: null, allReports: true };
const ends = [
  pod("shop/web-1", { app: "web" }),
  pod("bank/vault-1", { app: "vault" }),
  pod("dev/x-1"),
  network,
  nodeEndpoint("node-9"),
];
const flows: readonly Flow[] = Array.from({ length: 60 }, (_, seq) =>
  flow({
    ...{ seq, start: seconds(seq), source: ends[seq % 5] ?? null, destination: ends[Math.floor(seq / 5) % 5] ?? null },
    ...{ destinationPort: 80 + (seq % 3), sourcePort: 40_000 + seq },
    service: { namespace: seq % 2 === 0 ? "shop" : "bank", name: `s${seq % 3}`, port: null },
    enforced: ["0|app|np:shop/app.web|allow|0", "0|app|np:bank/app.vault|allow|0"],
  }),
);
const readers: readonly Readable[] = [
  "all",
  new Set(["shop"]),
  new Set(["shop", "bank"]),
  new Set(["nowhere"]),
  new Set(),
];
const storeOf = (readable: Readable): FlowStore =>
  readableStore(new MemoryFlowStore(() => flows), () => Promise.resolve(readable));
const nameOf = (readable: Readable) => (readable === "all" ? "all" : `[${[...readable].join()}]`);

describe("core/flow-access/readable-store", () => {
  for (const readable of readers) {
    it(`finds what is seen, as it is seen, page by page: ${nameOf(readable)}`, async () => {
      const filters = fc.option(filtersMatching(flows, ["app"]), { nil: null });
      await fc.assert(
        fc.asyncProperty(
          filters,
          fc.constantFrom("oldest" as const, "newest" as const),
          fc.integer({ min: 1, max: 70 }),
          async (filter, order, limit) => {
            const sorted = order === "oldest" ? flows : flows.toReversed();
            const expected = sorted.filter(seenPredicate(filter, readable)).map((one) => seenFlow(one, readable));
            assert.deepEqual(await everyPage(storeOf(readable), { ...all, filter, order, limit }), expected);
          },
        ),
      );
    });

    it(`sums up what is seen: ${nameOf(readable)}`, async () => {
      const seen = flows.flatMap((one) => seenFlow(one, readable) ?? []);
      const [store, plain] = [storeOf(readable), new MemoryFlowStore(() => seen)];
      // What no two records share but by being hidden is told apart by what stays.
      const visible = (Object.keys(fields) as FieldName[]).filter((field) => fields[field].type !== "labels");
      for (const field of [...visible, "labels.app", "src.labels.app"]) {
        const counts = await store.top({ ...all, field, limit: 100 }, never);
        const wanted = await plain.top({ ...all, field, limit: 100 }, never);
        const hidden = ["0.0.0.0", "::", ""];
        assert.deepEqual(
          counts.map(({ value }) => value).sort(),
          wanted
            .map(({ value }) => value)
            .filter((value) => !hidden.includes(value))
            .sort(),
          field,
        );
      }
      const pairs = await store.pairs({ ...all, limit: 100 }, never);
      const sum = (of: readonly { readonly bytes: number }[]) => of.reduce((bytes, one) => bytes + one.bytes, 0);
      assert.equal(sum(pairs), sum(await plain.pairs({ ...all, limit: 100 }, never)));
    });
  }

  it("calls who is hidden by namespace and workload", async () => {
    const pairs = await storeOf(new Set(["shop"])).pairs({ ...all, limit: 100 }, never);
    const parties = new Set(pairs.flatMap(({ source, destination }) => [source, destination]));
    assert.deepEqual([...parties].sort(), ["10.1.0.5", "10.2.0.7", "bank/vault", "dev/x", "node/*", "shop/web"]);
  });

  it("tells nothing where it cannot be found out what may be read", async () => {
    const store = readableStore(new MemoryFlowStore(() => flows), () => Promise.reject(new Error("away")));
    await assert.rejects(store.search({ ...all, order: "oldest", limit: 1 }, never), /away/);
    await assert.rejects(store.pairs({ ...all, limit: 1 }, never), /away/);
    await assert.rejects(store.top({ ...all, field: "verdict", limit: 1 }, never), /away/);
  });
});

async function everyPage(store: FlowStore, query: Parameters<FlowStore["search"]>[0]): Promise<readonly Flow[]> {
  const found: Flow[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await store.search({ ...query, ...(cursor !== undefined && { cursor }) }, never);
    assert.ok(page.items.length <= query.limit);
    found.push(...page.items);
    if (page.cursor === undefined) return found;
    cursor = page.cursor;
  }
}

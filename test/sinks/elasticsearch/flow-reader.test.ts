import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { parseFilter } from "../../../core/filter/parse.ts";
import type { FlowQuery } from "../../../core/flow-store.ts";
import type { Flow } from "../../../core/records/flow.ts";
import { aggregate } from "../../../sinks/elasticsearch/aggregation.ts";
import { aggregatedFlows } from "../../../sinks/elasticsearch/documents/data-sets.ts";
import { type Call, connectElastic, type Elastic } from "../../../sinks/elasticsearch/elastic.ts";
import { ElasticFlowStore } from "../../../sinks/elasticsearch/flow-reader.ts";
import { indexNames } from "../../../sinks/elasticsearch/index-name.ts";
import { realisticFlows } from "../../bench/realistic-flows.ts";
import { MemoryFlowStore } from "../../support/flow-store-memory.ts";
import { flow, seconds } from "../../support/flows.ts";
import { needsServices } from "../../support/needs-services.ts";
import { flowStoreContract } from "../flow-store.contract.ts";
import { WrittenIndices } from "./written-flows.ts";

const never: AbortSignal = new AbortController().signal;
const all: FlowQuery & { readonly limit: number } = {
  ...{ since: 0, until: Number.MAX_SAFE_INTEGER, filter: null, allReports: true, limit: 1_000 },
};
const daySeconds = 86_400;

describe("ElasticFlowStore", function () {
  this.timeout(60_000);
  const address = needsServices("elasticsearch");

  flowStoreContract(
    async (flows) => {
      const indices = await WrittenIndices.at(address("elasticsearch"));
      await indices.writeFlows([...flows, ...flows]);
      const store = new ElasticFlowStore({ elastic: indices.elastic, namespace: indices.namespace });
      return {
        store,
        close: async () => {
          await store.close();
          await indices.remove();
        },
      };
    },
    { uncountable: ["time"] },
  );

  describe("of many records", () => {
    const flows = take(realisticFlows({ start: seconds(0), rate: 100, batch: 500 }), 12);
    const memory = new MemoryFlowStore(() => flows);
    const written = writtenWith(address, "day", flows);

    for (const { title, exactUpTo } of [
      { title: "one by one", exactUpTo: flows.length },
      { title: "as estimates", exactUpTo: flows.length - 1 },
    ])
      it(`counts connections ${title}, and sums alike`, async () => {
        const store = new ElasticFlowStore({ ...written(), exactUpTo });
        assert.deepEqual(await store.pairs(all, never), await memory.pairs(all, never));
        for (const field of ["ns", "ip", "port", "dst.workload", "labels.env", "service"])
          assert.deepEqual(
            await store.top({ ...all, field }, never),
            await memory.top({ ...all, field }, never),
            field,
          );
      });

    it("tells all of them in one answer that takes several", async () => {
      const { items } = await new ElasticFlowStore(written()).search({ ...all, order: "oldest", limit: 1e6 }, never);
      assert.equal(items.length, flows.length);
    });
  });

  describe("of three days", () => {
    const flows = [0, 1, 2].map((day) => flow({ seq: day, start: seconds(day * daySeconds) }));
    const written = writtenWith(address, "day", flows);
    const opened = (calls: readonly Call[]) => calls.flatMap(({ path }) => /^\/(.*)\/_pit$/.exec(path)?.[1] ?? []);

    it("opens no index but those that hold the span", async () => {
      const { elastic, namespace } = written();
      const { calls, recorded } = recording(elastic);
      const store = new ElasticFlowStore({ elastic: recorded, namespace });
      const query = { ...all, since: seconds(daySeconds) - 1, until: seconds(daySeconds) + 1 };
      assert.equal((await store.search({ ...query, order: "oldest" }, never)).items.length, 1);
      assert.deepEqual(opened(calls), [`sluice-flow-${namespace}-2023.11.15`]);
    });

    it("asks nothing where there is no index, and finds nothing", async () => {
      const { elastic, namespace } = written();
      for (const [of, since] of [
        [namespace, seconds(10 * daySeconds)],
        ["nobodys", 0],
      ] as const) {
        const { calls, recorded } = recording(elastic);
        const store = new ElasticFlowStore({ elastic: recorded, namespace: of });
        assert.deepEqual(await store.search({ ...all, since, order: "newest" }, never), { items: [] });
        assert.deepEqual(await store.pairs({ ...all, since }, never), []);
        assert.deepEqual(await store.top({ ...all, since, field: "ns" }, never), []);
        assert.deepEqual(opened(calls), []);
      }
    });

    for (const order of ["oldest", "newest"] as const)
      it(`goes on at the same place, the ${order} first, when Elasticsearch has forgotten the point in time`, async () => {
        const { elastic, namespace } = written();
        const { calls, recorded } = recording(elastic);
        const store = new ElasticFlowStore({ elastic: recorded, namespace });
        const seqs: number[] = [];
        let cursor: string | undefined;
        do {
          const page = await store.search({ ...all, order, limit: 1, ...(cursor && { cursor }) }, never);
          seqs.push(...page.items.map(({ seq }) => seq));
          cursor = page.cursor;
          for (const id of pointsIn(calls)) await elastic.ask({ method: "DELETE", path: "/_pit", body: { id } });
        } while (cursor !== undefined);
        assert.deepEqual(seqs, order === "oldest" ? [0, 1, 2] : [2, 1, 0]);
        assert.equal(opened(calls).length, 3, "a point in time for each page");
      });

    it("goes on when an index was deleted between pages, with what is left", async () => {
      const { elastic, namespace } = written();
      const older = [1, 2].map((seq) => flow({ seq, start: seconds(-10 * daySeconds + seq) }));
      await written().indices.writeFlows(older);
      const store = new ElasticFlowStore({ elastic, namespace });
      const { cursor = "" } = await store.search({ ...all, order: "newest", limit: 2 }, never);
      await elastic.ask({ method: "DELETE", path: `/sluice-flow-${namespace}-2023.11.04` });
      const rest = await store.search({ ...all, order: "newest", limit: 5, cursor }, never);
      assert.deepEqual(rest, { items: flows.slice(0, 1) });
    });

    it("begins a sum anew when an index is deleted meanwhile", async () => {
      const { elastic, namespace, indices } = written();
      await indices.writeFlows([flow({ seq: 1, start: seconds(-10 * daySeconds), sourcePort: 7 })]);
      let deleted = false;
      const deleting: Elastic = {
        ask: async (call, signal) => {
          if (!deleted && call.path === "/_search") {
            deleted = true;
            await elastic.ask({ method: "DELETE", path: `/sluice-flow-${namespace}-2023.11.04` });
          }
          return elastic.ask(call, signal);
        },
        close: () => elastic.close(),
      };
      const [pair] = await new ElasticFlowStore({ elastic: deleting, namespace }).pairs(all, never);
      assert.equal(pair?.connections, 1);
    });

    it("asks the same point in time for all pages, and lets go of it", async () => {
      const { elastic, namespace } = written();
      const { calls, recorded } = recording(elastic);
      const store = new ElasticFlowStore({ elastic: recorded, namespace });
      const { cursor = "" } = await store.search({ ...all, order: "oldest", limit: 1 }, never);
      await store.search({ ...all, order: "oldest", limit: 5, cursor }, never);
      await store.search({ ...all, order: "oldest", limit: 1 }, never);
      await store.close();
      assert.equal(opened(calls).length, 2);
      assert.equal(calls.filter(({ method }) => method === "DELETE").length, 2);
    });
  });

  describe("beside flows that were merged", () => {
    const whole = [flow({ seq: 0, state: "denied" })];
    const written = writtenWith(address, "day", whole);
    before(async () => {
      const indices = written().indices;
      const groups = aggregate([flow({ seq: 1 }), flow({ seq: 2 })], { allowed: 2, denied: 0 }, 15_000);
      const write = aggregatedFlows.writer();
      const create = { _index: indexNames("flow", indices.namespace, "day")(seconds(0)), _id: "merged" };
      await indices.bulk(groups.map((group) => `${JSON.stringify({ create })}\n${write(group)}\n`));
    });

    for (const filter of ["", "src.pod = web-1", "not src.pod = web-1", "src.pod = nobody and verdict = allow"])
      it(`refuses what may be one of them: "${filter}"`, async () => {
        const store = new ElasticFlowStore(written());
        const asked = { ...all, filter: filter === "" ? null : parseFilter(filter, 0) };
        const refused = { code: "NOT_IN_STORE", message: /merged/ };
        await assert.rejects(store.search({ ...asked, order: "oldest" }, never), refused);
        await assert.rejects(store.pairs(asked, never), refused);
        await assert.rejects(store.top({ ...asked, field: "ns" }, never), refused);
      });

    for (const filter of ["verdict = deny", "not verdict = allow", "ns = nobody and src.pod = web-1"])
      it(`answers what is none of them: "${filter}"`, async () => {
        const query = { ...all, order: "oldest", filter: parseFilter(filter, 0) } as const;
        const { items } = await new ElasticFlowStore(written()).search(query, never);
        assert.deepEqual(items, filter.startsWith("ns") ? [] : whole);
      });
  });

  it("says what it cannot make of a filter that nests too deep for Elasticsearch", async () => {
    const indices = await WrittenIndices.at(address("elasticsearch"));
    await indices.writeFlows([flow()]);
    const store = new ElasticFlowStore(indices);
    const deep = (levels: number): string =>
      levels === 0 ? "ns = a" : `(ns = b ${levels % 2 ? "and" : "or"} ${deep(levels - 1)})`;
    const asking = (levels: number) =>
      store.search({ ...all, order: "oldest", filter: parseFilter(deep(levels), 0) }, never);
    assert.deepEqual(await asking(20), { items: [] });
    await assert.rejects(asking(40), { code: "FILTER_INVALID", message: /nested/ });
    await indices.remove();
  });
});

describe("ElasticFlowStore, of an Elasticsearch that does not answer", function () {
  this.timeout(10_000);

  /** Answers which indices there are, and then nothing more. */
  async function silent(): Promise<{ url: string; asked: Promise<IncomingMessage>; close: () => void }> {
    const asked = Promise.withResolvers<IncomingMessage>();
    const server = createServer((request, response) => {
      if (request.url?.startsWith("/_resolve") !== true) return asked.resolve(request);
      const headers = { "content-type": "application/json", "x-elastic-product": "Elasticsearch" };
      response.writeHead(200, headers).end('{"indices":[{"name":"sluice-flow-default-2023.11.14"}]}');
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const close = () => {
      server.close();
      server.closeAllConnections();
    };
    return { url: `http://127.0.0.1:${port}`, asked: asked.promise, close };
  }

  it("closes the connection when the signal aborts, which ends the question there", async () => {
    const { url, asked, close } = await silent();
    const store = new ElasticFlowStore({ elastic: await connectElastic({ urls: [url] }) });
    const stop = new AbortController();
    const answer = store.search({ ...all, order: "oldest" }, stop.signal);
    const request = await asked;
    stop.abort(new Error("enough"));
    await Promise.all([assert.rejects(answer, /enough/), once(request.socket, "close")]);
    close();
  });

  it("waits no longer than it was told to", async () => {
    const { url, close } = await silent();
    const store = new ElasticFlowStore({ elastic: await connectElastic({ urls: [url] }), answerMs: 100 });
    await assert.rejects(store.pairs(all, never), { code: "ELASTICSEARCH_FAILED", retriable: true });
    close();
    await assert.rejects(store.top({ ...all, field: "ns" }, never), { code: "ELASTICSEARCH_FAILED", retriable: true });
  });
});

function writtenWith(
  address: (name: "elasticsearch") => string,
  bucket: "day" | "month",
  flows: readonly Flow[],
): () => { readonly elastic: Elastic; readonly namespace: string; readonly indices: WrittenIndices } {
  let written: WrittenIndices | undefined;
  before(async () => {
    written = await WrittenIndices.at(address("elasticsearch"), bucket);
    await written.writeFlows(flows);
  });
  after(() => written?.remove());
  return () => {
    const indices = written as WrittenIndices;
    return { elastic: indices.elastic, namespace: indices.namespace, indices };
  };
}

/** An Elastic that notes what it is asked. */
function recording(elastic: Elastic): { readonly recorded: Elastic; readonly calls: readonly Call[] } {
  const calls: Call[] = [];
  return {
    calls,
    recorded: {
      ask: (call, signal) => {
        calls.push(call);
        return elastic.ask(call, signal);
      },
      close: () => elastic.close(),
    },
  };
}

function pointsIn(calls: readonly Call[]): ReadonlySet<string> {
  return new Set(calls.flatMap(({ body }) => (body as { pit?: { id: string } } | undefined)?.pit?.id ?? []));
}

function take(batches: Iterable<readonly Flow[]>, count: number): readonly Flow[] {
  const flows: Flow[] = [];
  for (const batch of batches) {
    flows.push(...batch);
    if (--count === 0) break;
  }
  return flows;
}

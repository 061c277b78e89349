import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { parseTime, systemClock } from "../../core/clock.ts";
import type { Flow } from "../../core/records/flow.ts";
import { applyTemplates } from "../../sinks/elasticsearch/apply-templates.ts";
import { BulkWriter } from "../../sinks/elasticsearch/bulk/bulk-writer.ts";
import { dataSets } from "../../sinks/elasticsearch/documents/data-sets.ts";
import { documentsOf } from "../../sinks/elasticsearch/documents-of.ts";
import { connectElastic, type Elastic, granted } from "../../sinks/elasticsearch/elastic.ts";
import { deleteExpired } from "../../sinks/elasticsearch/retention.ts";
import { templatesOf } from "../../sinks/elasticsearch/templates.ts";
import { realisticFlows } from "../bench/realistic-flows.ts";
import { type Fault, HttpProxy } from "../support/http-proxy.ts";
import { needsServices, ownServices } from "../support/needs-services.ts";
import { until } from "../support/until.ts";

const forever = new AbortController().signal;
const timeOf = (text: string) => parseTime(text) as number;
const start = timeOf("2026-11-23T23:59:00Z") * 1000; // over midnight: two indices

function flowsOf(count: number): readonly Flow[] {
  const batches = realisticFlows({ start, rate: count / 120, batch: count });
  return batches.next().value as readonly Flow[];
}

/** One writer and its Elasticsearch, behind a proxy. */
class Scene {
  readonly proxy = new HttpProxy();
  readonly namespace = `t${randomUUID().slice(0, 8)}`;
  readonly counts = { stored: 0, known: 0, again: 0, rejected: 0 };
  readonly circuits: boolean[] = [];
  elastic!: Elastic;
  writer!: BulkWriter;

  async up(url: string): Promise<void> {
    this.elastic = await connectElastic({ urls: [await this.proxy.start(url)] });
    const templates = templatesOf({ shards: 1, replicas: 0, refreshMs: 1000 });
    await applyTemplates(this.elastic, templates, { force: true, signal: forever });
    this.writer = new BulkWriter({
      elastic: this.elastic,
      clock: systemClock,
      limits: { bytes: 1_000_000, documents: 500, ageMs: 20, concurrency: 4, graceMs: 5_000 },
      events: {
        onRequest: () => {},
        onDocuments: (outcome, count) => {
          this.counts[outcome] += count;
        },
        onCircuit: (isOpen) => void this.circuits.push(isOpen),
      },
    });
  }

  async down(): Promise<void> {
    this.proxy.fault = () => "pass";
    await this.writer?.stop();
    await this.elastic?.ask({ method: "DELETE", path: `/sluice-flow-${this.namespace}-2026.11.23` });
    await this.elastic?.ask({ method: "DELETE", path: `/sluice-flow-${this.namespace}-2026.11.24` });
    await this.elastic?.close();
    await this.proxy.stop();
  }

  /** In batches, some at work at once. */
  async write(flows: readonly Flow[]): Promise<readonly string[]> {
    const documents = documentsOf("flow", { namespace: this.namespace, bucket: "day" })(flows);
    const batches = Array.from({ length: Math.ceil(documents.length / 250) }, (_, at) =>
      documents.slice(at * 250, (at + 1) * 250),
    );
    const rejected: string[] = [];
    await Promise.all(
      batches.map(async (batch) => {
        for (const { reason } of await this.writer.write(batch.map(({ lines }) => lines))) rejected.push(reason);
      }),
    );
    return rejected;
  }

  /** What is there, as records, in the order of their numbers. */
  async stored(): Promise<readonly Flow[]> {
    const path = `/sluice-flow-${this.namespace}-*`;
    granted(await this.elastic.ask({ method: "POST", path: `${path}/_refresh` }), "refresh");
    const found: Flow[] = [];
    let after: readonly unknown[] | undefined;
    for (;;) {
      const body = {
        size: 5_000,
        sort: ["observer.name", "event.sequence"],
        ...(after === undefined ? {} : { search_after: after }),
      };
      const answer = await this.elastic.ask<Hits>({ method: "POST", path: `${path}/_search`, body });
      const { hits } = granted(answer, "search").hits;
      for (const { _source } of hits) found.push(dataSets.flow.read(_source));
      after = hits.at(-1)?.sort;
      if (after === undefined) return found;
    }
  }
}

interface Hits {
  readonly hits: {
    readonly hits: readonly { readonly _source: Record<string, unknown>; readonly sort: readonly unknown[] }[];
  };
}

const inOrder = (flows: readonly Flow[]) =>
  flows.toSorted((a, b) => (a.node === b.node ? a.seq - b.seq : a.node < b.node ? -1 : 1));

describe("flows in a real Elasticsearch", function () {
  this.timeout(120_000);
  const address = needsServices("elasticsearch");
  let scene: Scene;

  beforeEach(async () => {
    scene = new Scene();
    await scene.up(address("elasticsearch"));
  });
  afterEach(() => scene.down());

  it("are found as the records they were, in indices by their own time, once though written twice", async () => {
    const flows = flowsOf(3_000);
    assert.deepEqual(await scene.write(flows), []);
    assert.deepEqual(await scene.write(flows), []);
    assert.deepEqual(await scene.stored(), inOrder(flows));
    assert.deepEqual(scene.counts, { stored: 3_000, known: 3_000, again: 0, rejected: 0 });
    const { body } = await scene.elastic.ask<Record<string, object>>({
      method: "GET",
      path: `/sluice-flow-${scene.namespace}-*`,
    });
    assert.deepEqual(
      Object.keys(body).map((name) => name.slice(-10)),
      ["2026.11.23", "2026.11.24"],
    );
  });

  it("that are at fault are told alone, with the reason", async () => {
    const flows = flowsOf(100).map((flow, at) => (at === 7 ? { ...flow, sourceAddress: "no address" as never } : flow));
    const [reason, ...others] = await scene.write(flows);
    assert.match(reason ?? "", /^400 document_parsing_exception: .*source\.ip.*no address/);
    assert.deepEqual(others, []);
    assert.equal((await scene.stored()).length, 99);
  });

  const plans: Readonly<Record<string, readonly Fault[]>> = {
    "429 now and then": [429, "pass", 429, "pass"],
    "503 for a while": [503, 503, 503, 503, 503],
    "cut connections": ["cut", "pass", "cut", "cut", "pass"],
    "lost answers": ["lose", "pass", "lose", "pass"],
    "one after the other": ["cut", 429, "lose", 503, 413, "pass"],
  };
  for (const [title, faults] of Object.entries(plans))
    it(`are all there once in spite of ${title}`, async () => {
      const plan = [...faults];
      scene.proxy.fault = (path) => (path.startsWith("/_bulk") ? (plan.shift() ?? "pass") : "pass");
      const flows = flowsOf(3_000);
      assert.deepEqual(await scene.write(flows), []);
      assert.deepEqual(await scene.stored(), inOrder(flows));
      assert.equal(plan.length, 0);
    });

  it("are deleted by whole indices when their time is over, and others stay", async () => {
    await scene.write(flowsOf(3_000));
    await scene.stored(); // refreshed
    const told: string[] = [];
    const day = 86_400_000;
    const expire = (now: string, dry: boolean) =>
      deleteExpired(
        scene.elastic,
        {
          ...{ namespace: scene.namespace, retention: () => day, now: timeOf(now), dry },
          onDeleted: ({ name, documents }) => {
            told.push(`${name.slice(-10)} ${documents > 0}`);
            return Promise.resolve();
          },
        },
        forever,
      );
    await expire("2026-11-24T23:59:59Z", false);
    assert.deepEqual(told, []);
    await expire("2026-11-25T00:00:00Z", true);
    await expire("2026-11-25T00:00:00Z", false);
    await expire("2026-11-25T00:00:00Z", false);
    assert.deepEqual(told, ["2026.11.23 true", "2026.11.23 true"]);
    assert.ok((await scene.stored()).every(({ start: us }) => us >= start + 60_000_000));
  });
});

describe("flows while Elasticsearch is killed and started again", function () {
  this.timeout(180_000);
  needsServices("elasticsearch"); // where there is none, none can be killed
  const services = ownServices("elasticsearch-writer");
  const scene = new Scene();

  after(async () => {
    await scene.down();
    await services.remove();
  });

  it("are all there, and none twice", async () => {
    const { ELASTICSEARCH_URL: url } = await services.up("elasticsearch");
    await scene.up(url as string);
    const flows = flowsOf(12_000);
    const written = scene.write(flows);
    await until("some of them to be stored", () => scene.counts.stored > 1_000, 60_000);
    await services.kill("elasticsearch");
    assert.ok(scene.counts.stored < flows.length, "it was killed in the middle");
    await until("the writer to notice", () => scene.circuits.length > 0, 60_000);
    const { ELASTICSEARCH_URL: again } = await services.up("elasticsearch", { keep: true });
    scene.proxy.target = again as string;
    assert.deepEqual(await written, []);
    assert.deepEqual(scene.circuits, [true, false]);
    assert.deepEqual(await scene.stored(), inOrder(flows));
  });
});

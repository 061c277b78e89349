import assert from "node:assert/strict";
import fc from "fast-check";
import { systemClock } from "../../../../core/clock.ts";
import { SluiceError } from "../../../../core/errors.ts";
import { type BulkLimits, BulkWriter } from "../../../../sinks/elasticsearch/bulk/bulk-writer.ts";
import { FakeClock, settled } from "../../../support/fake-clock.ts";
import { lines, MemoryElastic } from "../memory-elastic.ts";

const some: BulkLimits = { bytes: 100_000, documents: 10, ageMs: 500, concurrency: 2, graceMs: 1_000 };

function scene(limits: Partial<BulkLimits> = {}) {
  const [elastic, clock] = [new MemoryElastic(), new FakeClock()];
  const counts = { stored: 0, known: 0, again: 0, rejected: 0 };
  const circuits: string[] = [];
  const writer = new BulkWriter({
    elastic,
    clock,
    limits: { ...some, ...limits },
    events: {
      onRequest: () => {},
      onDocuments: (outcome, count) => {
        counts[outcome] += count;
      },
      onCircuit: (isOpen) => void circuits.push(isOpen ? "open" : "closed"),
    },
  });
  return { elastic, clock, writer, counts, circuits };
}

const documents = (count: number, from = 0) => Array.from({ length: count }, (_, at) => lines("i", `d${from + at}`));
const away = () => Promise.reject(new SluiceError("ELASTICSEARCH_FAILED", "no answer", { retriable: true }));

describe("the bulk writer", () => {
  it("gathers what is written until a request is full, and sends it at once then", async () => {
    const { elastic, writer } = scene();
    const more = Promise.withResolvers<void>();
    const gathering = writer.gather(() => more.promise);
    const first = writer.write(documents(6));
    await settled();
    assert.deepEqual(elastic.requests, []);
    const second = writer.write(documents(4, 6));
    assert.deepEqual(await Promise.all([first, second]), [[], []]);
    assert.deepEqual(elastic.requests, [10]);
    more.resolve();
    await gathering;
  });

  it("sends what is not full when its oldest document has waited long enough, also while more is made", async () => {
    const { elastic, clock, writer } = scene();
    const more = Promise.withResolvers<void>();
    const gathering = writer.gather(() => more.promise);
    const written = writer.write(documents(3));
    await clock.advance(499);
    assert.deepEqual(elastic.requests, []);
    await clock.advance(1);
    assert.deepEqual(await written, []);
    assert.deepEqual(elastic.requests, [3]);
    more.resolve();
    await gathering;
  });

  it("waits for nobody when nothing is at work and nobody makes more, and for all who do", async () => {
    const { elastic, writer } = scene();
    assert.deepEqual(await writer.write(documents(3)), []);
    const [one, other] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const gathering = [one, other].map(({ promise }) => writer.gather(() => promise));
    const written = [writer.write(documents(2, 3)), writer.write(documents(2, 5))];
    one.resolve();
    await settled();
    assert.deepEqual(elastic.requests, [3]);
    other.reject(new Error("it failed"));
    await assert.rejects(Promise.all(gathering), /it failed/);
    await Promise.all(written);
    assert.deepEqual(elastic.requests, [3, 4]);
  });

  it("gathers while a request is at work what comes meanwhile", async () => {
    const { elastic, writer } = scene();
    const gate = Promise.withResolvers<undefined>();
    elastic.before = () => gate.promise;
    const written = [0, 1, 2, 3].map((at) => writer.write(documents(2, 2 * at)));
    await settled();
    assert.deepEqual(elastic.requests, [2]);
    gate.resolve(undefined);
    assert.deepEqual((await Promise.all(written)).flat(), []);
    assert.deepEqual(elastic.requests, [2, 6]);
  });

  it("has no more requests at work at once than it may", async () => {
    const { elastic, writer } = scene();
    const gate = Promise.withResolvers<undefined>();
    elastic.before = () => gate.promise;
    const written = writer.write(documents(45));
    await settled();
    assert.deepEqual(elastic.requests, [10, 10]);
    gate.resolve(undefined);
    assert.equal(writer.state.pendingBytes > 0, true);
    await settled();
    await writer.stop();
    assert.deepEqual(await written, []);
    assert.deepEqual([elastic.documents.size, writer.state.pendingBytes], [45, 0]);
  });

  it("is done with documents that are there already", async () => {
    const { elastic, writer, counts } = scene();
    await writer.write(documents(10));
    assert.deepEqual(await writer.write(documents(10)), []);
    assert.equal(elastic.documents.size, 10);
    assert.deepEqual([counts.stored, counts.known], [10, 10]);
  });

  it("tells of a document that is at fault, with the reason, and stores the others", async () => {
    const { elastic, writer, counts } = scene();
    const bad = lines("i", "bad", { source: { ip: "bad" } });
    const rejections = await writer.write([...documents(5), bad, ...documents(4, 5)]);
    assert.deepEqual(rejections, [{ place: 5, reason: "400 document_parsing_exception: no bad" }]);
    assert.deepEqual([elastic.documents.size, counts.rejected], [9, 1]);
  });

  it("sends documents that were turned away again, alone, after a pause that doubles", async () => {
    const { elastic, clock, writer, counts } = scene({ ageMs: 10 });
    const turns = new Map([["d3", 2]]);
    elastic.refuse = (id) => {
      const left = turns.get(id) ?? 0;
      turns.set(id, left - 1);
      return left > 0 ? 429 : undefined;
    };
    const written = writer.write(documents(10));
    await settled();
    await clock.advance(199);
    assert.deepEqual([elastic.requests, elastic.documents.size], [[10], 9]);
    await clock.advance(1);
    assert.deepEqual(elastic.requests, [10, 1]);
    await clock.advance(399);
    assert.deepEqual(elastic.requests, [10, 1]);
    await clock.advance(1);
    assert.deepEqual(await written, []);
    assert.deepEqual([elastic.requests, counts.again, writer.state.concurrency], [[10, 1, 1], 2, 1]);
  });

  it("halves its concurrency when a whole request is turned away, and sends it again", async () => {
    const { elastic, clock, writer } = scene({ concurrency: 8 });
    let busy = 1;
    elastic.before = () => Promise.resolve(busy-- > 0 ? { status: 429, body: {} as never } : undefined);
    const written = writer.write(documents(10));
    await settled();
    await clock.advance(200);
    assert.deepEqual(await written, []);
    assert.deepEqual([elastic.documents.size, writer.state.concurrency], [10, 1]);
  });

  it("halves requests that are too large, and gives up on a document that is so alone", async () => {
    const { elastic, clock, writer } = scene({ bytes: 1_000_000 });
    elastic.before = (count) => Promise.resolve(count > 2 ? { status: 413, body: {} as never } : undefined);
    const many = writer.write(documents(10));
    await settled();
    await clock.advance(500);
    assert.deepEqual(await many, []);
    assert.equal(elastic.documents.size, 10);
    elastic.before = () => Promise.resolve({ status: 413, body: {} as never });
    const written = writer.write(documents(1, 10));
    await clock.advance(500);
    const [rejection] = await written;
    assert.match(rejection?.reason ?? "", /^413 \d+ bytes are too many$/);
  });

  it("sends nothing while nobody answers but a probe now and then, and all of it afterwards", async () => {
    const { elastic, clock, writer, circuits } = scene({ documents: 200 });
    elastic.before = away;
    const written = writer.write(documents(1_000));
    await settled();
    await clock.advance(600);
    assert.deepEqual(circuits, ["open"]);
    const sent = elastic.requests.length;
    await clock.advance(799);
    assert.equal(elastic.requests.length, sent, "it waits");
    elastic.before = () => Promise.resolve(undefined);
    await clock.advance(1);
    assert.equal(elastic.requests[sent], 100, "a small request finds out");
    await clock.advance(10_000);
    assert.deepEqual(await written, []);
    assert.deepEqual([circuits, elastic.documents.size], [["open", "closed"], 1_000]);
  });

  it("sends again what was stored without an answer, which changes nothing", async () => {
    const { elastic, clock, writer, counts } = scene();
    let lost = 1;
    elastic.after = () => (lost-- > 0 ? away() : Promise.resolve());
    const written = writer.write(documents(10));
    await settled();
    await clock.advance(200);
    assert.deepEqual(await written, []);
    assert.deepEqual([elastic.documents.size, counts.known], [10, 10]);
  });

  it("makes writers wait while too much waits", async () => {
    const { elastic, writer } = scene({ bytes: 500, concurrency: 1 });
    const gate = Promise.withResolvers<undefined>();
    elastic.before = () => gate.promise;
    const written = writer.write(documents(100));
    let hasRoom = false;
    const room = writer.room().then(() => {
      hasRoom = true;
    });
    await settled();
    assert.equal(hasRoom, false);
    gate.resolve(undefined);
    await settled();
    await room;
    await writer.stop();
    assert.deepEqual(await written, []);
  });

  it("sends at once what waits when it is asked to stop", async () => {
    const { elastic, writer } = scene();
    const written = writer.write(documents(3));
    await writer.stop();
    assert.deepEqual(await written, []);
    assert.equal(elastic.documents.size, 3);
  });

  it("gives back what has no answer some time after it was asked to stop", async () => {
    const { elastic, clock, writer } = scene();
    elastic.before = () => new Promise(() => {});
    const failed = assert.rejects(writer.write(documents(10)), { code: "ELASTICSEARCH_FAILED", retriable: true });
    const stopping = writer.stop();
    await clock.advance(1_000);
    await stopping;
    await failed;
    await assert.rejects(writer.write(documents(1)), { code: "ELASTICSEARCH_FAILED" });
  });

  it("stores each document once and is done with each write, whatever Elasticsearch answers", async () => {
    const faults = fc.array(fc.constantFrom("none", "busy", "refused", "lost", "items", "large"), { maxLength: 30 });
    const writes = fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(faults, writes, async (plan, counts) => {
        const { elastic, clock, writer } = scene();
        const left = [...plan];
        let [isLost, turn] = [false, 0];
        elastic.before = (count) => {
          const fault = left.shift() ?? "none";
          isLost = fault === "lost";
          turn = fault === "items" ? 1 : 0;
          if (fault === "busy") return Promise.resolve({ status: 429, body: {} as never });
          if (fault === "refused") return Promise.resolve({ status: 503, body: {} as never });
          if (fault === "large" && count > 1) return Promise.resolve({ status: 413, body: {} as never });
          return Promise.resolve(undefined);
        };
        elastic.refuse = () => (turn++ % 3 === 1 ? 503 : undefined);
        elastic.refuse = (
          (refuse) => (id: string) =>
            turn > 0 ? refuse(id) : undefined
        )(elastic.refuse);
        elastic.after = () => (isLost ? away() : Promise.resolve());
        let from = 0;
        const written = counts.map((count) => {
          const all = documents(count, from);
          from += count;
          return writer.write(all);
        });
        for (let minute = 0; minute < 20 && writer.state.pendingBytes > 0; minute++) await clock.advance(60_000);
        assert.deepEqual((await Promise.all(written)).flat(), []);
        assert.equal(elastic.documents.size, from);
        assert.equal(writer.state.pendingBytes, 0);
      }),
      { numRuns: 40 },
    );
  });

  it("is quick with much (counts, not time): each document is in one request", async () => {
    const { elastic, writer } = scene({ documents: 1_000, bytes: 10_000_000 });
    const begin = systemClock.monotonic();
    await Promise.all(Array.from({ length: 20 }, (_, at) => writer.write(documents(1_000, at * 1_000))));
    assert.deepEqual([...new Set(elastic.requests)], [1_000]);
    assert.ok(systemClock.monotonic() - begin < 10_000);
  });
});

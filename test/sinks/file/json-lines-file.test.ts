import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SluiceError } from "../../../core/errors.ts";
import type { Flow } from "../../../core/records/flow.ts";
import { JsonLinesFile } from "../../../sinks/file/json-lines-file.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { flow } from "../../support/flows.ts";

const never = new AbortController().signal;
const one = (seq: number) => [flow({ seq })];

describe("sinks/file", () => {
  let folder: string;
  let clock: FakeClock;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-file-"));
    clock = new FakeClock();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const path = () => join(folder, "flows.jsonl");
  const opened = (parts: Partial<ConstructorParameters<typeof JsonLinesFile>[0]> = {}) =>
    new JsonLinesFile({ path: path(), maxBytes: 1e9, maxAgeMs: 1e9, keep: 0, clock, ...parts });
  const seqsIn = (name: string) =>
    readFileSync(join(folder, name), "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { readonly seq: number }).seq);
  const allSeqs = () =>
    readdirSync(folder)
      .flatMap(seqsIn)
      .sort((a, b) => a - b);

  it("appends a line a record, in the order of writing", async () => {
    const file = opened();
    const sink = file.of<Flow>("flow");
    await Promise.all([0, 1, 2, 3].map((seq) => sink.write(one(seq), never)));
    await file.close();
    assert.deepEqual(seqsIn("flows.jsonl"), [0, 1, 2, 3]);
  });

  it("goes on with a file that is there, without the half of a line that a crash left", async () => {
    writeFileSync(path(), `{"seq":7}\n${"x".repeat(100_000)}`);
    const file = opened();
    await file.of<Flow>("flow").write(one(8), never);
    await file.close();
    assert.deepEqual(seqsIn("flows.jsonl"), [7, 8]);
  });

  it("puts a file aside that is full, and makes another", async () => {
    const file = opened({ maxBytes: 2000 });
    for (let seq = 0; seq < 10; seq++) {
      await file.of<Flow>("flow").write(one(seq), never);
      await clock.advance(400);
    }
    await file.close();
    assert.ok(readdirSync(folder).length > 3);
    assert.ok(readdirSync(folder).every((name) => /^flows\.jsonl(\.\d{8}T\d{6}Z(-\d{4})?)?$/.test(name)));
    assert.deepEqual(
      allSeqs(),
      Array.from({ length: 10 }, (_, at) => at),
    );
  });

  it("puts a file aside that is old", async () => {
    const file = opened({ maxAgeMs: 60_000 });
    const sink = file.of<Flow>("flow");
    await sink.write(one(0), never);
    await clock.advance(60_000);
    await sink.write(one(1), never);
    await sink.write(one(2), never);
    await file.close();
    assert.deepEqual(seqsIn("flows.jsonl"), [2]);
  });

  it("keeps the newest of those put aside", async () => {
    writeFileSync(join(folder, "flows.jsonl.txt"), '{"seq":99}\n');
    const file = opened({ maxBytes: 1, keep: 2 });
    for (let seq = 0; seq < 14; seq++) await file.of<Flow>("flow").write(one(seq), never);
    await file.close();
    assert.deepEqual(allSeqs(), [12, 13, 99]);
  });

  it("says what is wrong with a folder that is not there, and goes on when it is", async () => {
    const missing = join(folder, "logs", "flows.jsonl");
    const sink = opened({ path: missing }).of<Flow>("flow");
    await assert.rejects(sink.write(one(0), never), (thrown) => {
      assert.ok(thrown instanceof SluiceError);
      assert.deepEqual([thrown.code, thrown.retriable], ["SINK_FAILED", true]);
      assert.match(thrown.message, /file .*flows\.jsonl: ENOENT/);
      return true;
    });
  });

  it("counts what somebody else wrote at the end, and keeps it", async () => {
    const file = opened();
    const sink = file.of<Flow>("flow");
    await sink.write(one(0), never);
    appendFileSync(path(), '{"seq":50}\n');
    await sink.write(one(1), never);
    await file.close();
    assert.deepEqual(seqsIn("flows.jsonl"), [0, 50, 1]);
  });
});

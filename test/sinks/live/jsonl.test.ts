import assert from "node:assert/strict";
import { schemaOf } from "../../../core/records/codec.ts";
import { JsonLines } from "../../../sinks/live/jsonl.ts";
import { Output } from "../../../sinks/live/output.ts";
import { change } from "../../support/changes.ts";
import { flow, loss, pod } from "../../support/flows.ts";
import { FakeStream } from "../../support/text-stream.ts";

const signal = new AbortController().signal;
const fieldsOf = (record: "flow" | "loss" | "change") =>
  (schemaOf(record) as { fields: { name: string }[] }).fields.map(({ name }) => name);

describe("sinks/live/jsonl", () => {
  it("a flow is one line with the fields of its schema in order", async () => {
    const { lines, stream } = newLines();
    await lines.write([flow({ seq: 1 }), flow({ seq: 2 })]);
    const parsed = stream.text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    assert.deepEqual(parsed.map(Object.keys), Array(2).fill(["type", ...fieldsOf("flow")]));
    assert.deepEqual(parsed[1], { type: "flow", ...flow({ seq: 2 }) });
  });

  it("a loss is one line with the fields of its schema in order", async () => {
    const { lines, stream } = newLines();
    await lines.losses.write([loss({ count: 3 })], signal);
    const parsed = JSON.parse(stream.text) as object;
    assert.deepEqual(Object.keys(parsed), ["type", ...fieldsOf("loss")]);
    assert.deepEqual(parsed, { type: "loss", ...loss({ count: 3 }) });
  });

  it("a change is one line with the fields of its schema in order", async () => {
    const { lines, stream } = newLines();
    await lines.changes.write([change()], signal);
    const parsed = JSON.parse(stream.text) as object;
    assert.deepEqual(Object.keys(parsed), ["type", ...fieldsOf("change")]);
    assert.deepEqual(parsed, { type: "change", ...change() });
  });

  it("equal records give equal lines, whatever the order of their keys", async () => {
    const labels = { zone: "dmz", app: "web" };
    const one = flow({ source: pod("shop/web-1", labels) });
    const reversed = Object.fromEntries(Object.entries(one).reverse()) as unknown as typeof one;
    const other = { ...reversed, source: pod("shop/web-1", { app: "web", zone: "dmz" }) };
    const texts = await Promise.all([one, other].map(async (each) => textOf(each)));
    assert.equal(texts[0], texts[1]);
    assert.match(texts[0] ?? "", /"labels":\{"app":"web","zone":"dmz"\}/);
  });

  it("labels that are named as the fields of a record are all kept", async () => {
    const labels = { type: "a", code: "b", id: "c", more: "d" };
    const text = await textOf(flow({ source: pod("shop/web-1", labels) }));
    assert.deepEqual((JSON.parse(text) as { source: { labels: object } }).source.labels, labels);
  });

  it("control characters are escaped", async () => {
    const text = await textOf(flow({ node: "n\x1b[31m\n" }));
    assert.equal(text.includes("\x1b"), false);
    assert.equal(text.split("\n").length, 2);
  });
});

function newLines(): { lines: JsonLines; stream: FakeStream } {
  const stream = new FakeStream();
  return { lines: new JsonLines(new Output(stream)), stream };
}

async function textOf(each: ReturnType<typeof flow>): Promise<string> {
  const { lines, stream } = newLines();
  await lines.write([each]);
  return stream.text;
}

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Schema } from "avsc";
import fc from "fast-check";
import { batches, batchSchema, rawFlowBatchSchema } from "../../../core/records/batch.ts";
import { type Flow, type RawFlow, unenriched, unremarkable } from "../../../core/records/flow.ts";
import { type Framed, FramedBatches, type SchemaNumbers } from "../../../core/records/framed-batches.ts";
import { type BatchSchema, extended, type SchemaField } from "../../../core/records/unknown-fields.ts";
import { flows } from "./arbitrary.ts";

/** What a later version adds. */
const added: readonly SchemaField[] = [
  { name: "latencyUs", type: ["null", "long"], default: null },
  { name: "tags", type: { type: "array", items: "string" }, default: [] },
  {
    name: "process",
    type: ["null", { type: "record", name: "Process", fields: [{ name: "pid", type: "long" }] }],
    default: null,
  },
] as const;
const news = { latencyUs: 1_234, tags: ["a", "b"], process: { pid: 7 } };

const later = (schema: Schema) => extended(schema as unknown as BatchSchema, added) as unknown as Schema;
const raw = (flow: Flow): RawFlow => {
  const { reporter, authoritative, action, mode, verdictSource, programRevision, ...rest } = flow;
  const { enforced, pending, source, destination, service, ...known } = rest;
  return known;
};
const some = (): Flow => fc.sample(flows, { numRuns: 1, seed: 7 })[0] as Flow;

/** A registry in memory: the real one has a test of its own. */
function numbers(): SchemaNumbers & { readonly schemas: Schema[] } {
  const schemas: Schema[] = [];
  return {
    schemas,
    numberOf(_, schema) {
      const text = JSON.stringify(schema);
      const at = schemas.findIndex((one) => JSON.stringify(one) === text);
      return Promise.resolve(at >= 0 ? at + 1 : schemas.push(schema));
    },
    schemaOf: (number) => Promise.resolve(schemas[number - 1]),
  };
}

for (const { title, registry } of [
  { title: "with the schema in a header", registry: undefined },
  { title: "with a schema registry", registry: numbers() },
])
  describe(`core/records/framed-batches, ${title}`, () => {
    const ours = () => batches<Flow>(batchSchema("flow"), "flows", registry);
    const oursRaw = () => batches<RawFlow>(rawFlowBatchSchema(), "flows.raw", registry);
    const theirs = <T extends object>(schema: Schema, topic: string) => batches<T>(later(schema), topic, registry);

    it("gives back any records that it encodes", async () => {
      const codec = ours();
      const property = fc.asyncProperty(fc.array(flows, { maxLength: 3 }), async (records) =>
        assert.deepEqual(await codec.decode(await codec.encode(records)), records),
      );
      await fc.assert(property, { numRuns: 30 });
    });

    it("reads what a newer version wrote", async () => {
      const message = await theirs<object>(batchSchema("flow"), "flows").encode([{ ...some(), ...news }]);
      const [read] = await ours().decode(message);
      assert.deepEqual(Object.fromEntries(Object.entries(read as Flow).filter(([name]) => !(name in news))), some());
    });

    it("carries what a newer collector knows through an older enricher to a newer sink", async () => {
      const flow = raw(some());
      const none = { latencyUs: null, tags: [], process: null };
      const both = [
        { ...flow, ...news },
        { ...flow, ...none },
      ];
      const sent = await theirs<object>(rawFlowBatchSchema(), "flows.raw").encode(both);
      const received = await oursRaw().decode(sent);
      const passed = await ours().encode(received.map((record) => ({ ...record, ...unenriched })));
      const kept = await theirs<object>(batchSchema("flow"), "flows").decode(passed);
      assert.deepEqual(kept, [
        { ...flow, ...unenriched, ...news },
        { ...flow, ...unenriched, ...none },
      ]);
    });

    it("puts records that bring more and records that do not in one message", async () => {
      const sent = await theirs<object>(batchSchema("flow"), "flows").encode([{ ...some(), ...news }]);
      const [more] = await ours().decode(sent);
      const mixed = await ours().encode([some(), more as Flow]);
      const kept = await theirs<typeof news>(batchSchema("flow"), "flows").decode(mixed);
      assert.deepEqual(
        kept.map(({ latencyUs, tags, process }) => ({ latencyUs, tags, process })),
        [{ latencyUs: null, tags: [], process: null }, news],
      );
    });

    it("reads what an earlier version wrote", async () => {
      const fixture = JSON.parse(
        readFileSync(new URL("../../fixtures/records/flows-of-43-fields.json", import.meta.url), "utf8"),
      ) as { readonly schema: string; readonly value: string; readonly records: readonly Flow[] };
      const value = Buffer.from(fixture.value, "base64");
      let message: Framed = { value, headers: { schema: fixture.schema } };
      if (registry !== undefined) {
        const header = Buffer.alloc(5);
        header.writeUInt32BE(await registry.numberOf("flows", JSON.parse(fixture.schema) as Schema), 1);
        message = { value: Buffer.concat([header, value.subarray(10)]) };
      }
      assert.deepEqual(
        await ours().decode(message),
        fixture.records.map((record) => ({ ...unremarkable, ...record })),
      );
    });
  });

describe("core/records/framed-batches", () => {
  const codec = () => batches<Flow>(batchSchema("flow"), "flows");
  const encoded = () => codec().encode([some()]) as Framed;

  it("reads both framings, whichever it writes", async () => {
    const registry = numbers();
    const byNumber = batches<Flow>(batchSchema("flow"), "flows", registry);
    assert.deepEqual(await byNumber.decode(encoded()), [some()]);
    const framed = await byNumber.encode([some()]);
    assert.deepEqual([...framed.value.subarray(0, 5)], [0, 0, 0, 0, 1]);
    assert.deepEqual(await batches<Flow>(batchSchema("flow"), "flows", registry).decode(framed), [some()]);
  });

  const decode = async (message: Framed, registry?: SchemaNumbers) =>
    batches<Flow>(batchSchema("flow"), "flows", registry).decode(message);
  const unlike = Uint8Array.of(0xc3, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0);
  const refused: readonly { readonly title: string; readonly message: Framed; readonly registry?: SchemaNumbers }[] = [
    { title: "no bytes", message: { value: new Uint8Array() } },
    { title: "a schema that nobody tells", message: { value: unlike } },
    { title: "a header that is no JSON", message: { value: unlike, headers: { schema: "{" } } },
    { title: "a header of no schema", message: { value: unlike, headers: { schema: '{"type":"batch"}' } } },
    { title: "a header of no batch", message: { value: unlike, headers: { schema: '"string"' } } },
    {
      title: "a header of another schema than the fingerprint's",
      message: { value: unlike, headers: encoded().headers as Record<string, string> },
    },
    { title: "a schema too long to be one", message: { value: unlike, headers: { schema: " ".repeat(300_000) } } },
    { title: "a number where there is no registry", message: { value: Uint8Array.of(0, 0, 0, 0, 1, 0) } },
    {
      title: "a number that the registry has not",
      message: { value: Uint8Array.of(0, 0, 0, 0, 9, 0) },
      registry: numbers(),
    },
  ];
  for (const { title, message, registry } of refused)
    it(`refuses ${title}`, () => assert.rejects(decode(message, registry), { code: "DECODE_FAILED" }));

  it("refuses bytes of an earlier schema that are cut off", () => {
    const newer = new FramedBatches<object>({ schema: later(batchSchema("flow")), topic: "t", shared: new Set() });
    const { value, headers } = newer.encode([{ ...some(), ...news }]) as Framed;
    const reader = codec();
    for (let length = 10; length < value.length; length += 7)
      assert.throws(() => reader.decode({ value: value.subarray(0, length), ...(headers ? { headers } : {}) }), {
        code: "DECODE_FAILED",
      });
  });
});

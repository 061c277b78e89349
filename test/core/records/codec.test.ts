import assert from "node:assert/strict";
import type { Schema } from "avsc";
import fc from "fast-check";
import { parseAddress } from "../../../core/address.ts";
import { SluiceError } from "../../../core/errors.ts";
import {
  type Codec,
  changeCodec,
  codecOf,
  dnsCodec,
  flowCodec,
  lossCodec,
  schemaOf,
} from "../../../core/records/codec.ts";
import { type Flow, type RawFlow, unenriched, unremarkable } from "../../../core/records/flow.ts";
import { parseRuleId } from "../../../core/rule-id.ts";
import { changes, dnsRecords, flows, losses } from "./arbitrary.ts";

const raw: RawFlow = {
  cluster: "local",
  node: "n1",
  epoch: 1_700_000_000_000,
  seq: 0,
  start: 1_700_000_000_000_000,
  end: 1_700_000_015_000_000,
  startedAt: 1_700_000_000_000_001,
  state: "open",
  connection: 4_294_967_295,
  zone: 0,
  protocol: 6,
  sourceAddress: parseAddress("10.0.0.1"),
  sourcePort: 40_000,
  destinationAddress: parseAddress("fd00::2"),
  destinationPort: 443,
  icmp: null,
  nat: null,
  packets: 3,
  bytes: 180,
  replyPackets: 2,
  replyBytes: 120,
  totalPackets: 3,
  totalBytes: 180,
  totalReplyPackets: 2,
  totalReplyBytes: 120,
  replied: true,
  ...unremarkable,
  denied: null,
  reason: null,
  egressRule: parseRuleId("0123456789abcdef"),
  ingressRule: null,
  inInterface: null,
  outInterface: null,
};
const flow: Flow = { ...raw, ...unenriched };

/** The record, or the error that is the only one allowed. */
function decodeOrRefuse<T>(codec: Codec<T>, bytes: Uint8Array): T | undefined {
  try {
    return codec.decode(bytes);
  } catch (thrown) {
    assert.ok(thrown instanceof SluiceError && thrown.code === "DECODE_FAILED", String(thrown));
    return undefined;
  }
}

describe("core/records/codec", () => {
  it("gives back any flow that it encodes", () => {
    const codec = flowCodec();
    fc.assert(
      fc.property(flows, (record) => assert.deepEqual(codec.decode(codec.encode(record)), record)),
      {
        numRuns: 200,
      },
    );
  });

  it("gives back any loss that it encodes", () => {
    const codec = lossCodec();
    fc.assert(fc.property(losses, (record) => assert.deepEqual(codec.decode(codec.encode(record)), record)));
  });

  it("gives back any change that it encodes", () => {
    const codec = changeCodec();
    fc.assert(fc.property(changes, (record) => assert.deepEqual(codec.decode(codec.encode(record)), record)));
  });

  it("gives back any record of DNS that it encodes", () => {
    const codec = dnsCodec();
    fc.assert(fc.property(dnsRecords, (record) => assert.deepEqual(codec.decode(codec.encode(record)), record)));
  });

  it("encodes the same record to the same bytes", () => {
    assert.deepEqual(flowCodec().encode(flow), flowCodec().encode(structuredClone(flow)));
  });

  it("keeps a raw flow small", () => {
    assert.ok(flowCodec().encode(flow).length < 150, `${flowCodec().encode(flow).length} bytes`);
  });

  it("decodes from a view into a larger buffer", () => {
    const bytes = flowCodec().encode(flow);
    const buffer = Uint8Array.of(1, 2, 3, ...bytes, 4, 5);
    assert.deepEqual(flowCodec().decode(buffer.subarray(3, 3 + bytes.length)), flow);
  });

  it("keeps a label key that JavaScript has a meaning for", () => {
    const labels = JSON.parse('{"__proto__": "a", "constructor": "b"}') as Record<string, string>;
    const source = {
      kind: "pod",
      namespace: null,
      name: null,
      uid: null,
      workloadKind: null,
      workload: null,
      node: null,
    } as const;
    const decoded = flowCodec().decode(flowCodec().encode({ ...flow, source: { ...source, labels } }));
    assert.deepEqual(Object.entries(decoded.source?.labels ?? {}), Object.entries(labels));
  });
});

describe("core/records/codec refuses with DECODE_FAILED, and nothing else,", () => {
  const codec = flowCodec();
  const bytes = codec.encode(flow);

  for (const { title, bad } of [
    { title: "no bytes", bad: new Uint8Array() },
    { title: "a header cut off", bad: bytes.subarray(0, 9) },
    { title: "a header alone", bad: bytes.subarray(0, 10) },
    { title: "another marker", bad: Uint8Array.of(0xc3, 0x02, ...bytes.subarray(2)) },
    {
      title: "a schema it does not know",
      bad: Uint8Array.of(0xc3, 0x01, 1, 2, 3, 4, 5, 6, 7, 8, ...bytes.subarray(10)),
    },
    {
      title: "another record",
      bad: lossCodec().encode({
        cluster: "",
        node: "",
        epoch: 0,
        seq: 0,
        source: "queue",
        count: null,
        start: 0,
        end: 0,
        detail: "",
      }),
    },
    { title: "bytes left over", bad: Uint8Array.of(...bytes, 0) },
  ])
    it(title, () => assert.throws(() => codec.decode(bad), { code: "DECODE_FAILED" }));

  it("a record cut off anywhere", () => {
    for (let length = 0; length < bytes.length; length++)
      assert.equal(decodeOrRefuse(codec, bytes.subarray(0, length)), undefined);
  });

  it("records with bytes changed, or else gives a record", () => {
    const change = fc.tuple(flows, fc.array(fc.tuple(fc.nat(2_000), fc.nat(255)), { minLength: 1, maxLength: 4 }));
    fc.assert(
      fc.property(change, ([record, changes]) => {
        const damaged = Uint8Array.from(codec.encode(record));
        for (const [at, byte] of changes) damaged[10 + (at % (damaged.length - 10))] = byte;
        decodeOrRefuse(codec, damaged);
      }),
      { numRuns: 300 },
    );
  });

  it("random bytes after a good header", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (body) => {
        decodeOrRefuse(codec, Uint8Array.of(...bytes.subarray(0, 10), ...body));
      }),
    );
  });

  for (const { title, schema } of [
    { title: "array", schema: { type: "array", items: "string" } },
    { title: "map", schema: { type: "map", values: "string" } },
  ] as { title: string; schema: Schema }[])
    for (const { sign, count } of [
      { sign: "positive", count: [0xfe, 0xff, 0xff, 0xff, 0x1f] },
      { sign: "negative", count: [0xff, 0xff, 0xff, 0xff, 0x1f, 0x02] },
    ])
      it(`a count of ${title} items that says there are four thousand million (${sign})`, () => {
        const any = codecOf<unknown>(schema);
        const header = any.encode(title === "array" ? [] : {}).subarray(0, 10);
        assert.throws(() => any.decode(Uint8Array.of(...header, ...count, 0)), { code: "DECODE_FAILED" });
      });

  it("a rule id of 64 bits", () => {
    const with63 = codec.encode({ ...flow, egressRule: parseRuleId("7fffffffffffffff") });
    const at = Buffer.from(with63).indexOf(Buffer.from("7fffffffffffffff", "hex"));
    with63[at] = 0xff;
    assert.throws(() => codec.decode(with63), { code: "DECODE_FAILED" });
  });
});

describe("core/records/codec frames", () => {
  // CRC-64-AVRO of these schemas: share/test/data/schema-tests.txt of apache/avro.
  for (const { schema, fingerprint } of [
    { schema: "null", fingerprint: 7195948357588979594n },
    { schema: "boolean", fingerprint: -6970731678124411036n },
    { schema: "int", fingerprint: 8247732601305521295n },
    { schema: "long", fingerprint: -3434872931120570953n },
    { schema: "string", fingerprint: -8142146995180207161n },
    { schema: { type: "fixed", name: "foo", size: 15 }, fingerprint: 1756455273707447556n },
  ] as { schema: Schema; fingerprint: bigint }[])
    it(`${JSON.stringify(schema)} with its fingerprint`, () => {
      const sample: Readonly<Record<string, unknown>> = { null: null, boolean: true, int: 1, long: 1, string: "a" };
      const value = typeof schema === "string" ? sample[schema] : Buffer.alloc(15);
      const bytes = codecOf<unknown>(schema).encode(value);
      assert.deepEqual([...bytes.subarray(0, 2)], [0xc3, 0x01]);
      assert.equal(Buffer.from(bytes).readBigInt64LE(2), fingerprint);
    });
});

describe("core/records/codec resolves", () => {
  interface Later {
    readonly name: string;
    readonly address: string;
    readonly note: string;
    readonly tags: readonly string[];
  }
  const address = { type: "fixed", name: "Address", size: 16, logicalType: "sluice-address" };
  const earlier = {
    type: "record",
    name: "R",
    fields: [
      { name: "name", type: "string" },
      { name: "address", type: address },
      { name: "gone", type: "int" },
    ],
  } as Schema;
  const later = {
    type: "record",
    name: "R",
    fields: [
      { name: "address", type: address },
      { name: "name", type: "string" },
      { name: "note", type: "string", default: "none" },
      { name: "tags", type: { type: "array", items: "string" }, default: [] },
    ],
  } as Schema;
  const written = codecOf<unknown>(earlier).encode({ name: "a", address: parseAddress("10.0.0.1"), gone: 7 });

  it("what an older schema wrote: defaults for what it lacked, nothing of what is gone", () => {
    const record = codecOf<Later>(later, [earlier]).decode(written);
    assert.deepEqual(record, { address: "10.0.0.1", name: "a", note: "none", tags: [] });
  });

  it("nothing of a schema that it was not given", () => {
    assert.throws(() => codecOf<Later>(later).decode(written), { code: "DECODE_FAILED" });
  });

  it("no older record that is damaged", () => {
    const codec = codecOf<Later>(later, [earlier]);
    for (let length = 0; length < written.length; length++)
      assert.equal(decodeOrRefuse(codec, written.subarray(0, length)), undefined);
  });

  it("a raw flow of a schema without what enrichment adds", () => {
    const whole = schemaOf("flow") as unknown as { fields: { name: string }[] };
    const fields = whole.fields.filter(({ name }) => name in raw);
    const old = { ...whole, fields } as unknown as Schema;
    const decoded = codecOf<Flow>(schemaOf("flow"), [old]).decode(codecOf<RawFlow>(old).encode(raw));
    assert.deepEqual(decoded, flow);
  });
});

describe("core/records: the types beside the schemas", () => {
  it("name the fields of flow.avsc, in any order", () => {
    const { fields } = schemaOf("flow") as unknown as { fields: { name: string }[] };
    assert.deepEqual(fields.map(({ name }) => name).sort(), Object.keys(flow).sort());
  });
});

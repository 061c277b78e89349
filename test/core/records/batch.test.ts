import assert from "node:assert/strict";
import fc from "fast-check";
import { batches, batchSchema } from "../../../core/records/batch.ts";
import { codecOf, type RecordKind } from "../../../core/records/codec.ts";
import type { Framed } from "../../../core/records/framed-batches.ts";
import { changes, flows, losses } from "./arbitrary.ts";

const kinds: readonly (readonly [RecordKind, fc.Arbitrary<unknown>])[] = [
  ["flow", flows],
  ["loss", losses],
  ["change", changes],
];

/** As it is without a registry, by bytes alone. */
function batchCodec(kind: RecordKind) {
  const codec = batches<object>(batchSchema(kind), "t");
  return {
    encode: (records: readonly unknown[]) => (codec.encode(records as readonly object[]) as Framed).value,
    decode: (value: Uint8Array) => codec.decode({ value }),
  };
}

describe("core/records/batch", () => {
  for (const [kind, records] of kinds)
    it(`encodes any ${kind} records to the bytes that avsc makes of them, and gives them back`, () => {
      const [codec, plain] = [batchCodec(kind), codecOf<unknown>(batchSchema(kind))];
      const property = fc.property(fc.array(records), (batch) => {
        const bytes = codec.encode(batch);
        assert.deepEqual(bytes, plain.encode({ records: batch }));
        assert.deepEqual(codec.decode(bytes), batch);
        assert.deepEqual(codec.encode(batch), bytes, "again, with what is known of it");
      });
      fc.assert(property);
    });

  for (const [kind, records] of kinds)
    it(`refuses ${kind} batches with bytes changed, or cut off, or else gives what avsc reads`, () => {
      const [codec, plain] = [batchCodec(kind), codecOf<{ records: unknown }>(batchSchema(kind))];
      const damage = fc.tuple(fc.array(records, { maxLength: 4 }), fc.nat(), fc.nat(255), fc.boolean());
      const property = fc.property(damage, ([batch, place, byte, isCut]) => {
        const whole = Buffer.from(codec.encode(batch));
        const at = 10 + (place % Math.max(1, whole.length - 10));
        const bytes = isCut ? whole.subarray(0, at) : whole;
        if (!isCut) bytes[at] = byte;
        const outcome = (decode: () => unknown) => {
          try {
            return decode();
          } catch (thrown) {
            return (thrown as { readonly code?: string }).code;
          }
        };
        const [ours, theirs] = [outcome(() => codec.decode(bytes)), outcome(() => plain.decode(bytes).records)];
        // avsc takes a number of too many bytes for one that is not exact.
        if (ours !== "DECODE_FAILED") assert.deepEqual(ours, theirs);
        else if (theirs !== "DECODE_FAILED") assert.ok(JSON.stringify(theirs).length > 0);
      });
      fc.assert(property, { numRuns: 2_000 });
    });

  it("refuses bytes that are no such batch", () => {
    const bytes = batchCodec("loss").encode([]);
    assert.throws(() => batchCodec("flow").decode(bytes), { code: "DECODE_FAILED" });
    assert.throws(() => batchCodec("loss").decode(bytes.subarray(0, 10)), { code: "DECODE_FAILED" });
  });
});

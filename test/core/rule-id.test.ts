import assert from "node:assert/strict";
import fc from "fast-check";
import {
  bitsOf,
  parseRuleId,
  type RuleId,
  ruleIdFromBytes,
  ruleIdOf,
  ruleIdToBytes,
  rulesOfLabel,
  tryParseRuleId,
} from "../../core/rule-id.ts";

const ids = fc.uint8Array({ minLength: 8, maxLength: 8 }).map(ruleIdOf);

/** What the kernel keeps after `ct label set` of these bits, on a little-endian machine. */
function labelOf(bits: readonly number[]): Uint8Array {
  const label = new Uint8Array(16);
  for (const bit of bits) label[bit >> 3] = (label[bit >> 3] as number) | (1 << (bit & 7));
  return label;
}

describe("core/rule-id", () => {
  for (const text of ["0000000000000001", "7fffffffffffffff", "0123456789abcdef"])
    it(`accepts ${text}`, () => assert.equal(parseRuleId(text), text));

  for (const { text, why } of [
    { text: "", why: "empty" },
    { text: "0000000000000000", why: "zero, which stands for no rule" },
    { text: "8000000000000000", why: "64 bits" },
    { text: "123456789abcdef", why: "15 digits" },
    { text: "00123456789abcdef", why: "17 digits" },
    { text: "0123456789ABCDEF", why: "capitals" },
    { text: "0123456789abcdeg", why: "another letter" },
    { text: "0123456789abcdef\n", why: "a line end" },
  ])
    it(`refuses ${JSON.stringify(text)}: ${why}`, () => {
      assert.equal(tryParseRuleId(text), undefined);
      assert.throws(() => parseRuleId(text), { code: "DECODE_FAILED" });
    });

  it("is made of any hash, and is never zero", () => {
    assert.equal(ruleIdOf(new Uint8Array(8)), "0000000000000001");
    assert.equal(ruleIdOf(Uint8Array.of(0x80, 0, 0, 0, 0, 0, 0, 0)), "0000000000000001");
    assert.equal(ruleIdOf(Uint8Array.of(0xff, 0, 0, 0, 0, 0, 0, 0x12, 0x99)), "7f00000000000012");
    fc.assert(fc.property(ids, (id) => assert.equal(tryParseRuleId(id), id)));
  });

  it("makes the round trip through its bytes", () => {
    fc.assert(fc.property(ids, (id) => assert.equal(ruleIdFromBytes(ruleIdToBytes(id)), id)));
  });

  for (const { title, bytes } of [
    { title: "zero", bytes: new Uint8Array(8) },
    { title: "64 bits", bytes: new Uint8Array(8).fill(255) },
    { title: "seven bytes", bytes: new Uint8Array(7) },
  ])
    it(`is not read from ${title}`, () => assert.throws(() => ruleIdFromBytes(bytes), { code: "DECODE_FAILED" }));

  it("lists its bits from the lowest", () => {
    assert.deepEqual(bitsOf("4000000000000005" as RuleId), [0, 2, 62]);
  });
});

describe("core/rule-id in a conntrack label", () => {
  it("is found by the bits that were set: egress in the lower half, ingress in the upper", () => {
    fc.assert(
      fc.property(ids, ids, (egress, ingress) => {
        const label = labelOf([...bitsOf(egress), ...bitsOf(ingress).map((bit) => bit + 64)]);
        assert.deepEqual(rulesOfLabel(label), { egress, ingress });
      }),
    );
  });

  it("is null in a half without bits", () => {
    assert.deepEqual(rulesOfLabel(labelOf([0])), { egress: "0000000000000001", ingress: null });
    assert.deepEqual(rulesOfLabel(labelOf([64 + 62])), { egress: null, ingress: "4000000000000000" });
    assert.deepEqual(rulesOfLabel(labelOf([])), { egress: null, ingress: null });
  });

  it("leaves out the bits that are none of ours", () => {
    assert.deepEqual(rulesOfLabel(labelOf([63, 127])), { egress: null, ingress: null });
  });

  it("is read at an offset, also of a view into a larger buffer", () => {
    const buffer = Uint8Array.of(9, 9, 9, ...labelOf([4]));
    const expected = { egress: "0000000000000010", ingress: null };
    assert.deepEqual(rulesOfLabel(buffer, 3), expected);
    assert.deepEqual(rulesOfLabel(buffer.subarray(1), 2), expected);
  });

  for (const { length, offset } of [
    { length: 15, offset: 0 },
    { length: 16, offset: 1 },
    { length: 16, offset: -1 },
  ])
    it(`refuses ${length} bytes at ${offset}, also in a larger buffer`, () =>
      assert.throws(() => rulesOfLabel(new Uint8Array(64).subarray(0, length), offset), { code: "DECODE_FAILED" }));
});

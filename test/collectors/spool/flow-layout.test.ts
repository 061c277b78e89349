import assert from "node:assert/strict";
import fc from "fast-check";
import { type FlowContent, FlowDecoder, FlowEncoder } from "../../../collectors/spool/flow-layout.ts";
import { SluiceError } from "../../../core/errors.ts";
import { flows } from "../../core/records/arbitrary.ts";

/** What collectors make: connection ids of 32 bits, zones of 16, counts that are not negative. */
const contents: fc.Arbitrary<FlowContent> = fc
  .record({
    flow: flows,
    connection: fc.option(fc.nat(0xffff_ffff), { nil: null }),
    zone: fc.nat(0xffff),
    icmp: fc.option(
      fc.record(
        { type: fc.integer({ min: -1, max: 255 }), code: fc.integer({ min: -1, max: 255 }), id: fc.nat(65_535) },
        { noNullPrototype: true },
      ),
      { nil: null },
    ),
  })
  .map(({ flow, ...over }) => {
    const { cluster: _, node: _n, epoch: _e, seq: _s, ...content } = { ...flow, ...over };
    const { reporter: _r, authoritative: _a, action: _ac, mode: _m, verdictSource: _v, ...rest } = content;
    const {
      programRevision: _p,
      enforced: _en,
      pending: _pe,
      source: _so,
      destination: _d,
      service: _se,
      ...raw
    } = rest;
    return raw;
  });

describe("the layout of flows in the spool", () => {
  const bytes = Buffer.alloc(4096);
  const encoder = new FlowEncoder(bytes);
  const decoder = new FlowDecoder();

  it("gives back every flow", () =>
    fc.assert(
      fc.property(contents, fc.nat(100), (content, start) => {
        const end = encoder.encode(content, start);
        assert.deepEqual(decoder.decode(bytes, start, end), content);
      }),
    ));

  it("is read as a flow or refused, whatever the bytes are", () =>
    fc.assert(
      fc.property(contents, fc.nat(300), fc.nat(255), fc.nat(300), (content, at, value, cut) => {
        const end = encoder.encode(content, 0);
        bytes[at % end] = value;
        try {
          decoder.decode(bytes, 0, Math.max(0, end - cut));
        } catch (thrown) {
          assert.ok(thrown instanceof SluiceError && thrown.code === "DECODE_FAILED", String(thrown));
        }
      }),
    ));

  it("refuses a layout of another version", () => {
    const end = encoder.encode(fc.sample(contents, 1)[0] as FlowContent, 0);
    bytes[0] = 2;
    assert.throws(() => decoder.decode(bytes, 0, end), { code: "DECODE_FAILED" });
  });

  it("does not write beyond its buffer", () => {
    const small = new FlowEncoder(Buffer.alloc(110));
    const content = { ...(fc.sample(contents, 1)[0] as FlowContent), reason: "a text that is too long for it" };
    assert.throws(() => small.encode(content, 0), RangeError);
  });
});

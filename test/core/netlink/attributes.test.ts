import assert from "node:assert/strict";
import fc from "fast-check";
import { SluiceError } from "../../../core/errors.ts";
import { Attributes } from "../../../core/netlink/attributes.ts";
import { MessageWriter } from "../../../core/netlink/message-writer.ts";

const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");

/** Type and value of each attribute, nested ones by their own list; what a decoder of everything would see. */
function listed(a: Attributes): unknown[] {
  const found: unknown[] = [];
  while (a.next()) found.push([a.type, Buffer.from(a.bytes.subarray(a.start, a.start + a.length)).toString("hex")]);
  return found;
}

describe("attributes of a netlink message", () => {
  const cases = [
    { title: "none", hex: "", found: [] },
    { title: "an empty value", hex: "0400 0100", found: [[1, ""]] },
    {
      title: "padding between two",
      hex: "0500 0100 ff000000 0600 0200 abcd0000",
      found: [
        [1, "ff"],
        [2, "abcd"],
      ],
    },
    { title: "flags of the type removed", hex: "0500 01c0 ff000000", found: [[1, "ff"]] },
    { title: "the last one without its padding", hex: "0500 0100 ff", found: [[1, "ff"]] },
  ];
  for (const { title, hex, found } of cases)
    it(`reads ${title}`, () => {
      const a = new Attributes("test", bytesOf(hex));
      assert.deepEqual(listed(a), found);
      a.finish();
    });

  const faults = [
    { title: "a length below the header", hex: "0300 0100", says: /3 bytes where 4 are left/ },
    { title: "a length beyond the end", hex: "0900 0100 00000000", says: /9 bytes where 8 are left/ },
    { title: "a header cut short", hex: "0400", says: /where 2 are left/ },
  ];
  for (const { title, hex, says } of faults)
    it(`remembers ${title}`, () => {
      const a = new Attributes("test", bytesOf(hex));
      assert.deepEqual(listed(a), []);
      assert.throws(() => a.finish(), { code: "DECODE_FAILED", message: says });
    });

  it("reads numbers of every width and text", () => {
    const message = new MessageWriter(0, 0)
      .u8(1, 0xab)
      .u16be(2, 0xabcd)
      .u32be(3, 0xdeadbeef)
      .u32(4, 0xdeadbeef)
      .u64be(5, 0x1_0000_0002n)
      .text(6, "eth0")
      .finish(0);
    const a = new Attributes("test", message, 16);
    const read = [() => a.u8(), () => a.u16be(), () => a.u32be(), () => a.u32(), () => a.u64be(), () => a.text()];
    const values = read.map((value) => a.next() && value());
    assert.deepEqual(values, [0xab, 0xabcd, 0xdeadbeef, 0xdeadbeef, 0x1_0000_0002, "eth0"]);
    a.finish();
  });

  it("reads a counter beyond 2^53 as 2^53-1", () => {
    const a = new Attributes("test", new MessageWriter(0, 0).u64be(1, 2n ** 63n).finish(0), 16);
    a.next();
    assert.equal(a.u64be(), Number.MAX_SAFE_INTEGER);
  });

  it("keeps the first fault, and reads zero after it", () => {
    const a = new Attributes("test", new MessageWriter(0, 0).u8(1, 7).u8(2, 7).finish(0), 16);
    a.next();
    assert.equal(a.u32be(), 0);
    assert.equal(a.next(), false);
    assert.throws(() => a.finish(), { message: "test: attribute 1 has 1 bytes, not 4" });
  });

  it("carries a fault within a nested attribute outside", () => {
    const message = new MessageWriter(0, 0)
      .nested(1, (inner) => inner.u8(2, 7))
      .u8(3, 7)
      .finish(0);
    const a = new Attributes("test", message, 16);
    a.next();
    const inner = a.nested();
    inner.next();
    inner.u16be();
    assert.equal(a.next(), false);
    assert.throws(() => a.finish(), { code: "DECODE_FAILED" });
  });

  it("begins anew after a fault", () => {
    const a = new Attributes("test", bytesOf("0300 0100 0500 0200 07000000"), 0, 4);
    listed(a);
    a.reset(4, 12);
    assert.deepEqual(listed(a), [[2, "07"]]);
    a.finish();
  });

  it("reads any bytes without another error than DECODE_FAILED", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const a = new Attributes("test", bytes);
        while (a.next()) [a.u32be(), a.u64be(), a.text(), listed(a.nested())];
        try {
          a.finish();
        } catch (thrown) {
          assert.ok(thrown instanceof SluiceError && thrown.code === "DECODE_FAILED");
        }
      }),
    );
  });
});

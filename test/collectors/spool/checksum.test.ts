import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { checksum } from "../../../collectors/spool/checksum.ts";

describe("checksum", () => {
  it("is zlib's CRC-32, of any bytes, anywhere in a buffer", () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(17), fc.nat(17), (bytes, before, behind) => {
        const from = Math.min(before, bytes.length);
        const to = Math.max(from, bytes.length - behind);
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        assert.equal(checksum(view, from, to), crc32(bytes.subarray(from, to)));
      }),
    ));
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { SluiceError } from "../../../core/errors.ts";
import { MessageWriter } from "../../../core/netlink/message-writer.ts";
import { netfilterHeader } from "../../../core/netlink/netfilter.ts";
import { decodeNftEvent, tableOf } from "../../../core/netlink/nft-event.ts";
import { added, deleted } from "./captured-nft.ts";

const decode = (type: number, bytes: Uint8Array) => decodeNftEvent(bytes, { type, start: 0, end: bytes.length });
const all = (captured: readonly (readonly [number, string])[]) =>
  captured.map(([type, hex]) => decode(type, Buffer.from(hex, "hex")));
const inTable = { family: 1, table: "sluice" };
const key = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));

describe("core/netlink/nft-event", () => {
  it("reads what came, and who made it come", () => {
    const elements = (set: string, ...some: readonly object[]) => ({
      what: "elements",
      ...inTable,
      set,
      elements: some,
      gone: false,
    });
    assert.deepEqual(all(added), [
      { what: "table", ...inTable, gone: false },
      { what: "chain", ...inTable, name: "c", gone: false },
      elements("s", { key: key("657468300000000000000000000000000a000001"), isEnd: false, verdict: null }),
      elements("i", { key: key("00000000"), isEnd: true, verdict: null }),
      elements("i", { key: key("0a000100"), isEnd: true, verdict: null }),
      elements("m", {
        key: key("fd000000000000000000000000000009"),
        isEnd: false,
        verdict: { code: -3, chain: "to" },
      }),
      { what: "object", ...inTable, name: "hits", gone: false },
      { what: "generation", id: 2, pid: 2073, program: "nft" },
    ]);
  });

  it("reads what went", () => {
    assert.deepEqual(all(deleted), [
      { what: "rule", ...inTable, chain: "c", handle: 7, expressions: new Uint8Array(), gone: true },
      { what: "set", ...inTable, name: "m", gone: true },
      { what: "object", ...inTable, name: "hits", gone: true },
      { what: "chain", ...inTable, name: "to", gone: true },
      { what: "table", ...inTable, gone: true },
      { what: "generation", id: 3, pid: 2074, program: "nft" },
    ]);
  });

  it("reads flowtables by their name", () => {
    const message = new MessageWriter(0, 0)
      .raw(netfilterHeader(1))
      .text(1, "fw")
      .text(2, "fast")
      .finish(0)
      .subarray(16);
    assert.deepEqual(decode((10 << 8) | 22, message), {
      what: "flowtable",
      family: 1,
      table: "fw",
      name: "fast",
      gone: false,
    });
  });

  it("passes over messages of other kinds", () => {
    assert.equal(decode((10 << 8) | 99, Uint8Array.of(1, 2, 3, 4)), undefined);
    assert.equal(decode(1 << 8, Uint8Array.of(1, 2, 3, 4)), undefined);
  });

  it("tells of which table a message is", () => {
    for (const [type, hex] of added.slice(0, -1)) {
      const bytes = Buffer.from(hex, "hex");
      assert.deepEqual(tableOf(bytes, { type, start: 0, end: bytes.length }), inTable);
    }
    assert.equal(tableOf(new Uint8Array(3), { type: 0, start: 0, end: 3 }), undefined);
  });

  const types = [0, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 18, 20, 22, 24].map((each) => (10 << 8) | each);

  it("makes of any bytes an event, or DECODE_FAILED, and nothing else", () => {
    const mutated = fc
      .tuple(fc.constantFrom(...added, ...deleted), fc.nat(), fc.nat(255), fc.nat())
      .map(([[type, hex], at, byte, cut]) => {
        const bytes = Buffer.from(hex, "hex");
        bytes[at % bytes.length] = byte;
        return [type, bytes.subarray(0, bytes.length - (cut % 3 === 0 ? cut % bytes.length : 0))] as const;
      });
    const random = fc.tuple(fc.constantFrom(...types), fc.uint8Array({ maxLength: 200 }));
    fc.assert(
      fc.property(fc.oneof(mutated, random), ([type, bytes]) => {
        tableOf(bytes, { type, start: 0, end: bytes.length });
        try {
          decode(type, bytes);
        } catch (thrown) {
          assert.ok(thrown instanceof SluiceError && thrown.code === "DECODE_FAILED", String(thrown));
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { SluiceError } from "../../core/errors.ts";
import type { Element } from "../../enforcer/element.ts";
import { intervalOf, keyOf, typesOf } from "../../enforcer/element-key.ts";
import type { DataType } from "../../enforcer/ruleset.ts";

const hex = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString("hex");

const keys: readonly { readonly element: string; readonly types: readonly DataType[]; readonly key: string }[] = [
  { element: "10.0.0.1", types: ["ipv4_addr"], key: "0a000001" },
  { element: "fd00::1", types: ["ipv6_addr"], key: "fd000000000000000000000000000001" },
  { element: "::ffff:a00:1", types: ["ipv6_addr"], key: "00000000000000000000ffff0a000001" },
  { element: "6", types: ["inet_proto"], key: "06" },
  { element: "8080", types: ["inet_service"], key: "1f90" },
  { element: '"slp1"', types: ["ifname"], key: "736c7031000000000000000000000000" },
  {
    element: "10.0.0.1 . 17 . 53",
    types: ["ipv4_addr", "inet_proto", "inet_service"],
    key: "0a000001 11000000 00350000",
  },
  { element: '"a" . 10.0.0.1', types: ["ifname", "ipv4_addr"], key: "61000000000000000000000000000000 0a000001" },
];

const intervals: readonly {
  readonly element: string;
  readonly type: DataType;
  readonly start: string;
  readonly end: string | null;
}[] = [
  { element: "10.0.0.0/8", type: "ipv4_addr", start: "0a000000", end: "0b000000" },
  { element: "10.0.0.0/31", type: "ipv4_addr", start: "0a000000", end: "0a000002" },
  { element: "10.0.0.255", type: "ipv4_addr", start: "0a0000ff", end: "0a000100" },
  { element: "10.0.0.1-10.0.0.3", type: "ipv4_addr", start: "0a000001", end: "0a000004" },
  { element: "0.0.0.0/0", type: "ipv4_addr", start: "00000000", end: null },
  { element: "255.255.255.255", type: "ipv4_addr", start: "ffffffff", end: null },
  { element: "80-90", type: "inet_service", start: "0050", end: "005b" },
  { element: "65535", type: "inet_service", start: "ffff", end: null },
  { element: "::/0", type: "ipv6_addr", start: "0".repeat(32), end: null },
  { element: "fd00::/8", type: "ipv6_addr", start: `fd${"0".repeat(30)}`, end: `fe${"0".repeat(30)}` },
  { element: "fd00::/65", type: "ipv6_addr", start: `fd${"0".repeat(30)}`, end: "fd000000000000008000000000000000" },
];

const refused: readonly { readonly element: string; readonly types: readonly DataType[] }[] = [
  { element: "10.0.0.1 }", types: ["ipv4_addr"] },
  { element: "10.0.0.1", types: ["ipv6_addr"] },
  { element: "::ffff:a00:1", types: ["ipv4_addr"] },
  { element: "256", types: ["inet_proto"] },
  { element: "", types: ["inet_service"] },
  { element: "0x50", types: ["inet_service"] },
  { element: "slp1", types: ["ifname"] },
  { element: '"slp*"', types: ["ifname"] },
  { element: "10.0.0.1 . 6", types: ["ipv4_addr"] },
  { element: "10.0.0.1", types: ["ipv4_addr", "inet_proto"] },
];
const refusedIntervals: readonly { readonly element: string; readonly type: DataType }[] = [
  { element: "10.0.0.1/8", type: "ipv4_addr" },
  { element: "10.0.0.0/33", type: "ipv4_addr" },
  { element: "10.0.0.0/", type: "ipv4_addr" },
  { element: "10.0.0.0/ 8", type: "ipv4_addr" },
  { element: "10.0.0.2-10.0.0.1", type: "ipv4_addr" },
  { element: "10.0.0.1-fd00::1", type: "ipv4_addr" },
  { element: "90-80", type: "inet_service" },
];

describe("an element as the kernel stores it", () => {
  for (const { element, types, key } of keys)
    it(`${element} of ${types.join(" . ")}`, () => {
      assert.equal(hex(keyOf(element as Element, types)), key.replaceAll(" ", ""));
    });

  for (const { element, type, start, end } of intervals)
    it(`${element} as an interval of ${type}`, () => {
      const interval = intervalOf(element as Element, type);
      assert.deepEqual([hex(interval.start), hex(interval.end)], [start, end]);
    });

  for (const { element, types } of refused)
    it(`${JSON.stringify(element)} is none of ${types.join(" . ")}`, () => {
      assert.throws(() => keyOf(element as Element, types), isRefusal);
    });

  for (const { element, type } of refusedIntervals)
    it(`${JSON.stringify(element)} is no interval of ${type}`, () => {
      assert.throws(() => intervalOf(element as Element, type), isRefusal);
    });

  it("of any text is a key of the right length, or refused", () => {
    const types = fc.constantFrom<Exclude<DataType, "mark">>(
      "ipv4_addr",
      "ipv6_addr",
      "inet_proto",
      "inet_service",
      "ifname",
    );
    const lengths = { ipv4_addr: 4, ipv6_addr: 16, inet_proto: 1, inet_service: 2, ifname: 16 };
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.nat(70_000).map(String)), types, (text, type) => {
        try {
          assert.equal(keyOf(text as Element, [type]).length, lengths[type]);
        } catch (thrown) {
          assert.ok(isRefusal(thrown), String(thrown));
        }
      }),
    );
  });
});

describe("the type that nft leaves with a set", () => {
  it("is read from its number", () => {
    assert.deepEqual(typesOf(7), ["ipv4_addr"]);
    assert.deepEqual(typesOf((41 << 6) | 8), ["ifname", "ipv6_addr"]);
    const tuple = ["ipv4_addr", "ipv4_addr", "inet_proto", "inet_service", "inet_service"];
    assert.deepEqual(typesOf((((((((7 << 6) | 7) << 6) | 12) << 6) | 13) << 6) | 13), tuple);
  });

  it("may be one that we never make", () => {
    assert.equal(typesOf(9), undefined);
  });
});

function isRefusal(error: unknown): boolean {
  return error instanceof SluiceError && error.code === "NFT_FAILED";
}

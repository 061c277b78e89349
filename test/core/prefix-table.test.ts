import assert from "node:assert/strict";
import fc from "fast-check";
import { type Cidr, cidrContains, cidrOf, formatAddress, parseAddress, parseCidr } from "../../core/address.ts";
import { PrefixTable } from "../../core/prefix-table.ts";

function tableOf(...cidrs: string[]): PrefixTable<string> {
  const table = new PrefixTable<string>();
  for (const text of cidrs) table.set(parseCidr(text), text);
  return table;
}

describe("core/prefix-table", () => {
  for (const { title, cidrs, address, expected } of [
    { title: "finds nothing in an empty table", cidrs: [], address: "10.0.0.1", expected: undefined },
    {
      title: "finds the prefix that holds an address",
      cidrs: ["10.0.0.0/8"],
      address: "10.1.2.3",
      expected: "10.0.0.0/8",
    },
    { title: "finds nothing outside", cidrs: ["10.0.0.0/8"], address: "11.0.0.0", expected: undefined },
    {
      title: "prefers the longer prefix, whichever came first",
      cidrs: ["10.1.0.0/16", "0.0.0.0/0", "10.0.0.0/8"],
      address: "10.1.2.3",
      expected: "10.1.0.0/16",
    },
    {
      title: "falls back to the shorter prefix",
      cidrs: ["10.1.0.0/16", "10.0.0.0/8"],
      address: "10.2.0.1",
      expected: "10.0.0.0/8",
    },
    {
      title: "finds a single address",
      cidrs: ["fd00::1/128", "fd00::/64"],
      address: "fd00::1",
      expected: "fd00::1/128",
    },
    { title: "keeps families apart", cidrs: ["::/0"], address: "10.0.0.1", expected: undefined },
    { title: "finds the default of its family", cidrs: ["::/0", "0.0.0.0/0"], address: "::1", expected: "::/0" },
  ])
    it(title, () => assert.equal(tableOf(...cidrs).lookup(parseAddress(address)), expected));

  it("replaces the value of a prefix", () => {
    const table = new PrefixTable<number>();
    table.set(parseCidr("10.0.0.0/8"), 1);
    table.set(parseCidr("10.9.9.9/8"), 2);
    assert.equal(table.lookup(parseAddress("10.0.0.1")), 2);
  });

  it("agrees with trying all prefixes one by one", () => {
    // Few distinct bits, so that prefixes often nest and addresses often hit.
    const bits = fc.array(fc.constantFrom(0n, 1n), { minLength: 6, maxLength: 6 });
    const four = bits.map((list) =>
      formatAddress(4, list.reduce<bigint>((value, bit) => (value << 1n) | bit, 0n) << 26n),
    );
    const six = bits.map((list) =>
      formatAddress(6, list.reduce<bigint>((value, bit) => (value << 1n) | bit, 0n) << 122n),
    );
    const address = fc.oneof(four, six);
    const cidr = fc.tuple(address, fc.oneof(fc.nat(8), fc.constant(32))).map(([base, length]) => cidrOf(base, length));
    fc.assert(
      fc.property(fc.array(cidr, { maxLength: 20 }), address, (cidrs, probe) => {
        const table = new PrefixTable<string>();
        for (const each of cidrs) table.set(each, each.text);
        const longest = (best: Cidr | undefined, each: Cidr) =>
          best !== undefined && best.bits > each.bits ? best : each;
        const expected = cidrs.filter((each) => cidrContains(each, probe)).reduce<Cidr | undefined>(longest, undefined);
        assert.equal(table.lookup(probe), expected?.text);
      }),
    );
  });
});

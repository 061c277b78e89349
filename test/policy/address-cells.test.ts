import assert from "node:assert/strict";
import fc from "fast-check";
import { type Address, cidrContains, cidrOf, formatAddress, parseAddress, parseCidr } from "../../core/address.ts";
import { AddressCells } from "../../policy/address-cells.ts";
import { AddressTable } from "../../policy/address-table.ts";

/** Near each other, and at both ends of the space. */
const address = fc.oneof(
  fc.tuple(fc.constantFrom(0x0a00_0000, 0, 0xffff_ff00), fc.nat(255)).map(([base, low]) => four(base + low)),
  fc.constantFrom("fd00::1", "fd00::2", "fd00:1::", "::", "2001:db8::1").map(parseAddress),
);
const cidr = fc
  .tuple(address, fc.nat(40))
  .map(([of, cut]) => cidrOf(of, Math.max(0, (of.includes(":") ? 128 : 32) - cut)));

const four = (value: number): Address => formatAddress(4, BigInt(value));

describe("cells of the address space", () => {
  it("are the same for two addresses exactly if the same CIDRs hold them", () => {
    fc.assert(
      fc.property(fc.array(cidr, { maxLength: 8 }), address, address, (cidrs, a, b) => {
        const cells = new AddressCells(cidrs);
        const holders = (one: Address) => cidrs.filter((each) => cidrContains(each, one)).map(({ text }) => text);
        const alike = a.includes(":") === b.includes(":") && holders(a).join() === holders(b).join();
        assert.equal(cells.cellOf(a) === cells.cellOf(b), alike, `${a} and ${b} in ${cidrs.map(({ text }) => text)}`);
      }),
      { numRuns: 1000 },
    );
  });

  it("end with the CIDR, also where that is the end of all addresses", () => {
    const cells = new AddressCells(["255.255.255.0/24", "10.0.0.0/31"].map(parseCidr));
    const [outside, before, last] = ["10.0.0.2", "255.255.254.255", "255.255.255.255"].map(parseAddress);
    assert.equal(cells.cellOf(outside as Address), cells.cellOf(before as Address));
    assert.notEqual(cells.cellOf(last as Address), cells.cellOf(before as Address));
  });
});

describe("a table of addresses", () => {
  it("finds what a map finds", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(address, fc.integer({ min: 1, max: 9 })), { maxLength: 300 }),
        address,
        (all, one) => {
          const table = new AddressTable();
          for (const [key, number] of all) table.set(key, number);
          const map = new Map(all);
          for (const key of [one, ...map.keys()]) assert.equal(table.get(key), map.get(key) ?? 0, key);
        },
      ),
    );
  });
});

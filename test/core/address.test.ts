import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Address,
  addressFromBytes,
  addressToBytes,
  addressValue,
  type Cidr,
  cidrContains,
  cidrOf,
  compareAddresses,
  type Family,
  familyOf,
  formatAddress,
  fourValue,
  parseAddress,
  parseCidr,
  tryParseAddress,
  widthOf,
} from "../../core/address.ts";

const refused = { code: "ADDRESS_INVALID" };

const numbers = fc.oneof(
  fc.tuple(fc.constant<Family>(4), fc.bigInt({ min: 0n, max: 2n ** 32n - 1n })),
  fc.tuple(fc.constant<Family>(6), fc.bigInt({ min: 0n, max: 2n ** 128n - 1n })),
  // Groups that are often zero: where RFC 5952 has its rules.
  fc
    .array(fc.constantFrom(0n, 0n, 1n, 0xffffn), { minLength: 8, maxLength: 8 })
    .map((groups): [Family, bigint] => [6, groups.reduce<bigint>((value, group) => (value << 16n) | group, 0n)]),
);
const addresses = numbers.map(([family, value]) => formatAddress(family, value));

describe("core/address: parsing an address", () => {
  for (const { text, canonical, why } of [
    { text: "0.0.0.0", canonical: "0.0.0.0", why: "the least IPv4" },
    { text: "255.255.255.255", canonical: "255.255.255.255", why: "the greatest IPv4" },
    { text: "10.0.0.1", canonical: "10.0.0.1", why: "plain IPv4" },
    { text: "::", canonical: "::", why: "all zeros" },
    { text: "::1", canonical: "::1", why: "loopback" },
    { text: "fe80::", canonical: "fe80::", why: "zeros at the end" },
    { text: "0:0:0:0:0:0:0:1", canonical: "::1", why: "zeros written out" },
    { text: "2001:0db8::0001", canonical: "2001:db8::1", why: "leading zeros go (RFC 5952 4.1)" },
    { text: "2001:db8:0:0:0:0:2:1", canonical: "2001:db8::2:1", why: "the run is shortened as far as it goes (4.2.1)" },
    { text: "2001:db8:0:1:1:1:1:1", canonical: "2001:db8:0:1:1:1:1:1", why: "one zero group is no run (4.2.2)" },
    { text: "2001:db8::1:1:1:1:1", canonical: "2001:db8:0:1:1:1:1:1", why: "one zero group is written out (4.2.2)" },
    { text: "2001:0:0:1:0:0:0:1", canonical: "2001:0:0:1::1", why: "the longest run is shortened (4.2.3)" },
    { text: "2001:db8:0:0:1:0:0:1", canonical: "2001:db8::1:0:0:1", why: "of equal runs the first is (4.2.3)" },
    { text: "0:0:1:0:0:0:0:0", canonical: "0:0:1::", why: "the longest run at the end" },
    { text: "2001:DB8::ABCD", canonical: "2001:db8::abcd", why: "letters are small (4.3)" },
    { text: "::ffff:192.0.2.1", canonical: "192.0.2.1", why: "IPv4-mapped, in dots" },
    { text: "::ffff:c000:201", canonical: "192.0.2.1", why: "IPv4-mapped, in groups" },
    { text: "0:0:0:0:0:FFFF:192.0.2.1", canonical: "192.0.2.1", why: "IPv4-mapped, written out" },
    { text: "64:ff9b::192.0.2.1", canonical: "64:ff9b::c000:201", why: "other addresses with dots stay IPv6" },
    { text: "::192.0.2.1", canonical: "::c000:201", why: "IPv4-compatible stays IPv6" },
    { text: "::fffe:1.2.3.4", canonical: "::fffe:102:304", why: "almost mapped is not mapped" },
    { text: "1:2:3:4:5:6:7::", canonical: "1:2:3:4:5:6:7:0", why: "`::` for one group, at the end" },
    { text: "::2:3:4:5:6:7:8", canonical: "0:2:3:4:5:6:7:8", why: "`::` for one group, at the start" },
    { text: "1:2:3:4:5:6:1.2.3.4", canonical: "1:2:3:4:5:6:102:304", why: "six groups and dots" },
  ])
    it(`makes ${canonical} of ${text}: ${why}`, () => assert.equal(parseAddress(text), canonical));

  for (const text of [
    "",
    " ",
    "10.0.0",
    "10.0.0.0.0",
    "10.0.0.",
    ".10.0.0",
    "10..0.0",
    "10.0.0.256",
    "10.0.0.1000",
    "10.0.0.00",
    "010.0.0.1",
    "0x0a.0.0.1",
    "10.0.0.1 ",
    " 10.0.0.1",
    "10.0.0.-1",
    "10.0.0.1e0",
    "1０.0.0.1",
    "167772161",
    ":",
    ":::",
    "1",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "::1:2:3:4:5:6:7:8",
    "1::2::3",
    ":1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:",
    "12345::",
    "g::",
    "fe80::1%eth0",
    "[::1]",
    "::1.2.3",
    "::1.2.3.4.5",
    "::1.2.3.4:5",
    "1.2.3.4::",
    "::01.2.3.4",
    "1:2:3:4:5:6:7:1.2.3.4",
    "::ffff:1.2.3.4/96",
    "10.0.0.0/8",
  ])
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.equal(tryParseAddress(text), undefined);
      assert.throws(() => parseAddress(text), refused);
    });

  it("gives back what it formats", () => {
    fc.assert(fc.property(addresses, (address) => assert.equal(parseAddress(address), address)));
  });

  it("never throws anything but a refusal", () => {
    const text = fc.string({ unit: fc.constantFrom(..."0123456789abcdefF:.%/ "), maxLength: 45 });
    fc.assert(fc.property(fc.oneof(text, fc.string()), (given) => void tryParseAddress(given)));
  });
});

describe("core/address: an address as number and bytes", () => {
  it("keeps its number", () => {
    const unmapped = numbers.filter(([family, value]) => family === 4 || value >> 32n !== 0xffffn);
    fc.assert(
      fc.property(unmapped, ([family, value]) => {
        const address = formatAddress(family, value);
        assert.equal(familyOf(address), family);
        assert.equal(addressValue(address), value);
        assert.equal(fourValue(address), family === 4 ? Number(value) : -1);
      }),
    );
  });

  it("makes the round trip through 16 bytes", () => {
    fc.assert(
      fc.property(addresses, (address) => assert.equal(addressFromBytes(addressToBytes(address), 0, 16), address)),
    );
  });

  for (const { title, bytes, length, expected } of [
    { title: "IPv4 of 4 bytes", bytes: [9, 10, 0, 0, 255], length: 4, expected: "10.0.0.255" },
    {
      title: "IPv6 of 16 bytes",
      bytes: [9, 0xfd, ...Array<number>(14).fill(0), 1],
      length: 16,
      expected: "fd00::1",
    },
    {
      title: "IPv4-mapped of 16 bytes",
      bytes: [9, ...Array<number>(10).fill(0), 255, 255, 192, 0, 2, 1],
      length: 16,
      expected: "192.0.2.1",
    },
  ] as const)
    it(`reads ${title} at an offset`, () =>
      assert.equal(addressFromBytes(Uint8Array.from(bytes), 1, length), expected));

  for (const { bytes, offset, length } of [
    { bytes: 3, offset: 0, length: 4 },
    { bytes: 16, offset: 1, length: 16 },
    { bytes: 8, offset: -1, length: 4 },
  ] as const)
    it(`refuses ${length} bytes at ${offset} of ${bytes}`, () =>
      assert.throws(() => addressFromBytes(new Uint8Array(bytes), offset, length), refused));

  it("sorts IPv4 before IPv6, each by number", () => {
    const sorted = ["2.0.0.0", "10.0.0.0", "10.0.0.1", "::", "::2", "::10", "fd00::"].map(parseAddress);
    assert.deepEqual([...sorted].reverse().sort(compareAddresses), sorted);
    assert.equal(compareAddresses(sorted[0] as Address, parseAddress("2.0.0.0")), 0);
  });
});

describe("core/address: a CIDR", () => {
  for (const { text, canonical } of [
    { text: "10.0.0.0/8", canonical: "10.0.0.0/8" },
    { text: "10.1.2.3/8", canonical: "10.0.0.0/8" },
    { text: "10.1.2.3/32", canonical: "10.1.2.3/32" },
    { text: "10.1.2.3", canonical: "10.1.2.3/32" },
    { text: "255.255.255.255/0", canonical: "0.0.0.0/0" },
    { text: "fd00::1", canonical: "fd00::1/128" },
    { text: "FD00:0::1/64", canonical: "fd00::/64" },
    { text: "::/0", canonical: "::/0" },
    { text: "2001:db8:ffff::/33", canonical: "2001:db8:8000::/33" },
    { text: "::ffff:10.1.2.3", canonical: "10.1.2.3/32" },
    { text: "::ffff:10.1.2.3/104", canonical: "10.0.0.0/8" },
    { text: "::ffff:10.1.2.3/96", canonical: "0.0.0.0/0" },
    { text: "::ffff:10.1.2.3/24", canonical: "::/24" },
    { text: "::ffff:10.1.2.3/95", canonical: "::fffe:0:0/95" },
  ])
    it(`is ${canonical} if written ${text}`, () => assert.equal(parseCidr(text).text, canonical));

  for (const text of ["", "/", "10.0.0.0/", "/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8/8"])
    it(`is refused if written ${JSON.stringify(text)}`, () => assert.throws(() => parseCidr(text), refused));
  for (const text of ["fd00::/129", "fd00::/1e1", "fd00::/ 8", "10.0.0.0/8 ", "10.0.0/8", "all", "::ffff:1.2.3.4/129"])
    it(`is refused if written ${JSON.stringify(text)}`, () => assert.throws(() => parseCidr(text), refused));

  for (const bits of [-1, 33, 1.5, Number.NaN])
    it(`has no prefix of ${bits} bits`, () => assert.throws(() => cidrOf(parseAddress("10.0.0.0"), bits), refused));

  const cidrs = fc
    .tuple(addresses, fc.nat(128))
    .map(([address, bits]) => cidrOf(address, Math.min(bits, widthOf(familyOf(address)))));

  it("is read as it is written", () => {
    fc.assert(fc.property(cidrs, (cidr) => assert.deepEqual(parseCidr(cidr.text), cidr)));
  });

  it("contains exactly the addresses from its first to its last", () => {
    const last = ({ family, base, bits }: Cidr) => base | ((1n << BigInt(widthOf(family) - bits)) - 1n);
    const edges = cidrs.chain((cidr) => {
      const top = 2n ** BigInt(widthOf(cidr.family)) - 1n;
      const near = [cidr.base - 1n, cidr.base, last(cidr), last(cidr) + 1n].filter((n) => n >= 0n && n <= top);
      const candidates = fc.oneof(fc.constantFrom(...near), fc.bigInt({ min: 0n, max: top }));
      return candidates.map((value) => ({ cidr, value }));
    });
    fc.assert(
      fc.property(edges, ({ cidr, value }) => {
        const address = formatAddress(cidr.family, value);
        const mapped = familyOf(address) !== cidr.family;
        assert.equal(cidrContains(cidr, address), !mapped && value >= cidr.base && value <= last(cidr));
      }),
    );
  });

  it("contains no address of the other family", () => {
    assert.equal(cidrContains(parseCidr("::/0"), parseAddress("10.0.0.1")), false);
    assert.equal(cidrContains(parseCidr("0.0.0.0/0"), parseAddress("::1")), false);
  });
});

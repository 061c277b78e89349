import assert from "node:assert/strict";
import fc from "fast-check";
import { SluiceError } from "../../core/errors.ts";
import { headerBytes } from "../../core/netlink/message.ts";
import { MessageWriter } from "../../core/netlink/message-writer.ts";
import { decodeHostRoute, decodeLink } from "../../enforcer/routes.ts";

// rtmsg: family dst_len src_len tos table protocol scope type flags
const rtmsg = (family: number, bits: number, table = 254, type = 1) =>
  Uint8Array.of(family, bits, 0, 0, table, 0, 0, type, 0, 0, 0, 0);

function route(header: Uint8Array, ...attributes: readonly (readonly [type: number, value: Uint8Array | number])[]) {
  const writer = new MessageWriter(24, 0).raw(header);
  for (const [type, value] of attributes)
    if (typeof value === "number") writer.u32(type, value);
    else writer.value(type, value);
  return decoded(writer.finish(1));
}

function decoded(message: Uint8Array) {
  const bytes = Buffer.from(message);
  return decodeHostRoute(bytes, { start: headerBytes, end: bytes.length });
}

const four = Uint8Array.of(10, 1, 0, 1);
const six = Uint8Array.of(0xfd, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

const cases: readonly { title: string; found: unknown; expected: unknown }[] = [
  {
    title: "an IPv4 address behind an interface",
    found: route(rtmsg(2, 32), [1, four], [4, 7]),
    expected: { address: "10.1.0.1", interface: 7 },
  },
  {
    title: "an IPv6 address behind an interface",
    found: route(rtmsg(10, 128), [1, six], [4, 7]),
    expected: { address: "fd01::1", interface: 7 },
  },
  { title: "a route to a network is none", found: route(rtmsg(2, 24), [1, four], [4, 7]), expected: undefined },
  {
    title: "a route by a gateway is none",
    found: route(rtmsg(2, 32), [1, four], [4, 7], [5, four]),
    expected: undefined,
  },
  {
    title: "a route by a gateway of the other family is none",
    found: route(rtmsg(2, 32), [1, four], [4, 7], [18, six]),
    expected: undefined,
  },
  { title: "a local address is none", found: route(rtmsg(2, 32, 255, 2), [1, four], [4, 7]), expected: undefined },
  { title: "an unreachable address is none", found: route(rtmsg(2, 32, 254, 7), [1, four]), expected: undefined },
  {
    title: "a route of another protocol family is none",
    found: route(rtmsg(28, 32), [1, four], [4, 7]),
    expected: undefined,
  },
  { title: "a route without an interface is none", found: route(rtmsg(2, 32), [1, four]), expected: undefined },
];

describe("routes from the kernel", () => {
  for (const { title, found, expected } of cases) it(title, () => assert.deepEqual(found, expected));

  it("a link has an index and a name", () => {
    const header = new Uint8Array(16);
    header[4] = 7;
    const bytes = Buffer.from(new MessageWriter(16, 0).raw(header).text(3, "slp1").finish(1));
    assert.deepEqual(decodeLink(bytes, { start: headerBytes, end: bytes.length }), { index: 7, name: "slp1" });
  });

  for (const [what, decode] of [
    ["links", decodeLink],
    ["routes", decodeHostRoute],
  ] as const)
    it(`${what} of any bytes decode or are DECODE_FAILED`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
          try {
            decode(Buffer.from(bytes), { start: 0, end: bytes.length });
          } catch (error) {
            assert.ok(error instanceof SluiceError && error.code === "DECODE_FAILED");
          }
        }),
        { numRuns: 500 },
      );
    });
});

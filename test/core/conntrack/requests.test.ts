import assert from "node:assert/strict";
import fc from "fast-check";
import { type Address, formatAddress } from "../../../core/address.ts";
import { EntryDecoder } from "../../../core/conntrack/entry.ts";
import { deleteRequest } from "../../../core/conntrack/requests.ts";
import { type Tuple, writeTuple } from "../../../core/conntrack/tuple.ts";
import { Messages } from "../../../core/netlink/message.ts";

const CTA_TUPLE_REPLY = 2;

const noIcmp = { icmpType: -1, icmpCode: -1, icmpId: -1 };
const noPorts = { sourcePort: 0, destinationPort: 0 };
const port = fc.nat(65_535);
const byte = fc.nat(255);
const ofPorts = fc.record({ protocol: fc.constantFrom(6, 17, 132, 47), sourcePort: port, destinationPort: port });
const ofIcmp = fc.record({ icmpType: byte, icmpCode: byte, icmpId: port });
const rest = fc.oneof(
  ofPorts.map((given) => ({ ...noIcmp, ...given })),
  ofIcmp.map((given) => ({ ...noPorts, protocol: 1, ...given })),
);
const addresses: fc.Arbitrary<readonly [Address, Address]> = fc.oneof(
  fc.tuple(address(4, 2n ** 32n - 1n), address(4, 2n ** 32n - 1n)),
  fc.tuple(address(6, 2n ** 128n - 1n), address(6, 2n ** 128n - 1n)),
);
const tuple: fc.Arbitrary<Tuple> = fc
  .record({ addresses, rest, zone: fc.constantFrom(0, 7) })
  .map(({ addresses: [source, destination], rest, zone }) => ({ source, destination, ...rest, zone }));

/** The first address is not of ::/64, where IPv6 writes IPv4 addresses. */
function address(family: 4 | 6, max: bigint): fc.Arbitrary<Address> {
  return fc.bigInt({ min: family === 4 ? 0n : 1n << 64n, max }).map((value) => formatAddress(family, value));
}

describe("the request that deletes a conntrack entry", () => {
  it("names the entry's tuple, zone and id as the kernel does", () => {
    const property = fc.property(tuple, fc.nat(65_535), fc.nat(0xffff_ffff), (original, common, id) => {
      const zone = original.zone || common;
      // With the other tuple beside it is what a DESTROY event says.
      const writer = deleteRequest({ id, zone, original }, false);
      const bytes = writer.nested(CTA_TUPLE_REPLY, () => writeTuple(writer, original)).finish(1);
      const messages = new Messages(bytes);
      messages.next();
      const read = new EntryDecoder(bytes).decode(messages.type, messages.flags, messages.start, messages.end);
      assert.deepEqual([read.kind, read.id, read.zone, read.original], ["destroy", id, zone, original]);
    });
    fc.assert(property);
  });
});

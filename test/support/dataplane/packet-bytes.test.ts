import assert from "node:assert/strict";
import fc from "fast-check";
import { decodePacket } from "../../../collectors/nflog/packet.ts";
import { hasPorts } from "../../../policy/protocol.ts";
import { arbitraryPacket } from "../arbitrary-program.ts";
import { bytesOf, endsIn, lastNumber, numberIn } from "./packet-bytes.ts";

describe("the bytes of a packet", () => {
  it("are read back as that packet and its number", () => {
    fc.assert(
      fc.property(
        arbitraryPacket,
        fc.integer({ min: 1, max: lastNumber }),
        fc.integer({ max: 63, min: 0 }),
        (packet, number, dscp) => {
          const { source, destination, protocol, icmp, ...ports } = packet;
          const bytes = bytesOf(packet, number, dscp);
          const read = decodePacket(bytes);
          assert.deepEqual(endsIn(bytes), { source, destination });
          assert.equal(numberIn(bytes), number);
          assert.equal(read.bytes, bytes.length);
          assert.deepEqual({ source: read.source, destination: read.destination }, { source, destination });
          assert.equal(read.protocol, protocol);
          if (hasPorts(protocol))
            assert.deepEqual({ sourcePort: read.sourcePort, destinationPort: read.destinationPort }, ports);
          if (icmp !== null) assert.deepEqual({ type: read.icmp?.type, code: read.icmp?.code }, icmp);
        },
      ),
    );
  });
});

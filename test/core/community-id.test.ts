import assert from "node:assert/strict";
import { parseAddress } from "../../core/address.ts";
import { communityId } from "../../core/community-id.ts";

/** Of the tests of corelight/pycommunityid, the specification's own implementation; of ICMP, ports are type and code. */
const cases = [
  [6, "128.232.110.120", "66.35.250.204", 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="],
  [6, "66.35.250.204", "128.232.110.120", 80, 34855, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="],
  [6, "10.0.0.1", "10.0.0.2", 10, 11569, "1:SXBGMX1lBOwhhoDrZynfROxnhnM="],
  [17, "192.168.1.52", "8.8.8.8", 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="],
  [132, "192.168.170.8", "192.168.170.56", 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="],
  [132, "192.168.170.56", "192.168.170.8", 80, 7, "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ="],
  [46, "1.2.3.4", "5.6.7.8", 0, 0, "1:ikv3kmf89luf73WPz1jOs49S768="],
  [1, "192.168.0.89", "192.168.0.1", 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="],
  [1, "192.168.0.1", "192.168.0.89", 0, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="],
  [1, "192.168.0.89", "192.168.0.1", 20, 0, "1:3o2RFccXzUgjl7zDpqmY7yJi8rI="],
  [1, "192.168.0.89", "192.168.0.1", 20, 1, "1:tz/fHIDUHs19NkixVVoOZywde+I="],
  [58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, 0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="],
  [58, "3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:507:0:1:260:97ff:fe07:69ea", 3, 0, "1:/OGBt9BN1ofenrmSPWYicpij2Vc="],
] as const;

describe("communityId", () => {
  for (const [protocol, source, destination, from, to, id] of cases)
    it(`of protocol ${protocol}, ${source} ${from} to ${destination} ${to} is ${id}`, () => {
      const isIcmp = protocol === 1 || protocol === 58;
      const tuple = { protocol, sourceAddress: parseAddress(source), destinationAddress: parseAddress(destination) };
      const ports = { sourcePort: isIcmp ? 0 : from, destinationPort: isIcmp ? 0 : to };
      assert.equal(communityId({ ...tuple, ...ports, icmp: isIcmp ? { type: from, code: to } : null }), id);
    });
});

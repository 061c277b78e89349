import assert from "node:assert/strict";
import fc from "fast-check";
import { type Entry, EntryDecoder } from "../../../core/conntrack/entry.ts";
import { SluiceError } from "../../../core/errors.ts";
import { Messages } from "../../../core/netlink/message.ts";
import { capturedConntrack } from "./captured-conntrack.ts";

type Name = keyof typeof capturedConntrack;

function decode(bytes: Uint8Array): Entry {
  const messages = new Messages(bytes);
  messages.next();
  return new EntryDecoder(bytes).decode(messages.type, messages.flags, messages.start, messages.end);
}

const captured = (name: Name) => Buffer.from(capturedConntrack[name], "hex");
const noIcmp = { icmpType: -1, icmpCode: -1, icmpId: -1 };
const noPorts = { sourcePort: 0, destinationPort: 0 };

describe("a conntrack entry as captured", () => {
  it("of a NEW connection through DNAT has both tuples, the rules of its label and no counters", () => {
    assert.deepEqual(decode(captured("tcpNewDnat")), {
      kind: "new",
      id: 1695016880,
      zone: 0,
      status: 424,
      original: {
        source: "10.99.1.2",
        destination: "10.99.9.9",
        protocol: 6,
        sourcePort: 51392,
        destinationPort: 80,
        ...noIcmp,
        zone: 0,
      },
      reply: {
        source: "10.99.2.2",
        destination: "10.99.1.2",
        protocol: 6,
        sourcePort: 8080,
        destinationPort: 51392,
        ...noIcmp,
        zone: 0,
      },
      rules: { egress: "0000000000000022", ingress: "0000000000000002" },
      counters: null,
      startedAt: null,
      stoppedAt: null,
      happenedAt: 1795479672525638,
      tcpState: 1,
      tcpFlags: { original: 3, reply: 0 },
      sctpState: null,
      timeout: 120,
      mark: 0x42,
      master: null,
      deletedBy: 0,
    });
  });

  const cases: readonly { name: Name; title: string; expected: Partial<Entry> }[] = [
    {
      name: "tcpUpdate",
      title: "UPDATE carries state, no label",
      expected: {
        kind: "update",
        tcpState: 3,
        tcpFlags: { original: 0x23, reply: 0x23 },
        rules: null,
        counters: null,
        timeout: 432_000,
      },
    },
    {
      name: "tcpDestroyDnat",
      title: "DESTROY carries counters, start and stop",
      expected: {
        kind: "destroy",
        counters: { packets: 6, bytes: 1320, replyPackets: 4, replyBytes: 220 },
        startedAt: 1795479672525719,
        stoppedAt: 1795479673527633,
        rules: null,
        tcpState: 7,
        timeout: null,
        deletedBy: 0,
      },
    },
    {
      name: "udpv6Dump",
      title: "dump entry carries label, counters and start",
      expected: {
        kind: "dump",
        counters: { packets: 1, bytes: 53, replyPackets: 0, replyBytes: 0 },
        startedAt: 1795479672528658,
        rules: { egress: "0000000000000022", ingress: "0000000000000002" } as never,
      },
    },
    {
      name: "sctpZoneNew",
      title: "zone stands beside the tuples",
      expected: { zone: 7, tcpState: null, sctpState: 1 },
    },
  ];
  for (const { name, title, expected } of cases)
    it(title, () => {
      const entry = decode(captured(name));
      assert.deepEqual({ ...entry, ...expected }, entry);
    });

  const tuples = [
    { name: "icmpNew", protocol: 1, ...noPorts, icmpType: 8, icmpCode: 0, icmpId: 0x1234 },
    { name: "icmpv6Dump", protocol: 58, ...noPorts, icmpType: 128, icmpCode: 0, icmpId: 0x4321 },
    { name: "udpv6New", protocol: 17, sourcePort: 56878, destinationPort: 5353, ...noIcmp },
    { name: "ospfNew", protocol: 89, ...noPorts, ...noIcmp },
    { name: "sctpZoneNew", protocol: 132, sourcePort: 1111, destinationPort: 2222, ...noIcmp },
  ] as const;
  for (const { name, ...tuple } of tuples)
    it(`of protocol ${tuple.protocol} has ports or ICMP's numbers as the protocol has them`, () => {
      const { original } = decode(captured(name));
      const six = name === "icmpv6Dump" || name === "udpv6New";
      const ends = six
        ? { source: "fd99:1::2", destination: "fd99:2::2" }
        : { source: "10.99.1.2", destination: "10.99.2.2" };
      assert.deepEqual(original, { ...ends, ...tuple, zone: 0 });
    });
});

describe("a conntrack entry that is malformed", () => {
  const totally = (bytes: Uint8Array, start: number) => {
    try {
      new EntryDecoder(bytes).decode(0x100, 0, start, bytes.length);
    } catch (thrown) {
      assert.ok(thrown instanceof SluiceError && thrown.code === "DECODE_FAILED", String(thrown));
    }
  };

  it("is DECODE_FAILED if it ends before its header does", () => {
    assert.throws(() => new EntryDecoder(new Uint8Array(18)).decode(0x100, 0, 16, 18), { code: "DECODE_FAILED" });
  });

  it("is DECODE_FAILED if it has no attributes", () => {
    const bytes = captured("udpv6New").subarray(0, 20);
    assert.throws(() => new EntryDecoder(bytes).decode(0x100, 0, 16, 20), {
      code: "DECODE_FAILED",
      message: "conntrack: an entry without both tuples",
    });
  });

  it("is DECODE_FAILED or an entry, whatever the bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => totally(bytes, 0)));
  });

  it("is DECODE_FAILED or an entry, whichever bytes of a real one are changed or cut off", () => {
    const names = fc.constantFrom(...(Object.keys(capturedConntrack) as Name[]));
    const changes = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 4 });
    fc.assert(
      fc.property(names, changes, fc.nat(400), (name, bytesChanged, cut) => {
        const bytes = captured(name);
        for (const [at, value] of bytesChanged) bytes[16 + (at % (bytes.length - 16))] = value;
        totally(bytes.subarray(0, Math.max(16, bytes.length - (cut % 3 === 0 ? cut % bytes.length : 0))), 16);
      }),
      { numRuns: 2000 },
    );
  });
});

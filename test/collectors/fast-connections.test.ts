import assert from "node:assert/strict";
import fc from "fast-check";
import { FastMessage } from "../../collectors/conntrack/fast-message.ts";
import { EntryDecoder } from "../../core/conntrack/entry.ts";
import type { RawFlow } from "../../core/records/flow.ts";
import { capturedConntrack } from "../core/conntrack/captured-conntrack.ts";
import { FedRecorder, type Step } from "./fed-recorder.ts";
import { messageOf, type Said } from "./messages.ts";

// Times are microseconds. Counting began at 100 s; what is told lies around it, so that everything has a past now and then.
const second = 1_000_000;
const epoch = 100 * second;

/** Of some connections, and the same whoever asks. */
const domainOf = (client: string, address: string, at: number) =>
  (client.length + address.length + at) % 3 === 0 ? null : `${at}.${address.replaceAll(":", "-")}.of.${client}`;

const runs = Number(process.env["FAST_RUNS"] ?? 500);
const sorted = (flows: readonly RawFlow[]) => flows.map((flow) => JSON.stringify(flow)).sort();

const ends: readonly Said["ends"][] = [
  ["10.0.0.1 1000", "10.0.0.2 80", "10.0.0.2 80", "10.0.0.1 1000"],
  ["10.0.0.1 1000", "10.96.0.1 80", "10.0.0.2 8080", "10.0.0.9 4000"],
  ["fd00::1 1000", "fd00::2 80", "fd00::2 80", "fd00::1 1000"],
  ["fd00::1 1000", "fd00:96::1 80", "fd00::2 8080", "fd00::1 1000"],
  ["::ffff:10.0.0.1 1000", "::1 80", "::1 80", "::ffff:10.0.0.1 1000"],
  ["198.18.254.1 9", "198.18.254.2 9", "198.18.254.2 9", "198.18.254.1 9"],
];
const labels: readonly Said["label"][] = [
  [5n, 7n],
  [5n, 0n],
  [0n, 0n],
  [0x8000_0000_0000_0001n, 2n ** 63n - 1n],
];
const count = fc.constantFrom(0, 1, 2, 5, 9, 2 ** 33);
const start = fc.constantFrom(90 * second, 100 * second, 104 * second, 104 * second + 4, 104 * second + 30_000);

/** What the kernel tells of one of few connections: mostly as it should be, now and then with something unusual. */
function said(usually: number): fc.Arbitrary<Said> {
  const rarely = <T>(usual: T, other: fc.Arbitrary<T>) =>
    fc.oneof({ weight: usually, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });
  return fc
    .record({
      kind: fc.constantFrom("new", "new", "destroy", "destroy", "dump", "update" as const),
      id: fc.constantFrom(1, 2, 3, 0xffff_fff0),
      other: fc.nat(19),
      protocol: rarely(6, fc.constantFrom(17, 1, 132)),
      start,
      late: fc.constantFrom(0, 50, -1, 3),
      status: fc.constantFrom(0, 2, 10, 2, 10, 512),
      label: rarely<Said["label"]>([5n, 7n], fc.constantFrom(null, ...labels)),
      packets: count,
      back: count,
      tcpState: fc.constantFrom(1, 2, 3, 7, 8),
      without: rarely("", fc.constantFrom("happenedAt", "counters", "startedAt", "stoppedAt")),
      timeout: rarely<number | null>(null, fc.constant(5)),
      mark: rarely(0, fc.constant(9)),
      zone: rarely(0, fc.constant(3)),
      port: rarely(0, fc.constant(77)),
    })
    .map(({ id, other, start: began, late, packets, back, without, label, ...rest }): Said => {
      const told = rest.kind === "dump" || rest.kind === "destroy";
      const whole = {
        ...rest,
        id,
        ends: ends[other < 6 ? other : id % 4] as Said["ends"],
        label: rest.kind === "destroy" ? null : label,
        counters: told ? ([packets, packets * 60, back, back * 50] as const) : null,
        startedAt: told ? began : null,
        stoppedAt: rest.kind === "destroy" ? began + second : null,
        happenedAt: rest.kind === "dump" ? null : began - late,
        tcpState: rest.protocol === 6 ? rest.tcpState : null,
      };
      return without === "" ? whole : { ...whole, [without]: null };
    });
}

function steps(usually: number): fc.Arbitrary<readonly Step[]> {
  const now = fc.constantFrom(104 * second, 105 * second, 106 * second);
  const one = said(usually);
  const tell = fc.record({ do: fc.constant("tell" as const), said: one, now });
  const few = fc.array(one, { maxLength: 4 });
  const dump = fc.record({ do: fc.constant("dump" as const), said: few, between: few, now });
  const flush = fc
    .record({ whole: fc.boolean(), window: fc.constantFrom(100, 110) })
    .map(({ whole, window }) => ({ do: "flush" as const, whole, start: window * second, end: (window + 10) * second }));
  return fc.array(
    fc.oneof({ weight: 6, arbitrary: tell }, { weight: 2, arbitrary: dump }, { weight: 2, arbitrary: flush }),
    { maxLength: 25 },
  );
}

describe("connections in rows", function () {
  this.timeout(60_000);

  for (const [title, usually] of [
    ["that are as usual", 60],
    ["of all kinds", 4],
  ] as const)
    it(`leave the records that Connections leave, whatever is told ${title}`, () => {
      let usual = 0;
      let all = 0;
      fc.assert(
        fc.property(steps(usually), fc.boolean(), (given, isNamed) => {
          const named = isNamed ? { domainOf } : {};
          const [fast, plain] = [new FedRecorder(true, epoch, named), new FedRecorder(false, epoch, named)];
          for (const step of given) {
            assert.deepEqual(sorted(fast.step(step)), sorted(plain.step(step)));
            assert.deepEqual(sorted(fast.standing()), sorted(plain.standing()));
            assert.deepEqual(fast.recorder.counters, plain.recorder.counters);
          }
          usual += fast.usual;
          all += fast.recorder.counters.conntrackEvents + fast.recorder.counters.dumpedEntries;
        }),
        { numRuns: runs },
      );
      assert.ok(usual > all / 20, `${usual} of ${all} messages went the fast way`);
    });
});

describe("messages read at fixed places", () => {
  for (const name of ["tcpNewDnat", "tcpDestroyDnat"] as const)
    it(`${name}, as captured, is one`, () => {
      const bytes = Buffer.from(capturedConntrack[name], "hex");
      assert.ok(new FastMessage(bytes).read(bytes.readUInt16LE(4), bytes.readUInt16LE(6), 16, bytes.length));
    });

  it("are entries: what is read of bytes that were changed is what an entry says, or nothing", () => {
    const change = fc.record({ at: fc.nat(400), to: fc.nat(255) });
    fc.assert(
      fc.property(said(60), fc.array(change, { minLength: 1, maxLength: 3 }), (message, changes) => {
        const bytes = messageOf(message);
        for (const { at, to } of changes) bytes[16 + (at % (bytes.length - 16))] = to;
        const [type, flags] = [bytes.readUInt16LE(4), bytes.readUInt16LE(6)];
        const fast = new FastMessage(bytes);
        if (!fast.read(type, flags, 16, bytes.length)) return;
        const entry = new EntryDecoder(bytes).decode(type, flags, 16, bytes.length);
        const nan = Number.NaN;
        const none = { packets: 0, bytes: 0, replyPackets: 0, replyBytes: 0 };
        assert.deepEqual(
          [fast.id, fast.status, fast.startedAt, fast.stoppedAt, fast.happenedAt],
          [...[entry.id, entry.status, entry.startedAt ?? nan, entry.stoppedAt ?? nan, entry.happenedAt ?? nan]],
        );
        if (entry.counters !== null)
          assert.deepEqual([...fast.counters], Object.values({ ...none, ...entry.counters }));
        assert.deepEqual(
          [fast.tcpState, fast.hasTimeout, fast.hasLabel],
          [...[entry.tcpState ?? 0, entry.timeout !== null, entry.rules !== null]],
        );
        assert.deepEqual([entry.mark, entry.zone, entry.master, entry.deletedBy], [fast.mark, 0, null, 0]);
        assert.deepEqual(fast.protocol, entry.original.protocol);
      }),
      { numRuns: runs },
    );
  });
});

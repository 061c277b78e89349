import assert from "node:assert/strict";
import type { Draft } from "../../collectors/draft.ts";
import type { LoggedPacket } from "../../collectors/nflog/message.ts";
import type { PacketHeaders } from "../../collectors/nflog/packet.ts";
import { Recorder } from "../../collectors/recorder.ts";
import type { Flush } from "../../collectors/window.ts";
import { SluiceError } from "../../core/errors.ts";
import { counted, entry, labelled, tuple } from "./entries.ts";

// Times are microseconds; collecting began at 100 s, windows are of 10 s, what is not timed happens at 105 s.
const second = 1_000_000;
const epoch = 100 * second;
const inWindow = 105 * second;
const before = 50 * second;
const first = { start: 100 * second, end: 110 * second, whole: true };
const then = { start: 110 * second, end: 120 * second, whole: true };
const atOnce = { start: 100 * second, end: 106 * second, whole: false };
const started = { startedAt: inWindow };

type Entry = ReturnType<typeof entry>;
/** A story: entries, complete dumps (lists of entries) and flushes in order. */
type Step = Entry | { readonly dump: readonly Entry[] } | typeof first;

function recorder(): Recorder {
  return new Recorder({ epoch, interfaceName: (index) => `if${index}` });
}

/** All records that are due but those of usual connections. */
const flushed = (under: Recorder, flush: Flush): readonly Draft[] => [
  ...under.flush(flush),
  ...(flush.whole ? [...under.denied(flush)].flat() : []),
];

/** The records that a story leaves, one list per flush. */
function told(steps: readonly Step[]): readonly (readonly Draft[])[] {
  return story(recorder(), steps);
}

function story(under: Recorder, steps: readonly Step[]): readonly (readonly Draft[])[] {
  const told: (readonly Draft[])[] = [];
  for (const step of steps)
    if ("whole" in step) told.push(flushed(under, step));
    else if ("dump" in step) {
      under.beginDump();
      for (const dumped of step.dump) under.entry(dumped, inWindow);
      under.endDump(inWindow);
    } else under.entry(step, inWindow);
  return told;
}

const counts = ({ state, packets, bytes, replyPackets, replyBytes }: Draft) =>
  `${state} ${packets}/${bytes} ${replyPackets}/${replyBytes}`;
const totals = ({ totalPackets, totalBytes, totalReplyPackets, totalReplyBytes }: Draft) =>
  `${totalPackets}/${totalBytes} ${totalReplyPackets}/${totalReplyBytes}`;

describe("what is counted for a connection", () => {
  const opened = entry("new");
  const dump = (...numbers: Parameters<typeof counted>) => ({
    dump: [entry("dump", { ...started, ...counted(...numbers) })],
  });
  const destroyed = (...numbers: Parameters<typeof counted>) =>
    entry("destroy", { ...started, ...counted(...numbers) });
  const cases: readonly { title: string; story: readonly Step[]; counts: readonly string[][] }[] = [
    {
      title: "that begins and ends within a window: one record",
      story: [opened, destroyed(5, 500, 4, 400), first, then],
      counts: [["closed 5/500 4/400"], []],
    },
    {
      title: "that goes on: what came in each window, and nothing for a window without",
      story: [opened, dump(2, 200), first, dump(2, 200), then, dump(7, 700, 1, 50), then],
      counts: [["open 2/200 0/0"], [], ["open 5/500 1/50"]],
    },
    {
      title: "dumped and then destroyed: nothing twice",
      story: [opened, dump(2, 200), first, dump(3, 300), destroyed(4, 400), then],
      counts: [["open 2/200 0/0"], ["closed 2/200 0/0"]],
    },
    {
      title: "that ends in a long window: told at once, nothing at the window's end",
      story: [opened, destroyed(1, 60), atOnce, first],
      counts: [["closed 1/60 0/0"], []],
    },
    {
      title: "that is open in a long window: told at its end",
      story: [opened, atOnce, dump(1, 60), first],
      counts: [[], ["open 1/60 0/0"]],
    },
    {
      title: "whose counters come only with DESTROY",
      story: [opened, first, destroyed(9, 900, 9, 900), then],
      counts: [["open 0/0 0/0"], ["closed 9/900 9/900"]],
    },
    {
      title: "without counters at all (made before accounting was on)",
      story: [opened, entry("destroy"), first],
      counts: [["closed 0/0 0/0"]],
    },
    {
      title: "whose NEW was lost but which began while we collected: from its beginning",
      story: [destroyed(5, 500), first],
      counts: [["closed 5/500 0/0"]],
    },
    {
      title: "that is older than we: its past is not told as news",
      story: [
        { dump: [entry("dump", { startedAt: before, ...counted(100, 9000) })] },
        first,
        { dump: [entry("dump", { startedAt: before, ...counted(103, 9300) })] },
        then,
      ],
      counts: [["open 0/0 0/0"], ["open 3/300 0/0"]],
    },
    {
      title: "that is older than we and ends before the first dump: nothing is news",
      story: [entry("destroy", { startedAt: before, ...counted(100, 9000) }), first],
      counts: [["closed 0/0 0/0"]],
    },
    {
      title: "of which UPDATE came first: from its beginning, once that is known",
      story: [entry("update"), dump(2, 200), first],
      counts: [["open 2/200 0/0"]],
    },
    {
      title: "dumped before its NEW was read: one connection",
      story: [dump(1, 60), opened, first, destroyed(2, 120), then],
      counts: [["open 1/60 0/0"], ["closed 1/60 0/0"]],
    },
    {
      title: "whose counters somebody set to zero: no negative delta, nothing twice",
      story: [opened, dump(10, 1000), first, dump(2, 200), then],
      counts: [["open 10/1000 0/0"], ["open 2/200 0/0"]],
    },
  ];
  for (const { title, story, counts: expected } of cases)
    it(title, () =>
      assert.deepEqual(
        told(story).map((records) => records.map(counts)),
        expected,
      ),
    );

  it("totals grow from the connection's beginning, also over a reset of the counters", () => {
    const flushed = told([opened, dump(10, 1000, 1, 60), first, dump(2, 200), then, destroyed(3, 300), then]);
    assert.deepEqual(flushed.flat().map(totals), ["10/1000 1/60", "12/1200 1/60", "13/1300 1/60"]);
  });
});

describe("what else is told of a connection", () => {
  const only = (...steps: readonly Step[]) => story(recorder(), steps).flat();
  const lossesOf = (...steps: readonly Step[]) => {
    const under = recorder();
    story(under, steps);
    return under.takeLosses().map(({ source, count, start, end }) => [source, count, start, end]);
  };
  const dumpOf = (over: Parameters<typeof entry>[1]) => ({ dump: [entry("dump", { ...started, ...over })] });
  const resets = "10/1000 0/0";

  it("how it ended, once it has", () => {
    const records = only(entry("new", { tcpState: 1 }), first, entry("destroy", { ...started, tcpState: 8 }), then);
    assert.deepEqual(
      records.map(({ endReason }) => endReason),
      [null, "refused"],
    );
  });

  it("that its end was not seen", () => {
    const records = only(dumpOf(counted(1, 60)), { dump: [] }, { dump: [] }, first);
    assert.deepEqual(
      records.map(({ state, endReason }) => [state, endReason]),
      [["closed", "unseen"]],
    );
  });

  it("how it ended, if a straggler tells it before its end is told as unseen", () => {
    const late = entry("destroy", { ...started, tcpState: 7 });
    const records = only(dumpOf(counted(1, 60)), { dump: [] }, { dump: [] }, late, first);
    assert.deepEqual(
      records.map(({ endReason }) => endReason),
      ["finished"],
    );
  });

  for (const { title, tcpState, midstream } of [
    { title: "that begins with a SYN", tcpState: 1, midstream: false },
    { title: "that both ends open at once", tcpState: 9, midstream: false },
    { title: "that the kernel met amid its packets", tcpState: 3, midstream: true },
  ])
    it(`${title}: ${midstream ? "is" : "is not"} marked, in all its records`, () => {
      const ended = entry("destroy", { ...started, ...counted(2, 120), tcpState: 7 });
      const records = only(entry("new", { tcpState }), dumpOf(counted(1, 60)), first, ended, then);
      assert.deepEqual(
        records.map((record) => record.midstream),
        [midstream, midstream],
      );
    });

  it("that its numbers are not known where the kernel does not count it", () => {
    const uncounted = only(dumpOf({}), first);
    const counting = only(dumpOf(counted(1, 60)), first);
    const notYetKnown = only(entry("new"), first);
    assert.deepEqual(
      [...uncounted, ...counting, ...notYetKnown].map((record) => record.uncounted),
      [true, false, false],
    );
  });

  it("its mark as it is now", () => {
    const records = only(entry("new", { mark: 5 }), dumpOf({ ...counted(1, 60), mark: 7 }), first);
    assert.deepEqual(
      records.map(({ mark }) => mark),
      [7],
    );
  });

  it("who announced it, in all its records", () => {
    const master = tuple("10.0.0.1 1000", "10.0.0.2 21");
    const records = only(entry("new", { master }), first, entry("destroy", { ...started, ...counted(1, 60) }), then);
    const { source: sourceAddress, destination: destinationAddress } = master;
    const related = { protocol: 6, sourceAddress, sourcePort: 1000, destinationAddress, destinationPort: 21 };
    assert.deepEqual(
      records.map((record) => record.related),
      [related, related],
    );
  });

  it("that somebody set its counters to zero: a loss of unknown size within the window", () => {
    const steps = [entry("new"), dumpOf(counted(10, 1000)), first, dumpOf(counted(2, 200)), then];
    assert.deepEqual(only(...steps).map(totals), [resets, "12/1200 0/0"]);
    assert.deepEqual(lossesOf(...steps), [["conntrack", null, then.start, then.end]]);
  });

  it("no loss while counters only grow", () => {
    assert.deepEqual(lossesOf(entry("new"), dumpOf(counted(1, 60)), first, dumpOf(counted(1, 60)), then), []);
  });
});

describe("a dump beside events", () => {
  const dumped = entry("dump", { ...started, ...counted(2, 120) });
  const destroyed = entry("destroy", { ...started, ...counted(2, 120) });

  it("does not bring back what ended while it was read", () => {
    const under = recorder();
    under.entry(entry("new"), inWindow);
    under.beginDump();
    under.entry(destroyed, inWindow);
    under.entry(dumped, inWindow);
    under.endDump(inWindow);
    assert.deepEqual(flushed(under, first).map(counts), ["closed 2/120 0/0"]);
  });

  it("does not bring back what had ended, and was still in the table for a moment", () => {
    const under = recorder();
    under.entry(entry("new"), inWindow);
    under.entry(destroyed, inWindow);
    under.beginDump();
    under.entry({ ...dumped, status: 1 << 9 }, inWindow);
    under.endDump(inWindow);
    assert.deepEqual(flushed(under, first).map(counts), ["closed 2/120 0/0"]);
  });

  it("takes in the next life of what ended while it was read", () => {
    const under = recorder();
    under.beginDump();
    under.entry(destroyed, inWindow);
    under.entry(entry("dump", { startedAt: inWindow + 9, ...counted(1, 60) }), inWindow);
    under.endDump(inWindow);
    assert.deepEqual(flushed(under, first).map(counts), ["closed 2/120 0/0", "open 1/60 0/0"]);
  });
});

describe("what is nobody's traffic", () => {
  it("a probe of the node's own rules is not told", () => {
    const recorder = new Recorder({ epoch: 0, interfaceName: () => null });
    recorder.entry(entry("new", { original: tuple("198.18.254.1 30000", "198.18.254.2 9", { protocol: 17 }) }), 1);
    assert.deepEqual([recorder.counters.connections, recorder.counters.conntrackEvents], [0, 0]);
  });
});

describe("which connection it is", () => {
  it("two with one id are two", () => {
    const other = tuple("10.0.0.9 9", "10.0.0.2 80");
    const flushed = told([
      entry("new"),
      entry("new", { original: other }),
      entry("destroy", { ...started, ...counted(1, 60) }),
      entry("destroy", { ...started, ...counted(2, 120), original: other }),
      first,
    ]);
    assert.deepEqual(flushed.flat().map(counts), ["closed 1/60 0/0", "closed 2/120 0/0"]);
  });

  it("one id and tuple in two zones are two", () => {
    const flushed = told([entry("new"), entry("new", { zone: 7 }), first]);
    assert.deepEqual(
      flushed.flat().map(({ zone }) => zone),
      [0, 7],
    );
  });

  it("a second NEW of the same id and tuple ends the first, whose DESTROY was lost", () => {
    const dump = { dump: [entry("dump", { ...started, ...counted(3, 300) })] };
    const again = { startedAt: inWindow + 1 };
    const flushed = told([entry("new"), dump, entry("new"), entry("destroy", { ...again, ...counted(1, 60) }), first]);
    assert.deepEqual(flushed.flat().map(counts), ["closed 3/300 0/0", "closed 1/60 0/0"]);
  });

  it("a dump with another start is another connection", () => {
    const at = (startedAt: number, ...numbers: [number, number]) => ({
      dump: [entry("dump", { startedAt, ...counted(...numbers) })],
    });
    const flushed = told([at(inWindow, 3, 300), at(inWindow + 5, 1, 60), first]);
    assert.deepEqual(flushed.flat().map(counts), ["open 3/300 0/0", "open 1/60 0/0"]);
  });

  // A dump runs ahead of the events: a tuple may have ended and begun again, with the same id, while they wait to be read.
  const life = (start: number) => ({
    born: entry("new", { happenedAt: start - 3 }),
    dumped: (...numbers: Parameters<typeof counted>) => ({
      dump: [entry("dump", { startedAt: start, ...counted(...numbers) })],
    }),
    died: entry("destroy", { startedAt: start, ...counted(5, 500) }),
  });
  for (const { title, apart } of [
    { title: "long after its first life began", apart: 20_000 },
    { title: "right after its first life began", apart: 300 },
  ]) {
    const lives = [0, 1, 2, 3].map((n) => life(inWindow + n * apart));
    const [one, two, three, four] = lives as [
      (typeof lives)[0],
      (typeof lives)[0],
      (typeof lives)[0],
      (typeof lives)[0],
    ];

    it(`a tuple dumped in its second life, ${title}, is counted once in each`, () => {
      const flushed = told([one.born, two.dumped(3, 300), first, one.died, two.born, two.died, then]);
      assert.equal(
        flushed.flat().reduce((sum, { packets }) => sum + packets, 0),
        10,
      );
      assert.deepEqual(
        flushed
          .flat()
          .filter(({ state }) => state === "closed")
          .map(totals),
        ["5/500 0/0", "5/500 0/0"],
      );
    });

    it(`a tuple dumped in its fourth life, ${title}, is counted once in each`, () => {
      const between = [one.died, two.born, two.died, three.born, three.died, four.born];
      const flushed = told([one.born, four.dumped(3, 300), first, ...between, then, four.died, then]);
      assert.equal(
        flushed.flat().reduce((sum, { packets }) => sum + packets, 0),
        20,
      );
      assert.equal(flushed.flat().filter(({ state }) => state === "closed").length, 4);
    });
  }

  const dumpedAt = (startedAt: number) => ({ dump: [entry("dump", { startedAt, ...counted(1, 60) })] });
  for (const { title, offset } of [
    { title: "a microsecond before its NEW was stamped, by another processor's clock", offset: -1 },
    { title: "at the very time its NEW was stamped", offset: 0 },
    { title: "50 microseconds later, as usual", offset: 50 },
    { title: "a quarter of a second later, on a machine that had other things to do", offset: 250_000 },
  ])
    for (const { when, steps } of [
      { when: "read before the dump", steps: [entry("new", { happenedAt: inWindow }), dumpedAt(inWindow + offset)] },
      { when: "read after it", steps: [dumpedAt(inWindow + offset), entry("new", { happenedAt: inWindow })] },
    ])
      it(`one that began ${title}, ${when}, is one`, () => {
        const ended = entry("destroy", { startedAt: inWindow + offset, ...counted(2, 120) });
        const flushed = told([...steps, first, ended, then]).flat();
        assert.deepEqual(flushed.map(counts), ["open 1/60 0/0", "closed 1/60 0/0"]);
        assert.equal(new Set(flushed.map(({ startedAt }) => startedAt)).size, 1);
      });

  it("what ends with a start between those of two lives is the nearer one", () => {
    const born = (at: number) => entry("new", { happenedAt: at });
    const ended = (startedAt: number, packets: number) => entry("destroy", { startedAt, ...counted(packets, 60) });
    const flushed = told([
      ...[born(inWindow), born(inWindow + 3_000)],
      ...[ended(inWindow + 3_004, 2), ended(inWindow + 4, 1)],
      first,
    ]);
    assert.deepEqual(
      flushed.flat().map(({ startedAt, packets }) => [startedAt - inWindow, packets]),
      [
        [4, 1],
        [3_004, 2],
      ],
    );
  });

  it("what was told of its start stays, so that all its records are of one connection", () => {
    const flushed = told([
      entry("new", { happenedAt: inWindow - 9 }),
      first,
      { dump: [entry("dump", { startedAt: inWindow, ...counted(1, 60) })] },
      then,
    ]);
    assert.deepEqual(
      flushed.flat().map(({ startedAt }) => startedAt),
      [inWindow - 9, inWindow - 9],
    );
  });

  it("one that is given up and destroyed before it is told is told once", () => {
    const dump = { dump: [entry("dump", { ...started, ...counted(3, 300) })] };
    const late = entry("destroy", { ...started, ...counted(4, 400) });
    assert.deepEqual(
      told([dump, { dump: [] }, { dump: [] }, late, first])
        .flat()
        .map(counts),
      ["closed 4/400 0/0"],
    );
  });

  it("one that two dumps in a row lack is closed with what is known", () => {
    const dump = { dump: [entry("dump", { ...started, ...counted(3, 300) })] };
    const flushed = told([dump, { dump: [] }, first, { dump: [] }, then]);
    assert.deepEqual(
      flushed.map((records) => records.map(counts)),
      [["open 3/300 0/0"], ["closed 0/0 0/0"]],
    );
  });

  it("a straggling DESTROY of one that was given up tells only what is new", () => {
    const dump = { dump: [entry("dump", { ...started, ...counted(3, 300) })] };
    const late = entry("destroy", { ...started, ...counted(4, 400) });
    const flushed = told([dump, { dump: [] }, { dump: [] }, first, late, then]);
    assert.deepEqual(flushed.flat().map(counts), ["closed 3/300 0/0", "closed 1/100 0/0"]);
  });

  it("a straggling DESTROY of one that was given up and brings nothing new is not told", () => {
    const dump = { dump: [entry("dump", { ...started, ...counted(3, 300) })] };
    const late = entry("destroy", { ...started, ...counted(3, 300) });
    const flushed = told([dump, { dump: [] }, { dump: [] }, first, late, then]);
    assert.deepEqual(flushed.flat().map(counts), ["closed 3/300 0/0"]);
  });

  it("those that ended are forgotten", () => {
    const under = recorder();
    for (let id = 0; id < 10; id++) under.entry(entry("new", { id }), inWindow);
    for (let id = 0; id < 10; id++) under.entry(entry("destroy", { id }), inWindow);
    assert.equal(under.counters.connections, 0);
  });
});

describe("a connection that an earlier run told of", () => {
  const totalled = (...numbers: Parameters<typeof counted>) => entry("dump", { ...started, ...counted(...numbers) });
  const earlier = told([{ dump: [totalled(3, 300, 2, 200)] }, first]).flat()[0] as Draft;
  const later = (...steps: readonly Step[]) => {
    const under = new Recorder({ epoch: 115 * second, since: epoch, interfaceName: () => null });
    under.restore([{ cluster: "c", node: "n", epoch: 1, seq: 0, ...earlier }]);
    return story(under, steps).flat();
  };
  const secondLife = entry("dump", { startedAt: 112 * second, ...counted(1, 60) });
  const cases: readonly { title: string; steps: readonly Step[]; counts: readonly string[] }[] = [
    {
      title: "and that carried nothing since: nothing",
      steps: [{ dump: [totalled(3, 300, 2, 200)] }, then],
      counts: [],
    },
    {
      title: "what it carried since",
      steps: [{ dump: [totalled(5, 500, 2, 200)] }, then],
      counts: ["open 2/200 0/0"],
    },
    {
      title: "that ends: what it carried since",
      steps: [entry("destroy", { ...started, ...counted(4, 400, 2, 200) }), then],
      counts: ["closed 1/100 0/0"],
    },
    {
      title: "that is gone: its end, with what is known",
      steps: [{ dump: [] }, { dump: [] }, then],
      counts: ["closed 0/0 0/0"],
    },
    {
      title: "whose tuple has a second life: the end of the first, all of the second",
      steps: [{ dump: [secondLife] }, { dump: [secondLife] }, then],
      counts: ["closed 0/0 0/0", "open 1/60 0/0"],
    },
    {
      title: "whose counters were set to zero, before or after it was told of: nothing twice",
      steps: [{ dump: [totalled(2, 200, 2, 200)] }, then, { dump: [totalled(4, 400, 3, 300)] }, then],
      counts: ["open 2/200 1/100"],
    },
    {
      title: "besides one that nobody told of and that began in between: from its beginning",
      steps: [
        { dump: [totalled(3, 300, 2, 200), entry("dump", { id: 9, startedAt: 112 * second, ...counted(7, 700) })] },
        then,
      ],
      counts: ["open 7/700 0/0"],
    },
  ];
  for (const { title, steps, counts: expected } of cases)
    it(title, () => assert.deepEqual(later(...steps).map(counts), expected));

  it("is told from where its last record ended", () => {
    const [record] = later({ dump: [totalled(5, 500, 2, 200)] }, then);
    assert.deepEqual([record?.start, record?.end], [earlier.end, then.end]);
  });

  it("stands as it was told, whatever was counted since", () => {
    const under = recorder();
    story(under, [{ dump: [totalled(3, 300)] }, first, { dump: [totalled(9, 900)] }]);
    const standing = [...under.standing()];
    assert.deepEqual(standing.map(totals), ["3/300 0/0"]);
    assert.equal(standing[0]?.end, first.end);
  });
});

describe("what is told of a connection", () => {
  const only = (...steps: readonly Step[]) => told([...steps, first]).flat()[0] as Draft;

  it("the rules of its label at NEW, which DESTROY does not repeat", () => {
    const record = only(entry("new", labelled("00ab", "00cd")), entry("destroy"));
    assert.deepEqual([record.egressRule, record.ingressRule], ["00ab", "00cd"]);
  });

  it("the rules of its label in a dump, if NEW was missed", () => {
    assert.equal(only({ dump: [entry("dump", labelled("00ab"))] }).egressRule, "00ab");
  });

  it("its answer, by status or by counters", () => {
    assert.equal(only(entry("new")).replied, false);
    assert.equal(only(entry("new"), entry("update", { status: 2 })).replied, true);
    assert.equal(only(entry("new"), entry("destroy", counted(1, 60, 1, 60))).replied, true);
  });

  it("who really answers, and both translations", () => {
    const original = tuple("10.0.0.1 1000", "10.96.0.1 80");
    const reply = tuple("10.0.0.2 8080", "172.18.0.2 40000");
    const { sourceAddress, sourcePort, destinationAddress, destinationPort, nat } = only(
      entry("new", { original, reply }),
    );
    assert.deepEqual(
      [sourceAddress, sourcePort, destinationAddress, destinationPort],
      ["10.0.0.1", 1000, "10.0.0.2", 8080],
    );
    assert.deepEqual(nat, {
      destinationAddress: "10.96.0.1",
      destinationPort: 80,
      sourceAddress: "172.18.0.2",
      sourcePort: 40000,
    });
  });

  it("no translation where there is none, also for ICMP, whose answer has another type", () => {
    const original = tuple("fd00::1", "fd00::2", { protocol: 58, icmpType: 128, icmpCode: 0, icmpId: 7 });
    const reply = tuple("fd00::2", "fd00::1", { protocol: 58, icmpType: 129, icmpCode: 0, icmpId: 7 });
    const { nat, icmp, sourcePort, destinationPort } = only(entry("new", { original, reply }));
    assert.deepEqual([nat, icmp, sourcePort, destinationPort], [null, { type: 128, code: 0, id: 7 }, 0, 0]);
  });

  it("the kernel's start, and the part of the window it lived in", () => {
    const ended = entry("destroy", { startedAt: 103 * second, stoppedAt: 104 * second });
    const { startedAt, start, end } = only(entry("new"), ended);
    assert.deepEqual([startedAt, start, end], [103 * second, 103 * second, 104 * second]);
  });

  it("its beginning as its end, if it began after the window's end and before the flush", () => {
    const { start, end } = only({ dump: [entry("dump", { startedAt: first.end + 5 })] });
    assert.deepEqual([start, end], [first.end + 5, first.end + 5]);
  });

  it("the whole window, if it began before", () => {
    const [, record] = told([
      entry("new"),
      first,
      { dump: [entry("dump", { ...started, ...counted(1, 60) })] },
      then,
    ]).flat() as [Draft, Draft];
    assert.deepEqual([record.startedAt, record.start, record.end], [inWindow, then.start, then.end]);
  });
});

describe("denied packets", () => {
  const packet = (bytes = 60, sourcePort = 1000): PacketHeaders => ({
    source: tuple("10.0.0.1", "10.0.0.2").source,
    destination: tuple("10.0.0.1", "10.0.0.2").destination,
    protocol: 6,
    sourcePort,
    destinationPort: 80,
    icmp: null,
    about: null,
    bytes,
  });
  const logged = (over: Partial<LoggedPacket> = {}, bytes = 60, sourcePort = 1000): LoggedPacket => ({
    prefix: "D|E|00ab00ab00ab00ab",
    hook: 2,
    timestamp: null,
    inIndex: 2,
    outIndex: 0,
    sequence: null,
    mark: 0,
    uid: null,
    gid: null,
    packet: packet(bytes, sourcePort),
    ...over,
  });
  const denied = (...packets: readonly LoggedPacket[]) => {
    const under = recorder();
    for (const packet of packets) under.logged(packet, inWindow);
    return { records: flushed(under, first), losses: under.takeLosses(), counters: under.counters };
  };

  it("of one tuple and rule are one record with packets and bytes", () => {
    const { records } = denied(logged(), logged({}, 52));
    assert.deepEqual(records.map(counts), ["denied 2/112 0/0"]);
    assert.deepEqual(
      [records[0]?.egressRule, records[0]?.ingressRule, records[0]?.denied],
      ["00ab00ab00ab00ab", null, "egress"],
    );
    assert.deepEqual([records[0]?.inInterface, records[0]?.outInterface, records[0]?.connection], ["if2", null, null]);
  });

  it("that answer are told of the connection as it was opened, with what was sent in the other direction", () => {
    const asked = packet();
    const [answerer, asker] = [
      { source: asked.destination, sourcePort: asked.destinationPort },
      { destination: asked.source, destinationPort: asked.sourcePort },
    ];
    const answer = logged({ prefix: "R|I|revoked", packet: { ...asked, ...answerer, ...asker, bytes: 500 } });
    const { records } = denied(answer, logged({ prefix: "D|I|revoked" }), answer);
    assert.deepEqual(records.map(counts), ["denied 1/60 2/1000"]);
    const [record] = records;
    assert.deepEqual(
      [record?.sourceAddress, record?.sourcePort, record?.destinationAddress, record?.destinationPort],
      ["10.0.0.1", 1000, "10.0.0.2", 80],
    );
    assert.deepEqual([record?.denied, record?.reason, record?.replied], ["ingress", "revoked", true]);
    assert.deepEqual([record?.inInterface, record?.outInterface], [null, "if2"]);
  });

  it("tell the packet's mark and who on the node sent it", () => {
    const { records } = denied(logged({ mark: 9, uid: 1000, gid: 100 }));
    assert.deepEqual(
      records.map(({ mark, uid, gid }) => [mark, uid, gid]),
      [[9, 1000, 100]],
    );
  });

  it("of ICMP errors about different connections are others, and tell which", () => {
    const about = (destinationPort: number) => ({
      protocol: 17,
      sourceAddress: packet().destination,
      sourcePort: 1000,
      destinationAddress: packet().source,
      destinationPort,
    });
    const error = (port: number) =>
      logged({
        packet: { ...packet(), protocol: 1, icmp: { type: 3, code: 3, id: 0 }, about: about(port) },
        prefix: "D|I|invalid",
      });
    const { records } = denied(error(53), error(53), error(54));
    assert.deepEqual(
      records.map(({ packets, related }) => [packets, related]),
      [
        [2, about(53)],
        [1, about(54)],
      ],
    );
  });

  it("that are no IP are another's", () => {
    const { records, counters, losses } = denied(logged({ packet: null }));
    assert.deepEqual([records, counters.foreignPrefixes, losses], [[], 1, []]);
  });

  it("of another port, direction, rule or reason are others", () => {
    const prefixes = ["D|E|00ab00ab00ab00ab", "D|I|00ab00ab00ab00ab", "D|E|00cd00cd00cd00cd", "D|E|spoofed"];
    const { records } = denied(logged({}, 60, 7), ...prefixes.map((prefix) => logged({ prefix })));
    assert.equal(records.length, 5);
    assert.deepEqual(records.at(-1)?.reason, "spoofed");
  });

  it("begin anew with each window", () => {
    const under = recorder();
    under.logged(logged(), inWindow);
    flushed(under, first);
    assert.deepEqual(flushed(under, then), []);
  });

  it("wait for the window's end", () => {
    const under = recorder();
    under.logged(logged(), inWindow);
    assert.deepEqual([flushed(under, atOnce).length, flushed(under, first).length], [0, 1]);
  });

  it("are told from those that were passed on, staged, or logged by others, which are counted", () => {
    const { records, counters } = denied(logged({ prefix: "S|E|00ab00ab00ab00ab" }), logged({ prefix: "other: " }));
    assert.deepEqual([records.length, counters.otherVerdicts, counters.foreignPrefixes], [0, 1, 1]);
  });

  it("missing by their numbers are a loss of exactly so many", () => {
    const { losses } = denied(logged({ sequence: 4294967295 }), logged({ sequence: 0 }), logged({ sequence: 5 }));
    assert.deepEqual(
      losses.map(({ source, count }) => [source, count]),
      [["nflog", 4]],
    );
  });

  it("beyond the different ones a window keeps are a loss", () => {
    const under = recorder();
    for (let port = 0; port < 65_540; port++) under.logged(logged({}, 60, port), inWindow);
    assert.equal(flushed(under, first).length, 65_536);
    assert.deepEqual(
      under.takeLosses().map(({ source, count }) => [source, count]),
      [["queue", 4]],
    );
  });
});

describe("losses", () => {
  it("of an absence span, for connections as for denials, the window that was not told to its end", () => {
    const under = recorder();
    under.wasAway({ start: 100 * second, end: 113 * second });
    assert.deepEqual(
      under.takeLosses().map(({ source, count, start, end }) => [source, count, start, end]),
      [
        ["conntrack", null, 100 * second, 113 * second],
        ["nflog", null, 100 * second, 113 * second],
      ],
    );
  });

  it("of an overrun of events have the number that the kernel counted, and span the time since the last read", () => {
    const under = recorder();
    under.wasRead("conntrack", 101 * second);
    under.overran("conntrack", 7, 102 * second);
    const [loss] = under.takeLosses();
    assert.deepEqual([loss?.source, loss?.count, loss?.start, loss?.end], ["conntrack", 7, 101 * second, 102 * second]);
    assert.deepEqual(under.takeLosses(), []);
  });

  it("of an overrun of logged packets have none unless a gap tells it", () => {
    const under = recorder();
    under.overran("nflog", 1, inWindow);
    assert.deepEqual(
      under.takeLosses().map(({ source, count }) => [source, count]),
      [["nflog", null]],
    );
  });

  it("of messages that cannot be read are counted together", () => {
    const under = recorder();
    const error = new SluiceError("DECODE_FAILED", "conntrack: short");
    under.malformed(error, inWindow);
    under.malformed(error, inWindow + 1);
    const losses = under.takeLosses();
    assert.deepEqual(losses, [
      { source: "decode", count: 2, start: inWindow, end: inWindow + 1, detail: "conntrack: short" },
    ]);
  });
});

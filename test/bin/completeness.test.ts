import assert from "node:assert/strict";
import { completenessOf, type Minute } from "../../bin/completeness.ts";
import type { Heartbeat } from "../../core/records/heartbeat.ts";
import type { Loss } from "../../core/records/loss.ts";
import { loss } from "../support/flows.ts";
import { nothingDropped } from "../support/kernel-counts.ts";
import { sequenceRuns } from "./sequence-runs.ts";

/** A full minute, 22:13:00. */
const minute0 = 1_699_999_980_000_000;
const at = (second: number) => minute0 + second * 1_000_000;

/** Began before the time that is read. */
const epoch = minute0 / 1000 - 1_000_000;

function beat(from: number, to: number, seq: number, parts: Partial<Heartbeat> = {}): Heartbeat {
  const counts = { flows: 0, losses: 0, conntrackEvents: 0, loggedPackets: 0, decodeFailures: 0, overruns: 0 };
  const table = { dropped: 0, connections: 0, connectionsMax: 1, ...nothingDropped };
  const id = { cluster: "lab", node: "node-1", epoch, seq };
  return { ...id, start: at(from), end: at(to), ...counts, ...table, ...parts };
}

/** Heartbeats each ten seconds, numbered with nine records between two. */
function beats(from: number, to: number, parts: Partial<Heartbeat> = {}): readonly Heartbeat[] {
  const all: Heartbeat[] = [];
  for (let second = from; second < to; second += 10) all.push(beat(second, second + 10, second + 1000, parts));
  return all;
}

interface Case {
  readonly title: string;
  readonly heartbeats: readonly Heartbeat[];
  readonly losses?: readonly Loss[];
  /** Numbers that are not there. */
  readonly without?: readonly number[];
  /** What happened before this second has arrived. */
  readonly settled?: number;
  /** Of minutes 0 and 1; parts of minutes with their seconds. */
  readonly says: readonly string[];
}

const queueLoss = loss({ source: "queue", count: 3, start: at(5), end: at(9), seq: 2000, epoch: 1 });

const cases: readonly Case[] = [
  { title: "two minutes with all heartbeats and numbers", heartbeats: beats(-60, 120), says: ["complete", "complete"] },
  {
    title: "a missing heartbeat",
    heartbeats: beats(-60, 120).filter(({ start }) => start !== at(70)),
    says: ["complete", "silent 10"],
  },
  { title: "heartbeats that end", heartbeats: beats(-60, 90), says: ["complete", "silent 30"] },
  {
    title: "a heartbeat that speaks for longer",
    heartbeats: [...beats(-60, 60), beat(60, 120, 1060)],
    says: ["complete", "complete"],
  },
  {
    title: "a node that begins",
    heartbeats: [beat(73, 80, 0), ...beats(80, 120).map((one) => ({ ...one, epoch: 9 }))],
    says: ["73-120 complete"],
  },
  {
    title: "an orderly stop",
    heartbeats: [...beats(-60, 70), beat(70, 76.5, 1070)],
    says: ["complete", "60-76.5 complete", "76.5-120 stopped"],
  },
  {
    title: "an orderly stop and a new run",
    heartbeats: [...beats(-60, 10), beat(10, 12.5, 1010), ...beats(60, 120, { epoch: at(60) / 1000 })],
    says: ["0-12.5 complete", "12.5-60 stopped", "complete"],
  },
  {
    title: "a run that died and a new one that claims more than it saw",
    heartbeats: [...beats(-60, 60), ...beats(60, 120, { epoch: at(67) / 1000 })],
    says: ["complete", "silent 7"],
  },
  {
    title: "a number that is missing",
    heartbeats: beats(-60, 120),
    without: [1065],
    says: ["complete", "lost 1 (archive)"],
  },
  {
    title: "numbers that are missing in both minutes",
    heartbeats: beats(-60, 120),
    without: [1001, 1002, 1101],
    says: ["lost 2 (archive)", "lost 1 (archive)"],
  },
  {
    title: "numbers missing that a loss explains",
    heartbeats: beats(-60, 120),
    losses: [queueLoss],
    without: [1001, 1002, 1003],
    says: ["lost 3 (queue)", "complete"],
  },
  {
    title: "more missing than a loss explains",
    heartbeats: beats(-60, 120),
    losses: [queueLoss],
    without: [1001, 1002, 1003, 1004],
    says: ["lost 4 (archive queue)", "complete"],
  },
  {
    title: "a loss of unknown size",
    heartbeats: beats(-60, 120),
    losses: [loss({ source: "conntrack", start: at(3), end: at(4) })],
    says: ["lost ? (conntrack)", "complete"],
  },
  {
    title: "a loss over two minutes, counted once",
    heartbeats: beats(-60, 120),
    losses: [loss({ source: "nflog", count: 5, start: at(50), end: at(70) })],
    says: ["lost 5 (nflog)", "lost 0 (nflog)"],
  },
  {
    title: "a loss at one moment",
    heartbeats: beats(-60, 120),
    losses: [loss({ source: "decode", count: 1, start: at(60), end: at(60) })],
    says: ["complete", "lost 1 (decode)"],
  },
  {
    title: "a loss of a node without heartbeats",
    heartbeats: [],
    losses: [loss({ source: "nflog", count: 5, start: at(0), end: at(1) })],
    says: ["lost 5 (nflog)", "silent 60"],
  },
  {
    title: "a loss that began before",
    heartbeats: beats(-60, 120),
    losses: [loss({ source: "nflog", count: 5, start: at(-5), end: at(5) })],
    says: ["lost 5 (nflog)", "complete"],
  },
  {
    title: "a node that runs, up to the settled moment",
    heartbeats: beats(-60, 80),
    settled: 75,
    says: ["complete", "60-75 complete"],
  },
  {
    title: "a short run that ended in good order just now, up to its end",
    heartbeats: [beat(91, 100, 0, { epoch: at(91) / 1000 }), beat(100, 118.5, 9, { epoch: at(91) / 1000 })],
    settled: 85,
    says: ["91-118.5 complete"],
  },
  {
    title: "a run that ended just now, and its records are on their way",
    heartbeats: [...beats(-60, 100), beat(100, 118.5, 1100)],
    without: [1099],
    settled: 85,
    says: ["complete", "60-85 complete"],
  },
  {
    title: "the same, long after",
    heartbeats: [...beats(-60, 100), beat(100, 118.5, 1100)],
    without: [1099],
    says: ["complete", "60-118.5 lost 1 (archive)", "118.5-120 stopped"],
  },
  {
    title: "numbers missing at the begin of an epoch",
    heartbeats: [beat(73, 80, 4, { epoch: at(73) / 1000 }), beat(80, 120, 9, { epoch: at(73) / 1000 })],
    without: [0, 1],
    says: ["73-120 lost 2 (archive)"],
  },
  { title: "a node of which nothing is settled", heartbeats: beats(70, 90, { epoch }), settled: 65, says: [] },
  { title: "nobody", heartbeats: [], says: [] },
];

function words(minute: Minute): string {
  const [from, to] = [minute.start, minute.end].map((us) => (us - minute0) / 1_000_000) as [number, number];
  return from % 60 === 0 && to - from === 60 ? stateWords(minute) : `${from}-${to} ${stateWords(minute)}`;
}

function stateWords({ state, lost, where, silentSeconds }: Minute): string {
  if (state === "lost") return `lost ${lost ?? "?"} (${where.join(" ")})`;
  return state === "silent" ? `silent ${silentSeconds}` : state;
}

describe("bin/completeness", () => {
  for (const { title, heartbeats, losses = [], without = [], settled = 120, says } of cases)
    it(`${title}: ${says.join(", ") || "nothing"}`, () => {
      const records = heartbeats.flatMap(({ node, epoch }) =>
        Array.from({ length: 1200 }, (_, seq) => ({ node, epoch, seq })),
      );
      const runs = sequenceRuns(records.filter(({ seq }) => !without.includes(seq)));
      const evidence = { since: at(-3600), heartbeats, losses, runs };
      const minutes = completenessOf(evidence, { since: at(0), until: at(120), settled: at(settled) });
      assert.deepEqual(minutes.map(words), says);
    });

  it("makes runs of numbers in any order, doubled ones too", () => {
    const records = [3, 1, 2, 2, 7, 5, 6].map((seq) => ({ node: "n", epoch: 1, seq }));
    const runs = sequenceRuns(records).map(({ first, last }) => [first, last]);
    assert.deepEqual(runs, [
      [1, 3],
      [5, 7],
    ]);
  });
});

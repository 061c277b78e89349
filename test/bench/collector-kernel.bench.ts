// The collector against a real kernel, and against its peers. Run: npm run bench -- collector (as root; --quick for shorter loads)
//
// Method. A generator in a network namespace opens TCP connections with raw packets and resets each at once: a NEW with the verdict of
// two rules in its label, and a DESTROY. Every twentieth goes to a port that is denied and logged, twice. Generator, collector and
// kernel share the machine's cores, and other work may run beside them, so rates of one run say little: what counts is loss, and
// ratios of CPU time. The collector runs in this process, in windows as said, with a spool on a real file system (fsync each second)
// whose batches are acked as they come; CPU time is that of all threads of the process (process.cpuUsage), its part in the kernel
// included. An event is a message of conntrack's or a logged packet.
// "peers": after a warm-up of 60,000 connections, the same load for ulogd2 (NFCT and NFLOG, a JSON line per event into files, with its own buffers enlarged), `conntrack -E -o
// extended` (NEW and DESTROY only, lines thrown away) and the collector, three times in turn, the middle of each; CPU time of the peer's
// process (schedstat). "with objects": the collector's batches are also decoded on the main thread, as sinks in the same process do.
// "80,000": new connections each second for 30 s. "double": as many as the generator can make beside the collector, at a bound of twice
// what is read then; every connection must be told, and what the kernel had no room for must be in loss records.
// "live": 250,000 UDP connections that live on; memory is the resident set of this process beyond what it was before, the survey is the
// reading of the whole table at a window's end with all that is told of it, a stall is the longest time without reading in its window.
// "latency": from the time the kernel gives for a connection's end to when the batch with its record, which is in the spool by
// then, is read, at 1 s windows and 2,000 connections a second.
// ulogd2 is taken from /usr, or from the folder in SLUICE_ULOGD; without it that row is left out. Exit code 1: a limit is not kept.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { Collector } from "../../collectors/collector.ts";
import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import type { Source } from "../../core/pipeline.ts";
import type { RawFlow } from "../../core/records/flow.ts";
import type { Loss } from "../../core/records/loss.ts";
import { type Load, LoadLab } from "./load-lab.ts";
import { conntrack, hasUlogd, type Made, ulogd } from "./peers.ts";

const quick = process.argv.includes("--quick");
/** Parts named on the command line; all if none is. */
const chosen = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const seconds = quick ? 5 : 30;
const limits = { ratio: 6, liveMiB: 300, surveyMs: 2_000, stallMs: 50, latencyMs: 1_500 };
const peersLoad = { perSecond: 40_000, count: quick ? 100_000 : 400_000, denied: 5 };
const warmUp = 60_000;
let failed = false;

function row(what: string, reached: string, kept = true): void {
  console.log(`${what.padEnd(58)} ${reached}${kept ? "" : "   NOT REACHED"}`);
  failed ||= !kept;
}

const number = (value: number) => Math.round(value).toLocaleString("en");

/** What a run of the collector told; flows only if they were asked for. */
interface Run {
  readonly collector: Collector;
  readonly flows: RawFlow[];
  readonly losses: Loss[];
  /** When each flow was read, microseconds. */
  readonly readAt: number[];
  stop(): Promise<void>;
}

async function start(lab: LoadLab, windowMs: number, objects: boolean): Promise<Run> {
  const folder = mkdtempSync(`${tmpdir()}/sluice-bench-`);
  const collector = new Collector({
    ...{ node: "n", cluster: "c", namespacePath: lab.path, windowMs, ensureConntrack: false, log: silentLog },
    receiveBufferBytes: 64 * 1024 * 1024,
    spool: { folder, maxBytes: 1 << 30, maxAgeMs: 86_400_000, syncMs: 1_000 },
  });
  const stopping = new AbortController();
  const [flows, losses, readAt]: [RawFlow[], Loss[], number[]] = [[], [], []];
  const read = async <T>(source: Source<T>, take: (items: () => readonly T[]) => void) => {
    for await (const delivery of source.open(new AbortController().signal)) {
      take(() => delivery.items);
      await delivery.ack();
    }
  };
  const all = Promise.all([
    collector.run(stopping.signal),
    read(collector.flows, (items) => {
      if (!objects) return;
      const now = systemClock.now() * 1000;
      for (const flow of items()) {
        flows.push(flow);
        readAt.push(now);
      }
    }),
    read(collector.losses, (items) => void losses.push(...items())),
    read(collector.heartbeats, () => {}),
    read(collector.dns, () => {}),
  ]);
  await Promise.race([collector.ready, all]);
  const stop = async () => {
    stopping.abort();
    await all;
    rmSync(folder, { recursive: true });
  };
  return { collector, flows, losses, readAt, stop };
}

/** Events of a load, as the kernel makes them: a denied connection is two logged packets. */
const eventsOf = ({ opened }: Load) => 2 * opened;

async function sluice(lab: LoadLab, objects: boolean): Promise<Made> {
  const run = await start(lab, 15_000, objects);
  await lab.load(peersLoad.perSecond, warmUp, peersLoad.denied);
  const before = process.cpuUsage();
  const load = await lab.load(peersLoad.perSecond, peersLoad.count, peersLoad.denied);
  await systemClock.sleep(500); // for what is in the kernel's buffer and the spool's next flush; its cost counts
  const { user, system } = process.cpuUsage(before);
  await run.stop();
  return { load, cpuSeconds: (user + system) / 1e6, lost: lostIn(run.losses) };
}

const lostIn = (losses: readonly Loss[]) => losses.reduce((sum, { count }) => sum + (count ?? 0), 0);

const middle = (all: readonly number[]) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)] as number;

async function peers(lab: LoadLab): Promise<void> {
  const programs: readonly (readonly [string, () => Promise<Made>])[] = [
    ...(hasUlogd ? [["ulogd2, NFCT and NFLOG to JSON", () => ulogd(lab, peersLoad)] as const] : []),
    ["conntrack -E -o extended", () => conntrack(lab, { ...peersLoad, denied: 0 })],
    ["Sluice, kernel to spool, acked", () => sluice(lab, false)],
    ["Sluice, the same with objects", () => sluice(lab, true)],
  ];
  const rates = programs.map((): number[] => []);
  const lost = programs.map(() => 0);
  for (let round = 0; round < 3; round++)
    for (const [index, [, make]] of programs.entries()) {
      const made = await make();
      rates[index]?.push((eventsOf(made.load) - made.lost) / made.cpuSeconds);
      lost[index] = (lost[index] ?? 0) + made.lost;
    }
  const rateOf = (name: string) => middle(rates[programs.findIndex(([each]) => each.startsWith(name))] ?? []);
  for (const [index, [name]] of programs.entries())
    row(
      `peers: ${name}`,
      `${number(middle(rates[index] ?? []))} events per core-second, ${number(lost[index] ?? 0)} lost`,
    );
  const ours = rateOf("Sluice, kernel");
  if (hasUlogd) {
    const ratio = ours / rateOf("ulogd2");
    row("peers: Sluice against ulogd2", `x ${ratio.toFixed(1)} (limit ${limits.ratio})`, ratio >= limits.ratio);
  } else row("peers: ulogd2", "is not there: left out");
  const against = ours / rateOf("conntrack");
  row("peers: Sluice against conntrack -E", `x ${against.toFixed(1)} (limit 1)`, against > 1);
}

async function steady(lab: LoadLab): Promise<void> {
  const run = await start(lab, 15_000, false);
  const load = await lab.load(80_000, 80_000 * seconds);
  await systemClock.sleep(1_000);
  await run.stop();
  const { conntrackEvents = 0, stallMs = 0 } = run.collector.counters ?? {};
  const rate = number(load.opened / load.seconds);
  const lost = 2 * load.opened - conntrackEvents;
  row("80,000: new connections a second, as the machine made them", `${rate}, for ${load.seconds.toFixed(0)} s`);
  row("80,000: events lost", `${number(lost)} of ${number(2 * load.opened)} (limit 0)`, lost === 0);
  row("80,000: longest time without reading, last window", `${number(stallMs)} ms`);
}

async function double(lab: LoadLab): Promise<void> {
  const run = await start(lab, 15_000, true);
  const load = await lab.load(1_000_000, quick ? 300_000 : 1_000_000);
  await systemClock.sleep(5_000); // ends that found no room are told again
  await run.stop();
  const told = new Set(run.flows.map((flow) => `${flow.sourcePort} ${flow.destinationPort}`)).size;
  const packets = run.flows.reduce((sum, flow) => sum + flow.packets, 0);
  const rate = number(load.opened / load.seconds);
  row("double: connections opened, as fast as that went", `${number(load.opened)}, ${rate} a second`);
  row("double: connections told", `${number(told)} (limit: all)`, told === load.opened);
  row("double: their packets", `${number(packets)} (limit: 2 each)`, packets === 2 * load.opened);
  row("double: events without room, in loss records", number(lostIn(run.losses)));
}

async function live(lab: LoadLab): Promise<void> {
  lab.run(["sysctl", "-qw", "net.netfilter.nf_conntrack_udp_timeout=300"]);
  const max = Number(lab.run(["cat", "/proc/sys/net/netfilter/nf_conntrack_max"]));
  const count = Math.min(250_000, max - 2_000);
  const before = process.memoryUsage.rss();
  const run = await start(lab, 5_000, false);
  await lab.load(80_000, count, 0, "udp");
  // Counters come with each survey, and say how long the one before took: the third is of all connections.
  for (let surveys = 0, last: unknown; surveys < 4; ) {
    await systemClock.sleep(200);
    if (run.collector.counters !== last) surveys++;
    last = run.collector.counters;
  }
  const mib = (process.memoryUsage.rss() - before) / 2 ** 20;
  const { surveyMs = 0, stallMs = 0, connections = 0 } = run.collector.counters ?? {};
  await run.stop();
  lab.run(["conntrack", "-F"]);
  row("live: connections followed", number(connections), connections >= count);
  row("live: memory", `${number(mib)} MiB (limit ${limits.liveMiB})`, mib <= limits.liveMiB);
  row("live: survey of all", `${number(surveyMs)} ms (limit ${number(limits.surveyMs)})`, surveyMs <= limits.surveyMs);
  row("live: longest stall meanwhile", `${number(stallMs)} ms (limit ${limits.stallMs})`, stallMs <= limits.stallMs);
}

async function latency(lab: LoadLab): Promise<void> {
  const run = await start(lab, 1_000, true);
  await lab.load(2_000, 20_000);
  await systemClock.sleep(1_500);
  await run.stop();
  const closed = run.flows.flatMap(({ state, end }, index) =>
    state === "closed" ? [((run.readAt[index] as number) - end) / 1000] : [],
  );
  closed.sort((a, b) => a - b);
  const at = (share: number) => closed[Math.floor(share * (closed.length - 1))] ?? Number.NaN;
  row("latency: event to record, middle", `${number(at(0.5))} ms`);
  row("latency: event to record, 99 of 100", `${number(at(0.99))} ms (limit 1,500)`, at(0.99) <= limits.latencyMs);
}

async function main(): Promise<void> {
  if (process.getuid?.() !== 0) {
    console.log("the kernel's part needs root: left out");
    return;
  }
  const lab = new LoadLab();
  lab.up();
  try {
    const parts = { peers, latency, steady, double, live };
    for (const [name, part] of Object.entries(parts)) if (chosen.length === 0 || chosen.includes(name)) await part(lab);
  } finally {
    lab.down();
  }
  process.exitCode = failed ? 1 : 0;
}

await main();

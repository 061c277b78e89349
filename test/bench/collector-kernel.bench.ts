// The collector against a real kernel, and against its peers. Run: npm run bench -- collector (as root; --quick for shorter loads)
//
// Method. A generator in a network namespace opens TCP connections with raw packets and resets each at once: a NEW with the verdict of
// two rules in its label, and a DESTROY. Every twentieth goes to a port that is denied and logged, twice. Generator, collector and
// kernel share the machine's cores, and other work may run beside them, so rates of one run say little: what counts is loss, and
// ratios of CPU time. The collector runs in this process, in windows as said, with a spool on a real file system (fsync each second)
// whose batches are acked as they come; CPU time is that of all threads of the process (process.cpuUsage), its part in the kernel
// included. An event is a message of conntrack's or a logged packet.
// "peers": after a warm-up of 120,000 connections, the same load for ulogd2 (NFCT and NFLOG, a JSON line per event into files, with its own buffers enlarged), `conntrack -E -o
// extended` (NEW and DESTROY only, lines thrown away) and the collector, three times in turn, the middle of each; CPU time of the peer's
// process (schedstat). "with objects": the collector's batches are also decoded on the main thread, as sinks in the same process do.
// "80,000": new connections each second for 30 s. "overload": as many as two generators can make, which have both cores, while the collector's
// thread gets some hundredth of one. First with the kernel keeping ends until they are heard (fewer connections than its table has room for): every
// connection must be told once, with both packets, and those without their beginning must be as many as beginnings were not read. Then with
// a table so full that ends are told once: events that were read, and those in loss records, must be two each, exactly.
// "live": 250,000 UDP connections that live on; memory is the resident set of this process beyond what it was before, the survey is the
// reading of the whole table at a window's end with all that is told of it, a stall is the longest time without reading in its window.
// "latency": from the time the kernel gives for a connection's end to when the batch with its record, which is in the spool by
// then, is read, at 1 s windows and 2,000 connections a second.
// ulogd2 is taken from /usr, or from the folder in SLUICE_ULOGD; without it that row is left out. Exit code 1: a limit is not kept.

import { systemClock } from "../../core/clock.ts";
import { type Load, LoadLab } from "./load-lab.ts";
import { lostIn, start } from "./measured-collector.ts";
import { conntrack, hasUlogd, type Made, ulogd } from "./peers.ts";

const quick = process.argv.includes("--quick");
/** Parts named on the command line; all if none is. */
const chosen = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const seconds = quick ? 5 : 30;
const limits = { ratio: 6, liveMiB: 300, surveyMs: 2_000, stallMs: 50, latencyMs: 1_500 };
const peersLoad = { perSecond: 40_000, count: quick ? 100_000 : 300_000, denied: 5 };
const warmUp = 120_000;
const overloaded = quick ? 300_000 : 1_000_000;
/** Beside a generator on its core, what has so much less priority gets some hundredth of it (sched(7): a factor of 1.25 each). */
const nicer = 19;
let failed = false;

function row(what: string, reached: string, kept = true): void {
  console.log(`${what.padEnd(58)} ${reached}${kept ? "" : "   NOT REACHED"}`);
  failed ||= !kept;
}

const number = (value: number) => Math.round(value).toLocaleString("en");

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

/** As fast as two generators go, on a collector that gets a part of a core. */
async function overload(lab: LoadLab): Promise<void> {
  row("overload: nf_conntrack_max", number(tableSize(lab)));
  await endsThatAreKept(lab);
  await endsThatAreNot(lab);
}

const flood = (lab: LoadLab, count: number) => lab.load(1_000_000, count, 0, "tcp", 2);

/** The kernel keeps ends until they are heard: every connection is told, though most beginnings are lost. */
async function endsThatAreKept(lab: LoadLab): Promise<void> {
  const run = await start(lab, 60_000, true, nicer);
  const load = await flood(lab, Math.min(overloaded, Math.floor(tableSize(lab) * 0.6)));
  const told = () => new Set(run.flows.map((flow) => `${flow.sourcePort} ${flow.destinationPort}`)).size;
  const meanwhile = run.collector.counters?.conntrackEvents ?? 0;
  for (let left = 60; told() < load.opened && left > 0; left--) await systemClock.sleep(500);
  await run.stop();
  const packets = run.flows.reduce((sum, flow) => sum + flow.packets, 0);
  const unruled = run.flows.filter(({ egressRule }) => egressRule === null).length;
  const unread = 2 * load.opened - (run.collector.counters?.conntrackEvents ?? 0);
  row("overload: connections opened", `${number(load.opened)}, ${number(load.opened / load.seconds)} a second`);
  row("overload: connections told, each once", `${number(told())} (limit: all)`, told() === load.opened);
  row(
    "overload: records; packets in them",
    `${number(run.flows.length)}; ${number(packets)}`,
    packets === 2 * load.opened,
  );
  row(
    "overload: told without their beginning; beginnings unread",
    `${number(unruled)}; ${number(unread)}`,
    unruled === unread,
  );
  row("overload: events without room, in loss records", number(lostIn(run.losses)), lostIn(run.losses) >= unread);
  if (meanwhile > 0) row("overload: events read by the end of the load", number(meanwhile));
}

/** Its table is nearly full, so it tells once: what was read and what is in loss records are what it told. */
async function endsThatAreNot(lab: LoadLab): Promise<void> {
  lab.run(["sysctl", "-qw", "net.netfilter.nf_conntrack_udp_timeout=300"]);
  await lab.load(80_000, Math.ceil(tableSize(lab) * 0.92), 0, "udp");
  const run = await start(lab, 60_000, true, nicer);
  const load = await flood(lab, overloaded);
  await systemClock.sleep(2_000);
  await run.stop();
  lab.run(["conntrack", "-F"]);
  const read = run.collector.counters?.conntrackEvents ?? 0;
  const sum = read + lostIn(run.losses.filter(({ source }) => source === "conntrack"));
  row(
    "overload, table full: connections opened",
    `${number(load.opened)}, ${number(load.opened / load.seconds)} a second`,
  );
  row("overload, table full: events read", number(read));
  row("overload, table full: with those in loss records", `${number(sum)} (limit: 2 each)`, sum === 2 * load.opened);
}

const tableSize = (lab: LoadLab) => Number(lab.run(["cat", "/proc/sys/net/netfilter/nf_conntrack_max"]));

async function live(lab: LoadLab): Promise<void> {
  lab.run(["sysctl", "-qw", "net.netfilter.nf_conntrack_udp_timeout=300"]);
  const count = Math.min(250_000, tableSize(lab) - 2_000);
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
    const parts = { peers, latency, steady, overload, live };
    for (const [name, part] of Object.entries(parts)) if (chosen.length === 0 || chosen.includes(name)) await part(lab);
  } finally {
    lab.down();
  }
  process.exitCode = failed ? 1 : 0;
}

await main();

// How many conntrack events one core turns into records. Run by hand: node test/bench/collector.bench.ts
//
// Method. In memory: captured NEW (with a label) and DESTROY messages of a TCP connection over IPv4, given other ids,
// ports and addresses, 400,000 events in slots as recvmmsg leaves them; after a warm-up the middle of five rounds, in
// CPU time of this process (process.cpuUsage, user and system). "decode" makes entries; "record" also correlates them
// and makes the numbered records of 1 s windows with 10,000 connections each.
// With the kernel (root): 60,000 UDP connections from one namespace through a router to another, collected by a Collector
// in windows of 1 s until all are told; CPU time of the whole process with its worker, main thread and structured clone.

import { Collector } from "../../collectors/collector.ts";
import { Recorder } from "../../collectors/recorder.ts";
import { EntryDecoder } from "../../core/conntrack/entry.ts";
import { silentLog } from "../../core/log.ts";
import type { Source } from "../../core/pipeline.ts";
import { RouterLab } from "../collectors/router-lab.ts";
import { capturedConntrack } from "../core/conntrack/captured-conntrack.ts";

const slotBytes = 1024;
const connections = 200_000;
const connectionsPerWindow = 10_000;
const header = 16;

/** A NEW and a DESTROY of each connection, window by window. */
function events(): { readonly bytes: Buffer; readonly lengths: readonly number[] } {
  const templates = [capturedConntrack.tcpNewDnat, capturedConntrack.tcpDestroyDnat].map((hex) =>
    Buffer.from(hex, "hex"),
  );
  const bytes = Buffer.alloc(2 * connections * slotBytes);
  const lengths: number[] = [];
  for (let window = 0; window < connections / connectionsPerWindow; window++)
    for (const template of templates)
      for (let n = 0; n < connectionsPerWindow; n++) {
        const at = lengths.length * slotBytes;
        template.copy(bytes, at);
        vary(bytes.subarray(at, at + template.length), window * connectionsPerWindow + n);
        lengths.push(template.length);
      }
  return { bytes, lengths };
}

/** Another id, client address (of 250) and client port. Offsets are those of the captured messages. */
function vary(message: Buffer, n: number): void {
  const id = message.indexOf(Buffer.from("08000c00", "hex")) + 4;
  message.writeUInt32BE(n, id);
  for (let at = message.indexOf("0a630102", 0, "hex"); at >= 0; at = message.indexOf("0a630102", at + 4, "hex"))
    message.writeUInt8(n % 250, at + 3);
  for (let at = message.indexOf("c8c0", 0, "hex"); at >= 0 && at < 150; at = message.indexOf("c8c0", at + 2, "hex"))
    message.writeUInt16BE(1024 + (n % 60_000), at);
}

function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function middleOfFive(work: () => void): number {
  const rounds = Array.from({ length: 6 }, () => cpuSeconds(work)).slice(1);
  return rounds.sort((a, b) => a - b)[2] as number;
}

function report(what: string, count: number, seconds: number): void {
  console.log(`${what.padEnd(34)} ${Math.round(count / seconds).toLocaleString("en")} events per core-second`);
}

function inMemory(): void {
  const { bytes, lengths } = events();
  const decoder = new EntryDecoder(bytes);
  const each = (take: (entry: ReturnType<EntryDecoder["decode"]>, index: number) => void) => {
    for (let index = 0; index < lengths.length; index++) {
      const at = index * slotBytes;
      const create = bytes.readUInt16LE(at + 6);
      take(decoder.decode(bytes.readUInt16LE(at + 4), create, at + header, at + (lengths[index] as number)), index);
    }
  };
  let sum = 0;
  report(
    "decode",
    lengths.length,
    middleOfFive(() => each((entry) => (sum += entry.id))),
  );
  const record = () => {
    const recorder = new Recorder({ epoch: 0, interfaceName: () => null });
    each((entry, index) => {
      recorder.entry(entry, index);
      if (index % (2 * connectionsPerWindow) === 2 * connectionsPerWindow - 1)
        sum += recorder.flush({ start: 0, end: index, whole: true }).length;
    });
  };
  report("decode, correlate, record", lengths.length, middleOfFive(record));
  if (sum === 0) console.log("nothing was done");
}

async function withTheKernel(): Promise<void> {
  const lab = new RouterLab();
  lab.up();
  try {
    lab.nft("table inet t { chain f { type filter hook forward priority 0; ct state new ct label set 5 accept; }; }");
    await collected(lab);
  } finally {
    lab.down();
  }
}

async function read<T>(source: Source<T>): Promise<void> {
  for await (const { ack } of source.open(new AbortController().signal)) await ack();
}

async function collected(lab: RouterLab): Promise<void> {
  const total = 60_000;
  const collector = new Collector({
    node: "n",
    cluster: "c",
    namespacePath: lab.routerPath,
    windowMs: 1000,
    log: silentLog,
  });
  const stop = new AbortController();
  const running = collector.run(stop.signal);
  await collector.ready;
  const before = process.cpuUsage();
  const sent = lab.traffic("a", "scan", "10.99.2.2", 1024, total);
  void read(collector.losses);
  void read(collector.heartbeats);
  let told = 0;
  for await (const { items, ack } of collector.flows.open(new AbortController().signal)) {
    told += items.length;
    await ack();
    if (told >= total) stop.abort();
  }
  await Promise.all([sent, running]);
  const { user, system } = process.cpuUsage(before);
  const { conntrackEvents = 0, overruns = 0 } = collector.counters ?? {};
  report("from the kernel to main's records", conntrackEvents, (user + system) / 1e6);
  console.log(`  ${told} records of ${conntrackEvents} events, ${overruns} overruns, windows and dumps included`);
}

inMemory();
if (process.getuid?.() === 0) await withTheKernel();
else console.log("the kernel's part needs root: left out");

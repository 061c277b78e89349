// How many conntrack events one core turns into records, in memory. Run: npm run bench -- collector
//
// Method. In memory: captured NEW (with a label) and DESTROY messages of a TCP connection over IPv4, given other ids,
// ports and addresses, 400,000 events in slots as recvmmsg leaves them; after a warm-up the middle of five rounds, in
// CPU time of this process (process.cpuUsage, user and system). "decode" makes entries;
// "record" also correlates them and makes the drafts of 1 s windows with 10,000 connections each. "usual, decode" and "usual, record"
// are the same by way of FastMessage and FastConnections, into frames of the spool. With the kernel: collector-kernel.bench.ts.

import { FastMessage } from "../../collectors/conntrack/fast-message.ts";
import { Recorder } from "../../collectors/recorder.ts";
import { FrameWriter } from "../../collectors/spool/record-frames.ts";
import { EntryDecoder } from "../../core/conntrack/entry.ts";
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
  usual(bytes, lengths);
  if (sum === 0) console.log("nothing was done");
}

function usual(bytes: Buffer, lengths: readonly number[]): void {
  const message = new FastMessage(bytes);
  const each = (take: (index: number) => void) => {
    for (let index = 0; index < lengths.length; index++) {
      const at = index * slotBytes;
      const [type, flags] = [bytes.readUInt16LE(at + 4), bytes.readUInt16LE(at + 6)];
      if (!message.read(type, flags, at + header, at + (lengths[index] as number))) throw new Error("is not usual");
      take(index);
    }
  };
  report(
    "usual, decode",
    lengths.length,
    middleOfFive(() => each(() => {})),
  );
  const frames = new FrameWriter(1 << 20);
  const record = () => {
    const recorder = new Recorder({ epoch: 0, interfaceName: () => null });
    each((index) => {
      recorder.message(message, index);
      if (index % (2 * connectionsPerWindow) !== 2 * connectionsPerWindow - 1) return;
      recorder.usual.takeClosed(connectionsPerWindow, (slot) => {
        if (!frames.hasRoom) frames.reset();
        frames.slot(recorder.usual.slots, slot, { start: 0, end: index }, slot);
      });
    });
  };
  report("usual, record", lengths.length, middleOfFive(record));
}

inMemory();

// How many raw flows one core appends to the spool. Run by hand: node test/bench/spool.bench.ts
//
// Method. 400,000 flows (250 IPv4 clients to 40 servers, one in ten by a Service with NAT, one in twenty IPv6, two in three
// with a rule, one in ten denied with interfaces), made beforehand, appended in batches of 500 to a spool on a real file
// system (a folder in the temporary directory), with tend() after each batch as the collector does and fsync each second.
// After a warm-up the middle of five rounds, each with a folder of its own, in CPU time of this process (process.cpuUsage,
// user and system). Beside it the same flows through the Avro codec into one file, and reading the spool back.
// Ends with code 1 if appending is below its limit.
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { Spool } from "../../collectors/spool/spool.ts";
import { parseAddress } from "../../core/address.ts";
import { systemClock } from "../../core/clock.ts";
import { flowCodec } from "../../core/records/codec.ts";
import { type RawFlow, unenriched, unremarkable } from "../../core/records/flow.ts";
import { parseRuleId } from "../../core/rule-id.ts";

const total = 400_000;
const batchRecords = 500;
const limit = 500_000;

function flowOf(seq: number): RawFlow {
  const six = seq % 20 === 0;
  const denied = seq % 10 === 3;
  const address = (four: string, host: number) => parseAddress(six ? `fd00::${host.toString(16)}` : `${four}.${host}`);
  const [source, destination] = [address("10.1.0", 1 + (seq % 250)), address("10.2.0", 1 + (seq % 40))];
  const start = 1_790_000_000_000_000 + seq * 7;
  const bytes = 60 + ((seq * 7919) % 90_000);
  return {
    ...{ cluster: "bench", node: "node-1", epoch: 1_790_000_000_000, seq, start, end: start + 900_000 },
    ...{
      startedAt: start,
      state: denied ? "denied" : "closed",
      connection: denied ? null : (seq * 2_654_435_761) >>> 0,
    },
    ...{ zone: 0, protocol: 6, sourceAddress: source, sourcePort: 1024 + (seq % 60_000), icmp: null },
    ...{ destinationAddress: destination, destinationPort: 8080 },
    nat:
      seq % 10 === 1 && !six
        ? {
            destinationAddress: parseAddress("10.96.0.7"),
            destinationPort: 80,
            sourceAddress: source,
            sourcePort: 2000,
          }
        : null,
    ...{ packets: 5, bytes, replyPackets: 4, replyBytes: bytes * 2 },
    ...{ totalPackets: 5, totalBytes: bytes, totalReplyPackets: 4, totalReplyBytes: bytes * 2, replied: !denied },
    ...unremarkable,
    ...{
      denied: denied ? "ingress" : null,
      reason: null,
      egressRule: seq % 3 > 0 ? parseRuleId("00ab00ab00ab00ab") : null,
    },
    ...{ ingressRule: seq % 3 > 0 ? parseRuleId("00cd00cd00cd00cd") : null },
    ...{ inInterface: denied ? "slp0a1b2c" : null, outInterface: denied ? "eth0" : null },
  };
}

const flows = Array.from({ length: total }, (_, seq) => flowOf(seq));

function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function middleOfFive(round: () => number): number {
  const rounds = Array.from({ length: 6 }, round).slice(1);
  return rounds.sort((a, b) => a - b)[2] as number;
}

function opened(folder: string): Spool {
  return Spool.open({
    ...{ folder, cluster: "bench", node: "node-1", maxBytes: 1 << 30, maxAgeMs: 86_400_000, syncMs: 1000 },
    clock: systemClock,
    onLoss: (count) => console.log(`lost ${count}`),
    onTrouble: (trouble) => console.log(trouble),
  });
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(`${tmpdir()}/sluice-bench-`);
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

let bytesEach = 0;

function append(folder: string): void {
  const spool = opened(folder);
  for (let at = 0; at < total; at += batchRecords) {
    spool.append({ flows: flows.slice(at, at + batchRecords), losses: [], heartbeats: [] });
    spool.tend();
    if (spool.standingDue) spool.saveStanding([]);
  }
  spool.close([]);
  bytesEach = spool.bytes / total;
}

function readBack(folder: string): void {
  const spool = opened(folder);
  let count = 0;
  let after = { epoch: 0, seq: -1 };
  for (let read = spool.read(after, 2_000); read !== undefined; read = spool.read(after, 2_000)) {
    count += read.batch.flows.length;
    after = read.last;
  }
  if (count !== total) throw new Error(`read ${count} of ${total}`);
}

function avro(folder: string): void {
  const codec = flowCodec();
  const fd = openSync(`${folder}/flows.avro`, "w");
  for (let at = 0; at < total; at += batchRecords)
    writeSync(
      fd,
      Buffer.concat(flows.slice(at, at + batchRecords).map((flow) => codec.encode({ ...flow, ...unenriched }))),
    );
  closeSync(fd);
}

function report(what: string, seconds: number): number {
  const each = Math.round(total / seconds);
  console.log(`${what.padEnd(34)} ${each.toLocaleString("en")} flows per core-second`);
  return each;
}

const appended = report(
  "append to the spool",
  middleOfFive(() => inFolder((folder) => cpuSeconds(() => append(folder)))),
);
console.log(`  ${Math.round(bytesEach)} bytes a flow; limit ${limit.toLocaleString("en")}`);
report(
  "open the spool and read it back",
  middleOfFive(() =>
    inFolder((folder) => {
      append(folder);
      return cpuSeconds(() => readBack(folder));
    }),
  ),
);
report(
  "the same by Avro into one file",
  middleOfFive(() => inFolder((folder) => cpuSeconds(() => avro(folder)))),
);
if (appended < limit) {
  console.log("below its limit");
  process.exitCode = 1;
}

import { parseArgs } from "node:util";
import { DnsObserver } from "../../collectors/dns/observer.ts";
import type { LoggedPacket } from "../../collectors/nflog/message.ts";
import { decodePacket } from "../../collectors/nflog/packet.ts";
import { systemClock } from "../../core/clock.ts";
import { SluiceError } from "../../core/errors.ts";
import { dnsCodec } from "../../core/records/codec.ts";
import { unenrichedDns } from "../../core/records/dns.ts";
import { encodeMessage, fourBytes, responseFlags } from "../support/dns-message.ts";
import { randomFrom } from "../support/random.ts";

// npm run fuzz -- dns [--minutes N] [--seed N]: packets of DNS with bytes changed, cut, doubled and put in each other's place.

const batch = 5_000;
const progressMs = 10_000;
/** A packet that takes longer is an attack that works: so long does a thousand of usual ones take. */
const mostMs = 100;
const codec = dnsCodec();

const question = { name: "a-name.of-some.length.example.com", type: 1 };
const chain = Array.from({ length: 6 }, (_, i) => ({
  name: `n${i}.example.com`,
  type: 5,
  data: `n${i + 1}.example.com`,
}));
const messages = [
  encodeMessage({ id: 7, question }),
  encodeMessage({ id: 7, question, flags: responseFlags, answers: [{ ...question, data: fourBytes("203.0.113.7") }] }),
  encodeMessage({
    ...{ id: 8, question: { name: "n0.example.com", type: 1 }, flags: responseFlags },
    answers: [...chain, { name: "n6.example.com", type: 1, data: fourBytes("203.0.113.8") }],
  }),
  encodeMessage({
    ...{ id: 9, question: { name: "_https._tcp.example.com", type: 33 }, flags: responseFlags },
    answers: [33, 15, 16, 6, 65, 28].map((type) => ({ name: "example.com", type, data: Buffer.alloc(16, 3) })),
  }),
];

function main(): number {
  const { values } = parseArgs({ options: { minutes: { type: "string" }, seed: { type: "string" } } });
  const minutes = Number(values.minutes ?? "1");
  const seed = Math.trunc(Number(values.seed ?? String(systemClock.now() % 1_000_000_000)));
  if (!(minutes >= 0) || !Number.isFinite(seed)) throw new Error("--minutes and --seed must be numbers");
  console.log(`seed ${seed}, ${minutes} minutes`);
  const random = below(randomFrom(seed % 2_147_483_646 || 1));
  const begun = systemClock.monotonic();
  const tally = { packets: 0, records: 0, refused: 0 };
  let shown = 0;
  const spent = () => systemClock.monotonic() - begun;
  while (spent() < minutes * 60_000) {
    const failure = round(random, tally);
    if (failure !== undefined) {
      console.log(`FAILED with seed ${seed} after ${tally.packets} packets: ${failure}`);
      return 1;
    }
    if (spent() < shown + progressMs) continue;
    shown = spent();
    console.log(textOf(tally, spent()));
  }
  console.log(`${textOf(tally, spent())}\nnothing found`);
  return 0;
}

const textOf = ({ packets, records, refused }: { packets: number; records: number; refused: number }, ms: number) =>
  `${packets} packets, ${records} records, ${refused} refused in ${(ms / 1000).toFixed(0)} s`;

/** A whole number from 0 to less than the bound. */
type Below = (bound: number) => number;

const below =
  (next: () => number): Below =>
  (bound) =>
    Math.min(Math.floor(next() * bound), bound - 1);

/** One observer and many packets; what is wrong, if anything is. */
function round(random: Below, tally: { packets: number; records: number; refused: number }): string | undefined {
  let now = 1_700_000_000_000_000;
  const observer = new DnsObserver({ maxNames: 64, extraTtlMs: 0, now: () => now });
  for (let i = 0; i < batch; i++) {
    const isAnswer = random(2) === 0;
    const packet = changed(random, packetOf(random, isAnswer));
    now += random(1000);
    tally.packets++;
    const logged = () => loggedOf(packet, isAnswer ? "dns-answer" : "dns-query", now);
    try {
      if (msOf(() => observer.captured(logged(), packet)) > mostMs) {
        // Once may be the machine's fault.
        const again = Math.min(...[1, 2, 3].map(() => msOf(() => observer.captured(logged(), packet))));
        if (again > mostMs) return `${again} ms for ${packet.toString("hex")}`;
      }
    } catch (thrown) {
      if (!(thrown instanceof SluiceError) || thrown.code !== "DECODE_FAILED")
        return `${String(thrown)} of ${packet.toString("hex")}`;
      tally.refused++;
    }
  }
  if (observer.counters.names > 64) return `${observer.counters.names} names are remembered`;
  for (const [seq, draft] of observer.take(true).entries()) {
    tally.records++;
    const record = { cluster: "c", node: "n", epoch: 1, seq, ...draft, ...unenrichedDns };
    const bytes = codec.encode(record);
    if (bytes.length > 65_000) return `a record of ${bytes.length} bytes`;
    if (JSON.stringify(codec.decode(bytes)) !== JSON.stringify(codec.decode(codec.encode(codec.decode(bytes)))))
      return `a record that is not read as it was written: ${JSON.stringify(record)}`;
    if (!/^[\x21-\x7e]+$/.test(record.name)) return `a name with other characters: ${JSON.stringify(record.name)}`;
  }
  return undefined;
}

function msOf(work: () => void): number {
  const before = systemClock.monotonic();
  work();
  return systemClock.monotonic() - before;
}

function loggedOf(packet: Buffer, prefix: string, now: number): LoggedPacket {
  const common = {
    prefix,
    hook: 2,
    timestamp: now,
    inIndex: 1,
    outIndex: 2,
    sequence: null,
    mark: 0,
    uid: null,
    gid: null,
  };
  return { ...common, packet: decodePacket(packet) };
}

/** IPv4 or IPv6, UDP or TCP, with one of the messages. */
function packetOf(random: Below, isAnswer: boolean): Buffer {
  const message = messages[isAnswer ? 1 + random(messages.length - 1) : 0] as Buffer;
  const isTcp = random(3) === 0;
  const transport = Buffer.alloc(isTcp ? 20 : 8);
  transport.writeUInt16BE(isAnswer ? 53 : 40_000, 0);
  transport.writeUInt16BE(isAnswer ? 40_000 : 53, 2);
  const payload = isTcp ? Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]) : message;
  if (isTcp) transport[12] = 0x50;
  else transport.writeUInt16BE(8 + payload.length, 4);
  const length = transport.length + payload.length;
  return Buffer.concat([random(2) === 0 ? four(length, isTcp) : six(length, isTcp), transport, payload]);
}

function four(length: number, isTcp: boolean): Buffer {
  const header = Buffer.alloc(20, 1);
  header[0] = 0x45;
  header.writeUInt16BE(20 + length, 2);
  header.writeUInt16BE(0, 6);
  header[9] = isTcp ? 6 : 17;
  return header;
}

function six(length: number, isTcp: boolean): Buffer {
  const header = Buffer.alloc(40, 2);
  header[0] = 0x60;
  header.writeUInt16BE(length, 4);
  header[6] = isTcp ? 6 : 17;
  return header;
}

function changed(random: Below, packet: Buffer): Buffer {
  let bytes = packet;
  for (let changes = random(6); changes > 0; changes--) {
    const at = random(Math.max(bytes.length, 1));
    const from = random(Math.max(bytes.length, 1));
    switch (random(6)) {
      case 0:
        bytes = bytes.subarray(0, at);
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(from)]);
        break;
      case 2:
        bytes = Buffer.concat([bytes, bytes.subarray(from)]).subarray(0, 2_048);
        break;
      case 3:
        if (at < bytes.length) bytes[at] = 0xc0;
        break;
      default:
        if (at < bytes.length) bytes[at] = random(256);
    }
  }
  return Buffer.from(bytes);
}

process.exitCode = main();

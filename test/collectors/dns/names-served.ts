import dgram from "node:dgram";
import net from "node:net";
import { parseMessage } from "../../../collectors/dns/message.ts";
import { systemClock } from "../../../core/clock.ts";
import { encodeMessage, fourBytes, responseFlags, type TestRecord } from "../../support/dns-message.ts";

// A DNS server and its client for tests in network namespaces: a handful of names that answer in different ways.

const many = (name: string, count: number): readonly TestRecord[] =>
  Array.from({ length: count }, (_, i) => ({ name, type: 1, data: fourBytes(`192.0.2.${i}`) }));

const answers: Readonly<Record<string, (type: number) => readonly TestRecord[]>> = {
  "api.example.com": (type) => [
    { name: "api.example.com", type: 5, ttl: 30, data: "lb.example.net" },
    type === 28
      ? { name: "lb.example.net", type: 28, ttl: 30, data: Buffer.from("fd990002000000000000000000000002", "hex") }
      : { name: "lb.example.net", type: 1, ttl: 30, data: fourBytes("10.99.2.2") },
  ],
  "large.example.com": () => many("large.example.com", 100),
  "slow.example.com": () => many("slow.example.com", 1),
};
const slowMs = 50;
const truncatedFlag = 0x0200;
const missing = 3;

/** Answers on UDP and TCP at each address and port. Prints a line when all listen. */
export async function serve(...places: readonly (readonly [address: string, port: number])[]): Promise<void> {
  await Promise.all(places.flatMap(([address, port]) => [serveUdp(address, port), serveTcp(address, port)]));
  console.log("listening");
}

function answerTo(query: Uint8Array, byTcp: boolean): Buffer | undefined {
  const { id, question } = parseMessage(query, true);
  if (question.name === "silent.example.com") return undefined;
  const of = answers[question.name];
  if (of === undefined) return encodeMessage({ id, flags: responseFlags | missing, question });
  if (question.name === "large.example.com" && !byTcp)
    return encodeMessage({ id, flags: responseFlags | truncatedFlag, question });
  return encodeMessage({ id, flags: responseFlags, question, answers: of(question.type) });
}

function serveUdp(address: string, port: number): Promise<void> {
  const socket = dgram.createSocket(address.includes(":") ? "udp6" : "udp4");
  socket.on("message", (query, from) => {
    const answer = answerTo(query, false);
    if (answer === undefined) return;
    const wait = parseMessage(query, true).question.name === "slow.example.com" ? slowMs : 0;
    void systemClock.sleep(wait).then(() => socket.send(answer, from.port, from.address));
  });
  return new Promise((resolve) => socket.bind(port, address, resolve));
}

function serveTcp(address: string, port: number): Promise<void> {
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      const answer = answerTo(bytes.subarray(2), true);
      if (answer !== undefined) socket.end(framed(answer));
    });
  });
  return new Promise((resolve) => server.listen(port, address, resolve));
}

const framed = (message: Buffer) => Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]);

export interface Asked {
  readonly server: string;
  readonly name: string;
  readonly type: number;
  readonly byTcp?: boolean;
  /** Do not wait for the answer. */
  readonly isUnheard?: boolean;
}

/** Asks one after the other, each by a socket of its own. */
export async function ask(...all: readonly Asked[]): Promise<void> {
  for (const asked of all) {
    const query = encodeMessage({ id: 1 + Math.floor(Math.random() * 65_000), question: asked });
    await (asked.byTcp === true ? askTcp(asked, query) : askUdp(asked, query));
  }
}

async function askUdp({ server, isUnheard = false }: Asked, query: Buffer): Promise<void> {
  const socket = dgram.createSocket(server.includes(":") ? "udp6" : "udp4");
  const answered = new Promise((resolve) => socket.once("message", resolve));
  await new Promise((resolve) => socket.send(query, 53, server, resolve));
  if (!isUnheard) await answered;
  socket.close();
}

async function askTcp({ server }: Asked, query: Buffer): Promise<void> {
  const socket = net.connect(53, server);
  socket.write(framed(query));
  socket.resume();
  await new Promise((resolve) => socket.once("close", resolve));
}

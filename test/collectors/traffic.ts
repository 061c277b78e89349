// Traffic of known size, to be run inside a network namespace:
//
//   traffic.ts serve ADDRESS PORT REPLY             answers the first bytes of each TCP connection with REPLY bytes
//   traffic.ts tcp ADDRESS PORT SEND HOLD           sends SEND bytes, waits for an answer and HOLD ms, ends the connection
//   traffic.ts udp ADDRESS PORT SIZE COUNT FROM     sends COUNT datagrams of SIZE bytes from source port FROM
//   traffic.ts scan ADDRESS PORT COUNT              sends a datagram to each of COUNT ports from PORT on
//   traffic.ts until-stopped ADDRESS PORT           until SIGTERM: every 4 ms a datagram to the next port from 10,000 on, every
//                                                   40 ms a TCP connection to PORT from the next source port from 10,000 on;
//                                                   then prints when each was begun, as JSON (Begun)
import { createSocket, type Socket as Datagrams } from "node:dgram";
import { once } from "node:events";
import { createConnection, createServer, isIPv6 } from "node:net";
import { systemClock } from "../../core/clock.ts";

/** Milliseconds; the first of each is that of port 10,000. */
export interface Begun {
  readonly datagrams: readonly number[];
  readonly connections: readonly number[];
}

const datagramBytes = 4;
const [mode = "", address = "", ...rest] = process.argv.slice(2);
const [port = 0, size = 0, count = 0, from = 0] = rest.map(Number);

const modes: Readonly<Record<string, () => unknown>> = {
  serve: () => serve(size),
  tcp: () => tcp(count),
  udp: () => udp(from, Array<number>(count).fill(port), size),
  scan: () =>
    udp(
      0,
      Array.from({ length: size }, (_, index) => port + index),
      datagramBytes,
    ),
  "until-stopped": untilStopped,
};
await modes[mode]?.();

function serve(replyBytes: number): void {
  const server = createServer((socket) => {
    socket.once("data", () => socket.write(new Uint8Array(replyBytes)));
    socket.on("error", () => {});
  });
  server.listen(port, address, () => console.log("listening"));
}

async function tcp(holdMs: number): Promise<void> {
  const socket = createConnection({ port, host: address, noDelay: true });
  await once(socket, "connect");
  socket.write(new Uint8Array(size));
  await once(socket, "data");
  await systemClock.sleep(holdMs);
  socket.end();
  await once(socket.resume(), "close");
}

async function untilStopped(): Promise<void> {
  const stop = new AbortController();
  process.once("SIGTERM", () => stop.abort());
  const datagrams: number[] = [];
  const connections: number[] = [];
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, resolve));
  console.log("begun");
  const first = systemClock.now();
  const dials: Promise<void>[] = [];
  while (!stop.signal.aborted) {
    const now = systemClock.now();
    for (; datagrams.length < (now - first) / 4; datagrams.push(now))
      await send(socket, 10_000 + datagrams.length, datagramBytes);
    for (; connections.length < (now - first) / 40; connections.push(now))
      dials.push(dial(10_000 + connections.length));
    await systemClock.sleep(4, stop.signal);
  }
  await Promise.all(dials);
  socket.close();
  console.log(JSON.stringify({ datagrams, connections } satisfies Begun));
}

/** A connection of 100 bytes and the answer. */
async function dial(localPort: number): Promise<void> {
  const socket = createConnection({ port, host: address, localPort, noDelay: true });
  await once(socket, "connect");
  socket.write(new Uint8Array(100));
  await once(socket, "data");
  socket.end();
  await once(socket.resume(), "close");
}

async function udp(sourcePort: number, ports: readonly number[], bytes: number): Promise<void> {
  const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
  await new Promise<void>((resolve) => socket.bind(sourcePort, resolve));
  for (const to of ports) await send(socket, to, bytes);
  socket.close();
}

/** A datagram that is answered by "port unreachable" makes a later send fail: that is no concern here. */
function send(socket: Datagrams, to: number, bytes: number): Promise<void> {
  return new Promise((resolve) => socket.send(new Uint8Array(bytes), to, address, () => resolve()));
}

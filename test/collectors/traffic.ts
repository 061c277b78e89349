// Traffic of known size, to be run inside a network namespace:
//
//   traffic.ts serve ADDRESS PORT REPLY             answers the first bytes of each TCP connection with REPLY bytes
//   traffic.ts tcp ADDRESS PORT SEND HOLD           sends SEND bytes, waits for an answer and HOLD ms, ends the connection
//   traffic.ts udp ADDRESS PORT SIZE COUNT FROM     sends COUNT datagrams of SIZE bytes from source port FROM
//   traffic.ts scan ADDRESS PORT COUNT              sends a datagram to each of COUNT ports from PORT on
import { createSocket, type Socket as Datagrams } from "node:dgram";
import { once } from "node:events";
import { createConnection, createServer, isIPv6 } from "node:net";
import { systemClock } from "../../core/clock.ts";

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
      4,
    ),
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

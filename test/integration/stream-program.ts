// One end of a stream, to be run inside a network namespace. Whoever pushes sends a datagram or 100 bytes each few milliseconds.
//
//   stream-program.ts serve PORT                           by TCP and UDP; does what a client asks for
//   stream-program.ts tcp|udp FROM ADDRESS PORT mine       from port FROM, and pushes
//   stream-program.ts tcp|udp FROM ADDRESS PORT yours      asks the server to push
//
// It says over IPC what it came to, again and again: of the server by the client's port.
import { createSocket, type Socket as Datagrams } from "node:dgram";
import { connect, createServer, type Socket } from "node:net";
import { systemClock } from "../../core/clock.ts";

export interface EndState {
  /** Chunks pushed, and chunks that came; of TCP by their bytes. */
  sent: number;
  received: number;
  /** Why the connection ended, if it did. */
  ended: string | null;
}

const everyMs = 5;
const chunk = Buffer.alloc(100, "s");
const ask = { mine: "m", yours: "y" } as const;

/** By the port of the client. */
const states: Record<string, EndState> = {};
const stateOf = (port: number) => (states[port] ??= { sent: 0, received: 0, ended: null });

async function push(state: EndState, send: () => void): Promise<void> {
  while (state.ended === null) {
    send();
    state.sent += 1;
    await systemClock.sleep(everyMs);
  }
}

function follow(socket: Socket, state: EndState): void {
  let bytes = 0;
  socket.setNoDelay();
  socket.on("data", (data) => {
    bytes += data.length;
    state.received = Math.floor(bytes / chunk.length);
  });
  socket.on("error", (cause: NodeJS.ErrnoException) => {
    state.ended ??= cause.code ?? cause.message;
  });
  socket.on("close", () => {
    state.ended ??= "closed";
  });
}

function serve(port: number): void {
  createServer((socket) => {
    // Another connection from the same port begins anew.
    delete states[socket.remotePort ?? 0];
    const state = stateOf(socket.remotePort ?? 0);
    socket.once("data", (first) => {
      if (first[0] === ask.yours.charCodeAt(0)) void push(state, () => socket.write(chunk));
    });
    follow(socket, state);
  }).listen(port, "::");
  const datagrams = createSocket({ type: "udp6", ipv6Only: false });
  datagrams.on("message", (message, from) => {
    const isNew = states[from.port] === undefined;
    const state = stateOf(from.port);
    if (message.length === chunk.length) state.received += 1;
    if (isNew && message.toString() === ask.yours)
      void push(state, () => datagrams.send(chunk, from.port, from.address, () => {}));
  });
  datagrams.on("error", () => {});
  datagrams.bind(port, "::");
}

function tcp(from: number, host: string, port: number, who: keyof typeof ask): void {
  const state = stateOf(from);
  const socket = connect({ host, port, localPort: from });
  follow(socket, state);
  socket.once("connect", () => {
    socket.write(ask[who]);
    if (who === "mine") void push(state, () => socket.write(chunk));
  });
}

function udp(from: number, address: string, port: number, who: keyof typeof ask): void {
  const state = stateOf(from);
  const socket: Datagrams = createSocket(address.includes(":") ? "udp6" : "udp4");
  socket.on("message", () => {
    state.received += 1;
  });
  socket.on("error", () => {});
  socket.bind(from, () => {
    if (who === "yours") socket.send(ask.yours, port, address);
    else void push(state, () => socket.send(chunk, port, address, () => {}));
  });
}

const [mode, from, address = "", port, who] = process.argv.slice(2);
if (mode === "serve") serve(Number(from));
else (mode === "tcp" ? tcp : udp)(Number(from), address, Number(port), who as keyof typeof ask);
process.on("message", (ports: readonly number[]) => {
  for (const one of ports) stateOf(one).ended ??= "stopped";
  process.send?.(states);
});
process.on("disconnect", () => process.exit(0));
process.send?.("begun");

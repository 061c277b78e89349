import { createSocket } from "node:dgram";
import { createServer as createHttpServer } from "node:http";
import { createServer, type Socket } from "node:net";
import { answerTo } from "./dns.ts";
import type { KnownNames } from "./messages.ts";
import { askedFor, isHttp, payloadOf } from "./payload.ts";

/** HTTP on any port: the body comes back, or as many bytes as the path asks for. */
const http = createHttpServer((request, response) => {
  const asked = /^\/bytes\/(\d{1,9})$/.exec(request.url ?? "")?.[1];
  if (asked === undefined) {
    request.pipe(response);
    return;
  }
  request.resume();
  request.on("end", () => response.end(payloadOf(Number(asked))));
});

/** Serves one TCP port, IPv4 and IPv6: HTTP, a question (payload.ts) or, failing both, echo. The first bytes tell which. */
export function serveTcp(port: number): Promise<void> {
  const server = createServer({ allowHalfOpen: false }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", (first) => answer(socket, first));
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host: "::", backlog: 1024 }, resolve);
  });
}

function answer(socket: Socket, first: Buffer): void {
  const asked = askedFor(first);
  if (isHttp(first)) {
    socket.unshift(first);
    http.emit("connection", socket);
  } else if (asked !== undefined) {
    socket.resume();
    socket.write(payloadOf(asked));
  } else {
    socket.write(first);
    socket.pipe(socket);
  }
}

/** Serves one UDP port, IPv4 and IPv6, with echo; queries for names, if it knows some, with their addresses. */
export function serveUdp(port: number, names?: KnownNames): Promise<void> {
  const socket = createSocket({ type: "udp6", ipv6Only: false });
  socket.on("message", (message, from) => {
    const answer = names === undefined ? message : (answerTo(message, names) ?? message);
    socket.send(answer, from.port, from.address, () => {});
  });
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ port, address: "::" }, () => {
      socket.off("error", reject);
      // Such as ECONNREFUSED of a client that is gone.
      socket.on("error", () => {});
      resolve();
    });
  });
}

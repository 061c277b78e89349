import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** pass: hand on. A number: answer with it, and hand nothing on. cut: end the connection; lose: hand on, and end it before the answer. */
export type Fault = "pass" | "cut" | "lose" | number;

/** An HTTP server between a client and another server, that does to each request what it is told. */
export class HttpProxy {
  /** Asked for each request. */
  fault: (path: string) => Fault = () => "pass";
  target = "";
  requests = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((incoming, outgoing) => {
    this.requests += 1;
    const fault = this.fault(incoming.url ?? "");
    if (fault === "cut") incoming.socket.destroy();
    else if (typeof fault === "number") refuse(incoming, outgoing, fault);
    else this.#forward(incoming, outgoing, fault === "lose");
  });

  async start(target: string): Promise<string> {
    this.target = target;
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse, isLost: boolean): void {
    const { method, url, headers } = incoming;
    const onward = request(new URL(url ?? "/", this.target), { method, headers }, (answer) => {
      if (isLost) {
        answer.resume().on("end", () => incoming.socket.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on("error", () => incoming.socket.destroy());
    incoming.pipe(onward);
  }
}

function refuse(incoming: IncomingMessage, outgoing: ServerResponse, status: number): void {
  incoming.resume().on("end", () => {
    outgoing.writeHead(status, { "content-type": "application/json", "x-elastic-product": "Elasticsearch" });
    outgoing.end(JSON.stringify({ error: { type: "es_rejected_execution_exception", reason: "no room" }, status }));
  });
}

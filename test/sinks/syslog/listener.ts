import { type AddressInfo, createServer as createTcp, type Server, type Socket } from "node:net";
import { createServer as createTls } from "node:tls";
import { readFrames } from "./read-message.ts";

/** `end`: it says that it wants no more, and reads what comes all the same; `close`: it goes without a word. */
type Cut = "reset" | "close" | "end";

/** A syslog server that keeps what it reads, and may be made to behave badly. */
export class SyslogListener {
  readonly messages: string[] = [];
  readonly sockets = new Set<Socket>();
  connections = 0;
  /** So many bytes it reads of a connection before it is cut. */
  cutAfter = Number.POSITIVE_INFINITY;
  /** What happens then; but for `end` what it has just got is lost. */
  cut: Cut = "reset";
  isReading = true;
  readonly #server: Server;

  constructor(tls?: { readonly key: string; readonly certificate: string }) {
    const take = (socket: Socket) => this.#take(socket);
    this.#server =
      tls === undefined
        ? createTcp({ pauseOnConnect: true }, take)
        : createTls({ key: tls.key, cert: tls.certificate }, take);
  }

  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  #take(socket: Socket): void {
    this.connections++;
    this.sockets.add(socket);
    let data = Buffer.alloc(0);
    let taken = 0;
    socket.on("error", () => {});
    if (!this.isReading) return;
    socket.resume();
    socket.on("data", (part: Buffer) => {
      taken += part.length;
      if (taken >= this.cutAfter && this.cut !== "end") {
        this.cutAfter = Number.POSITIVE_INFINITY;
        if (this.cut === "reset") socket.resetAndDestroy();
        else socket.destroy();
        return;
      }
      const { messages, rest } = readFrames(Buffer.concat([data, part]));
      data = Buffer.from(rest);
      this.messages.push(...messages);
      if (taken < this.cutAfter) return;
      this.cutAfter = Number.POSITIVE_INFINITY;
      socket.end();
    });
  }
}

import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import type { SyslogServer } from "./server.ts";

/** A datagram a message (RFC 5426). Whether any arrives nobody knows. */
export class Datagrams {
  readonly #server: SyslogServer;
  #socket: Socket | undefined;

  constructor(server: SyslogServer) {
    this.#server = server;
  }

  async send(messages: readonly string[]): Promise<void> {
    const { host, port } = this.#server;
    this.#socket ??= createSocket(isIPv6(host) ? "udp6" : "udp4").on("error", () => this.close());
    const socket = this.#socket;
    try {
      for (const message of messages)
        await new Promise<void>((resolve, reject) => {
          socket.send(message, port, host, (error) => (error ? reject(error) : resolve()));
        });
    } catch (thrown) {
      this.close();
      throw thrown;
    }
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }
}

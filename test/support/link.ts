import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A way to a TCP server on this machine that a test can break. */
export class Link {
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  readonly #frozen = new WeakSet<Socket>();
  #isCut = false;

  private constructor(port: number) {
    this.#server = createServer((client) => this.#join(client, port));
  }

  static async to(port: number): Promise<Link> {
    const link = new Link(port);
    link.#server.listen(0, "127.0.0.1");
    await once(link.#server, "listening");
    return link;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections end, and new ones are refused until `mend`. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#connections) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  /** Nothing crosses the connections that there are, and nobody is told; new ones work. */
  freeze(): void {
    for (const socket of this.#connections) this.#frozen.add(socket);
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #join(client: Socket, port: number): void {
    if (this.#isCut) return void client.destroy();
    const server = connect(port, "127.0.0.1");
    this.#forward(client, server);
    this.#forward(server, client);
  }

  #forward(from: Socket, to: Socket): void {
    this.#connections.add(from);
    from.on("error", () => {});
    from.on("data", (data) => {
      if (!this.#frozen.has(from)) to.write(data);
    });
    from.on("close", () => {
      this.#connections.delete(from);
      if (!this.#frozen.has(from)) to.destroy();
    });
  }
}

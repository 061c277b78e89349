import type { KubeObject } from "../../core/kube/objects.ts";
import { until } from "../support/until.ts";
import { EngineLab, type EngineLabOptions } from "./engine-lab.ts";
import type { EndState } from "./stream-program.ts";
import { StreamEnd } from "./streams.ts";

/** A connection on which somebody pushes, until the end. */
export interface Stream {
  readonly protocol: "tcp" | "udp";
  /** Who opens it, and from which port; no other has that. Names as EngineLab has them. */
  readonly client: string;
  readonly from: number;
  readonly to: string;
  readonly port: number;
  /** The client, or the server. */
  readonly pushes: "mine" | "yours";
  /** Who serves, on which port. */
  readonly server: string;
  readonly served: number;
}

/** The whole product, and streams through its cluster. */
export class StreamLab {
  readonly engine: EngineLab;
  readonly #servers = new Map<string, StreamEnd>();
  readonly #clients = new Map<number, StreamEnd>();

  constructor(options: EngineLabOptions) {
    this.engine = new EngineLab(options);
  }

  /** `prepare` is called when the cluster is there and nothing enforced. */
  async up(prepare: () => void): Promise<void> {
    const { engine } = this;
    await engine.up(() => {
      prepare();
      return {};
    });
  }

  async down(): Promise<void> {
    await Promise.all([...this.#servers.values(), ...this.#clients.values()].map((end) => end.close()));
    await this.engine.down();
  }

  change(type: "upsert" | "delete", ...objects: readonly KubeObject[]): void {
    this.engine.objects.change(type, ...objects);
  }

  async start({ protocol, client, from, to, port, pushes, server, served }: Stream): Promise<void> {
    const { engine } = this;
    const key = `${server} ${served}`;
    if (!this.#servers.has(key))
      this.#servers.set(key, await StreamEnd.start(engine.namespaceOf(server), "serve", served));
    const words = [protocol, from, to, port, pushes];
    this.#clients.set(from, await StreamEnd.start(engine.namespaceOf(client), ...words));
  }

  /** What came to whom it is pushed at, and to who pushes. */
  async sides({ from, server, served, pushes }: Stream): Promise<readonly [EndState, EndState]> {
    const [ofServer, ofClient] = [await this.#server(server, served).state(from), await this.#client(from).state(from)];
    return pushes === "mine" ? [ofServer, ofClient] : [ofClient, ofServer];
  }

  /** Until so many more chunks have come. Another connection of the same ports is counted anew. */
  async flows(stream: Stream, chunks = 20): Promise<void> {
    let [{ received: first }] = await this.sides(stream);
    const isFlowing = async () => {
      const [{ received }] = await this.sides(stream);
      first = Math.min(first, received);
      return received > first + chunks;
    };
    await until(`chunks of ${stream.from}`, isFlowing, 10_000);
  }

  /** Until whoever pushes has been reset, or has gone on in vain. */
  async triesOn(stream: Stream): Promise<void> {
    const [, { sent }] = await this.sides(stream);
    const pusher = async () => (await this.sides(stream))[1];
    if (stream.protocol === "tcp") await until("a reset", async () => (await pusher()).ended === "ECONNRESET");
    else await until("more chunks", async () => (await pusher()).sent > sent + 40);
  }

  /** Pushes no more from the client; how often it has. */
  async stopClient({ from }: Stream): Promise<number> {
    return (await this.#client(from).stop(from)).sent;
  }

  async closeClient({ from }: Stream): Promise<void> {
    await this.#client(from).close();
  }

  /** Connections revoked, by node. */
  async revoked(): Promise<ReadonlyMap<string, number>> {
    return countsIn(await this.engine.metrics.text(), "sluice_enforcer_revoked_connections_total");
  }

  async drifts(): Promise<ReadonlyMap<string, number>> {
    return countsIn(await this.engine.metrics.text(), "sluice_enforcer_drifts_total");
  }

  #server(of: string, port: number): StreamEnd {
    return this.#servers.get(`${of} ${port}`) as StreamEnd;
  }

  #client(from: number): StreamEnd {
    return this.#clients.get(from) as StreamEnd;
  }
}

function countsIn(text: string, metric: string): ReadonlyMap<string, number> {
  const counts = text.matchAll(new RegExp(`^${metric}\\{node="([^"]+)"\\} (\\d+)$`, "gm"));
  return new Map([...counts].map(([, node = "", count]) => [node, Number(count)]));
}

/** A line of conntrack(8) that names the port of a client, or has it as a destination. */
export function isOf(line: string, port: number): boolean {
  return line.includes(`sport=${port} `) || line.includes(`dport=${port} `);
}

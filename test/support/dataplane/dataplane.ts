import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { namespacePath, warmThreadPool } from "../../../core/netlink/namespace.ts";
import { diff } from "../../../enforcer/diff.ts";
import { type NftAccess, openNft } from "../../../enforcer/nft-open.ts";
import type { Ruleset } from "../../../enforcer/ruleset.ts";
import type { Packet } from "../../../policy/verdict.ts";
import { deleteNamespace, makeNamespace } from "../namespace.ts";
import { until } from "../until.ts";
import type { Sighting } from "./fleet.ts";
import { harnessTable } from "./harness-table.ts";
import type { Layout } from "./layout.ts";
import { TraceMonitor } from "./trace-monitor.ts";
import type { Answer, Request } from "./worker.ts";

/**
 * Nodes as network namespaces of the real kernel, with rulesets loaded, and packets sent through them. Everything is used again for the
 * next world: addresses, routes and rules change, namespaces and interfaces stay.
 */
export class Dataplane {
  readonly #nft: NftAccess;
  readonly #worker: Worker;
  readonly #namespaces: string[] = [];
  /** By namespace, what is loaded. */
  readonly #loaded: Ruleset[] = [];
  #requests = 0;

  private constructor(nft: NftAccess, worker: Worker) {
    this.#nft = nft;
    this.#worker = worker;
  }

  static async open(): Promise<Dataplane> {
    await warmThreadPool();
    return new Dataplane(await openNft(), new Worker(new URL("./worker.ts", import.meta.url)));
  }

  /**
   * Nodes, pods and addresses in the place of those before; `rulesets` are those of the nodes, in their order. Each is loaded from scratch, or
   * what was there before is changed into it.
   */
  async lay(layout: Layout, rulesets: readonly Ruleset[], from: "scratch" | "before"): Promise<void> {
    while (this.#namespaces.length < layout.nodes.length) this.#namespaces.push(makeNode());
    const paths = this.#namespaces.map(namespacePath);
    await this.#ask({ lay: layout, paths });
    for (const [at, ruleset] of rulesets.entries()) {
      const before = from === "before" ? this.#loaded[at] : undefined;
      await this.#nft.in(paths[at] ?? null).apply(diff(before, ruleset));
      this.#loaded[at] = ruleset;
    }
  }

  /** What became of packets, each the first of a connection; all of them have an end on a node. `tracked`: conntrack sees them. */
  send(packets: readonly Packet[], tracked: boolean): Promise<readonly Sighting[]> {
    return this.#ask({ send: packets, tracked });
  }

  /** The chains that a packet walks, as `nft monitor trace` of each node prints them. */
  async trace(packet: Packet, tracked: boolean): Promise<string> {
    const monitors = this.#namespaces.map((name) => new TraceMonitor(name));
    try {
      for (const monitor of monitors) monitor.start();
      await until("a trace", async () => {
        await this.send([packet], tracked);
        return monitors.some(({ text }) => text !== "");
      });
      return (await Promise.all(monitors.map((monitor) => monitor.settled()))).join("");
    } finally {
      for (const monitor of monitors) monitor.stop();
    }
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
    await this.#nft.close();
    for (const name of this.#namespaces) deleteNamespace(name);
  }

  async #ask(what: DistributiveOmit<Request, "id">): Promise<readonly Sighting[]> {
    const id = ++this.#requests;
    this.#worker.postMessage({ id, ...what } satisfies Request);
    const [answer] = (await once(this.#worker, "message")) as [Answer];
    if ("fault" in answer) throw answer.fault;
    return answer.sightings;
  }
}

type DistributiveOmit<T, K extends keyof T> = T extends unknown ? Omit<T, K> : never;

function makeNode(): string {
  const name = makeNamespace("node");
  execFileSync("ip", ["netns", "exec", name, "nft", "-f", "-"], {
    input: harnessTable,
    stdio: ["pipe", "ignore", "pipe"],
  });
  return name;
}

import { Engine, type EngineOptions } from "../../bin/engine.ts";
import type { EngineStore, OpenStore } from "../../bin/engine-store.ts";
import type { Collecting } from "../../bin/flow-path.ts";
import type { Kernel } from "../../bin/kernel.ts";
import type { Clock } from "../../core/clock.ts";
import { parseConfig } from "../../core/config.ts";
import { Feed } from "../../core/feed.ts";
import { silentLog } from "../../core/log.ts";
import type { Delivery, Sink, Source } from "../../core/pipeline.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import type { DnsRecord } from "../../core/records/dns.ts";
import type { EndpointTenure } from "../../core/records/endpoint.ts";
import type { Flow, RawFlow } from "../../core/records/flow.ts";
import type { Heartbeat } from "../../core/records/heartbeat.ts";
import type { Loss } from "../../core/records/loss.ts";
import type { ProgramRecord } from "../../core/records/program.ts";
import { NftMemory } from "../support/nft-memory.ts";
import { ObjectStore } from "../support/object-source.ts";
import { world } from "../support/world.ts";

/** A collector that hands out what a test gives it, and notes what is acked. */
export class FakeCollector implements Collecting {
  readonly ready = Promise.resolve();
  readonly counters = undefined;
  readonly flows: Source<RawFlow>;
  readonly losses: Feed<Loss>;
  readonly heartbeats: Feed<Heartbeat>;
  readonly acked: number[] = [];
  /** What it hands out only when it is asked to stop. */
  last: readonly RawFlow[] = [];
  failure: Error | undefined;
  readonly #diary: string[];
  readonly #flows: Feed<RawFlow>;

  constructor(clock: Clock, diary: string[] = []) {
    this.#diary = diary;
    this.#flows = new Feed({ name: "flows", clock });
    this.losses = new Feed({ name: "losses", clock });
    this.heartbeats = new Feed({ name: "heartbeats", clock });
    this.flows = { name: "flows", open: (signal) => this.#noting(signal) };
  }

  collect(...flows: readonly RawFlow[]): void {
    this.#flows.push(flows);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#diary.push("collector begins");
    if (this.failure === undefined)
      await new Promise((resolve) => {
        if (signal.aborted) resolve(undefined);
        else signal.addEventListener("abort", resolve, { once: true });
      });
    this.#flows.push(this.last);
    for (const feed of [this.#flows, this.losses, this.heartbeats]) feed.close();
    this.#diary.push("collector ended");
    if (this.failure !== undefined) throw this.failure;
  }

  async *#noting(signal: AbortSignal): AsyncGenerator<Delivery<RawFlow>> {
    for await (const delivery of this.#flows.open(signal))
      yield {
        ...delivery,
        ack: async () => {
          this.acked.push(...delivery.items.map(({ seq }) => seq));
          await delivery.ack();
        },
      };
  }
}

/** A store in memory. */
export class FakeStore implements EngineStore {
  remembered: EngineStore["remembered"] = { tenures: [], programs: [] };
  readonly kept = {
    flows: [] as Flow[],
    losses: [] as Loss[],
    heartbeats: [] as Heartbeat[],
    dns: [] as DnsRecord[],
    tenures: [] as EndpointTenure[],
    programs: [] as ProgramRecord[],
    changes: [] as ChangeRecord[],
  };
  readonly flows = this.#sink("flows");
  readonly losses = this.#sink("losses");
  readonly heartbeats = this.#sink("heartbeats");
  readonly dns = this.#sink("dns");
  readonly tenures = this.#sink("tenures");
  readonly programs = this.#sink("programs");
  readonly changes = this.#sink("changes");
  /** Before flows are kept; a store that gathers would wait here. */
  beforeFlows: () => Promise<void> = () => Promise.resolve();
  readonly #diary: string[];
  readonly #hurried = Promise.withResolvers<void>();

  constructor(diary: string[] = []) {
    this.#diary = diary;
  }

  /** Keeps flows from when it is told to hurry. */
  gather(): void {
    this.beforeFlows = () => this.#hurried.promise;
  }

  hurry(): void {
    this.#diary.push("store hurries");
    this.#hurried.resolve();
  }

  close(): Promise<void> {
    this.#diary.push("store closed");
    return Promise.resolve();
  }

  #sink<Kind extends keyof FakeStore["kept"]>(kind: Kind): Sink<FakeStore["kept"][Kind][number]> {
    return {
      name: kind,
      write: async (batch) => {
        if (kind === "flows") await this.beforeFlows();
        (this.kept[kind] as unknown[]).push(...batch);
        if (kind === "flows") this.#diary.push("flows kept");
      },
    };
  }
}

/** nftables in memory, one for all namespaces, and no routes. */
class FakeKernel implements Kernel {
  readonly memory = new NftMemory();
  readonly nft = () => this.memory;
  readonly interfaces = () => ({ read: () => Promise.resolve(this.#routes) });
  readonly close = () => Promise.resolve();
  readonly #routes = { behind: new Map(), own: new Map() };
}

export interface Rig {
  readonly clock: Clock;
  readonly collector: FakeCollector;
  readonly openStore: OpenStore;
  readonly options?: Partial<EngineOptions>;
}

/** An engine that watches one node with one pod, and touches no kernel. */
export function engineOf({ clock, collector, openStore, options }: Rig): Engine {
  const { objects } = world()
    .node("node-1")
    .namespace("shop")
    .pod("shop/web", { app: "web" }, { node: "node-1", ips: ["10.1.0.5"] });
  return new Engine({
    seats: [{ node: "node-1", namespacePath: null }],
    objects: new ObjectStore(objects),
    config: parseConfig({ flags: { "enforcer.mode": "observe", "cluster.name": "lab" } }),
    clock,
    log: silentLog,
    flows: nowhere,
    losses: nowhere,
    leaveRules: false,
    collect: () => collector,
    openStore,
    keepsState: false,
    openKernel: () => Promise.resolve(new FakeKernel()),
    ...options,
  });
}

const nowhere = { name: "nowhere", write: () => Promise.resolve() };

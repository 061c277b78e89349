import { Collector } from "../collectors/collector.ts";
import type { Clock } from "../core/clock.ts";
import type { Config } from "../core/config.ts";
import { SluiceError } from "../core/errors.ts";
import type { Change, ObjectSource } from "../core/kube/watch.ts";
import type { Log } from "../core/log.ts";
import { run, type Sink } from "../core/pipeline.ts";
import type { Flow } from "../core/records/flow.ts";
import type { Loss } from "../core/records/loss.ts";
import { retrying } from "../core/retrying.ts";
import { Enforcer } from "../enforcer/enforcer.ts";
import { KernelInterfaces } from "../enforcer/interfaces-kernel.ts";
import { type NftAccess, openNft } from "../enforcer/nft-open.ts";
import { defaultSettings } from "../enforcer/render.ts";
import { Enricher } from "../enrichers/enrich.ts";
import { holdBack } from "../enrichers/hold-back.ts";
import { evaluatorOf } from "../policy/evaluate.ts";
import { World } from "../policy/world.ts";
import { together } from "./together.ts";

/** A node of the cluster and where on this machine its network is. */
export interface Seat {
  readonly node: string;
  /** Null: this process's own network namespace. */
  readonly namespacePath: string | null;
}

/** The policies changed, or whom they are about. */
export interface PolicyNotice {
  readonly revision: string;
  readonly rules: number;
  readonly pods: number;
  readonly missingTiers: readonly string[];
}

export interface EngineOptions {
  readonly seats: readonly Seat[];
  readonly objects: ObjectSource;
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly flows: Sink<Flow>;
  readonly losses: Sink<Loss>;
  /** Told when policies change, not when pods do. */
  readonly onPolicy?: (notice: PolicyNotice) => void;
  /** Whether the rules stay in force when the engine stops. */
  readonly leaveRules: boolean;
}

/**
 * Every stage in one process:
 *
 *   objects -> World -> Program, Placement -> an Enforcer per node
 *                 \-> Enricher
 *   a Collector per node -> hold back -> Enricher -> flows
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #world = new World();
  readonly #enricher: Enricher;
  readonly #collectors: readonly Collector[];
  readonly #policyReady = Promise.withResolvers<void>();
  #enforcers: readonly Enforcer[] = [];
  #revision: string | undefined;

  constructor(options: EngineOptions) {
    const { config, clock, log, seats } = options;
    this.#options = options;
    this.#enricher = new Enricher({ clock, keepMs: config.enricher.deletedPodsKeptMs });
    this.#collectors = seats.map(
      ({ node, namespacePath }) =>
        new Collector({
          node,
          namespacePath,
          cluster: config.cluster.name,
          ...config.collector,
          // The enforcer's rules make the kernel track connections; where it only watches, the collector sees to it.
          ensureConntrack: config.enforcer.mode === "observe",
          log: log.child({ part: "collector", node }),
          clock,
        }),
    );
  }

  /** Resolves when every collector listens and every enforcing node has its first ruleset, or when the signal aborts. */
  readonly ready = async (signal: AbortSignal): Promise<void> => {
    const begun = Promise.all([this.#policyReady.promise, this.#listening()]);
    // Why a collector cannot begin, `run` tells; its caller then aborts.
    await Promise.race([begun, aborted(signal)]).catch(() => aborted(signal));
    while (!signal.aborted && this.#enforcers.some(({ status }) => status.revision === null)) {
      const failing = this.#enforcers.find(({ status }) => status.failure !== null);
      if (failing !== undefined) throw new SluiceError("NFT_FAILED", failing.status.failure ?? "an enforcer failed");
      await this.#options.clock.sleep(20, signal);
    }
  };

  /** Works until the signal aborts; what was collected by then is written out. */
  async run(signal: AbortSignal): Promise<void> {
    const nft = this.#enforcing ? await openNft() : undefined;
    try {
      await together(signal, [
        ...(nft === undefined ? [] : [(stop: AbortSignal) => this.#enforce(nft, stop)]),
        (stop) => this.#follow(stop),
        ...this.#collectors.flatMap((collector) => this.#collect(collector)),
      ]);
    } finally {
      await nft?.close();
    }
  }

  get #enforcing(): boolean {
    return this.#options.config.enforcer.mode === "enforce";
  }

  #collect(collector: Collector): readonly ((stop: AbortSignal) => Promise<void>)[] {
    const { clock, config, flows, losses } = this.#options;
    const held = holdBack(collector.flows, {
      clock,
      awaited: this.#enricher.awaited,
      limitMs: config.enricher.holdBackMs,
    });
    // The sources end by themselves once the collector has handed out what it had, so they get a signal of their own.
    const never = new AbortController().signal;
    return [
      (stop) => collector.run(stop),
      async (stop) => {
        // Before the first objects nobody has a name. Until then records wait in the collector.
        await Promise.race([this.#policyReady.promise, aborted(stop)]);
        await run(held, this.#enricher.stage, retrying(flows, { clock }), { signal: never });
      },
      () => run(collector.losses, (batch) => batch, retrying(losses, { clock }), { signal: never }),
    ];
  }

  async #enforce(nft: NftAccess, stop: AbortSignal): Promise<void> {
    const { seats, config, clock, log, leaveRules } = this.#options;
    const settings = {
      ...defaultSettings,
      podInterfaces: config.enforcer.podInterfacePrefixes,
      logGroup: config.collector.nflogGroup,
    };
    const interfaces = new KernelInterfaces();
    this.#enforcers = seats.map(
      ({ node, namespacePath }) =>
        new Enforcer({
          node,
          nft: nft.in(namespacePath),
          interfaces: interfaces.in(namespacePath),
          clock,
          log: log.child({ part: "enforcer", node }),
          settings,
          random: Math.random,
        }),
    );
    try {
      // A node has one reader of its log. Whoever is second ends here, before it has touched the rules of the first.
      await Promise.race([this.#listening(), aborted(stop)]).catch(() => aborted(stop));
      if (stop.aborted) return;
      if (this.#revision !== undefined) this.#handOut();
      await together(
        stop,
        this.#enforcers.map((enforcer) => (until) => enforcer.run(until)),
      );
      await Promise.all(this.#enforcers.map((enforcer) => enforcer.stop({ leaveRules })));
    } finally {
      await interfaces.close();
    }
  }

  #listening(): Promise<unknown> {
    return Promise.all(this.#collectors.map((collector) => collector.ready));
  }

  async #follow(stop: AbortSignal): Promise<void> {
    for await (const changes of this.#options.objects.watch(stop)) this.#take(changes);
  }

  #take(changes: readonly Change[]): void {
    // Objects were validated where they came from; what is refused here as well has its last good state already.
    this.#world.apply(changes);
    if (changes.some(({ type }) => type === "synced")) this.#requireNodes();
    this.#enricher.update(changes);
    const program = this.#world.program();
    const placement = this.#world.placement();
    const mode = this.#enforcing ? ("enforced" as const) : ("observed" as const);
    this.#enricher.use({ program, placement, evaluate: evaluatorOf(program, placement), mode: () => mode });
    if (program.revision !== this.#revision) this.#notice(program.revision, program.rules.size, placement.classOf.size);
    this.#revision = program.revision;
    this.#handOut();
    this.#policyReady.resolve();
  }

  /** Pods of a node that the objects do not know would all be unknown endpoints, and denied. */
  #requireNodes(): void {
    const known = [...this.#world.nodes().keys()].sort();
    const missing = this.#options.seats.find(({ node }) => !known.includes(node));
    if (missing === undefined) return;
    const there = known.length === 0 ? "there are none" : `there are ${known.join(", ")}`;
    throw new SluiceError(
      "MANIFEST_INVALID",
      `no Node "${missing.node}" among the objects, ${there}: name this machine's with --node.name, or use --seat`,
    );
  }

  #handOut(): void {
    const nodes = this.#world.nodes();
    for (const [index, enforcer] of this.#enforcers.entries()) {
      const podCidrs = nodes.get(this.#options.seats[index]?.node ?? "")?.podCidrs ?? [];
      enforcer.update(this.#world.program(), this.#world.placement(), { podCidrs });
    }
  }

  #notice(revision: string, rules: number, pods: number): void {
    const missingTiers = this.#world.missingTiers();
    this.#options.onPolicy?.({ revision, rules, pods, missingTiers });
    this.#options.log.info({ revision, rules, pods }, "policies compiled");
    for (const tier of missingTiers)
      this.#options.log.warn({ tier }, "policies name a tier that nobody made: they come last and deny");
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

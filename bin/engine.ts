import { Collector } from "../collectors/collector.ts";
import type { Clock } from "../core/clock.ts";
import type { Config } from "../core/config.ts";
import { SluiceError } from "../core/errors.ts";
import { Feed } from "../core/feed.ts";
import type { Change, ObjectSource } from "../core/kube/watch.ts";
import type { Log } from "../core/log.ts";
import { Metrics } from "../core/metrics.ts";
import { run, type Sink } from "../core/pipeline.ts";
import type { ChangeRecord } from "../core/records/change.ts";
import type { EndpointTenure } from "../core/records/endpoint.ts";
import type { Flow } from "../core/records/flow.ts";
import type { Loss } from "../core/records/loss.ts";
import type { ProgramRecord } from "../core/records/program.ts";
import { retrying } from "../core/retrying.ts";
import { tee } from "../core/tee.ts";
import { KernelConntrack } from "../enforcer/conntrack-kernel.ts";
import { Enforcer } from "../enforcer/enforcer.ts";
import { KernelInterfaces } from "../enforcer/interfaces-kernel.ts";
import { type NftAccess, openNft } from "../enforcer/nft-open.ts";
import { KernelProof } from "../enforcer/proof-kernel.ts";
import { Prover } from "../enforcer/prover.ts";
import { Revoker } from "../enforcer/revoker.ts";
import { RulesetFollower } from "../enforcer/tamper/follower.ts";
import { Guard } from "../enforcer/tamper/guard.ts";
import { watchedSysctls } from "../enforcer/tamper/sysctls.ts";
import { Enricher } from "../enrichers/enrich.ts";
import { evaluatorOf } from "../policy/evaluate.ts";
import { World } from "../policy/world.ts";
import { agreementOf } from "./disagreements.ts";
import { type EngineStore, type OpenStore, openNowhere } from "./engine-store.ts";
import { type Collecting, FlowPath } from "./flow-path.ts";
import { type Kind, measured, readCollectors, readEnforcers } from "./measure.ts";
import { NodeReporter } from "./node-reporter.ts";
import { proofText } from "./node-status.ts";
import { renderSettingsOf } from "./render-settings.ts";
import { spoolUsage } from "./spool-usage.ts";
import { together } from "./together.ts";
import { sluiceVersion } from "./version.ts";

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
  /** Where records show while they come; they are kept in the store. */
  readonly flows: Sink<Flow>;
  readonly losses: Sink<Loss>;
  readonly changes?: Sink<ChangeRecord>;
  /** Opens what records are kept in; without it they are only shown. */
  readonly openStore?: OpenStore;
  readonly metrics?: Metrics;
  /** The collector of a node; in tests another one than the kernel's. */
  readonly collect?: (seat: Seat) => Collecting;
  /** Told when policies change, not when pods do. */
  readonly onPolicy?: (notice: PolicyNotice) => void;
  /** Told of what somebody should look at: a node that does not enforce, a verdict that nobody can explain. */
  readonly onAlert?: (text: string) => void;
  /** Shown when somebody else changed our rules: the first of its like, and how many more there were in a minute. */
  readonly onTamper?: ((change: ChangeRecord, repeats: number) => void) | null;
  /** Whether the rules stay in force when the engine stops. */
  readonly leaveRules: boolean;
}

/**
 * Every stage in one process:
 *
 *   objects -> World -> Program, Placement -> an Enforcer per node
 *                 \-> Enricher -> tenures, programs -> store
 *   a Collector per node -> once -> hold back -> Enricher -> shown, and kept in the store
 *
 * It ends from the front: collectors stop and hand out what they have, what is on its way is stored, then the store closes. What
 * was not stored by then is not acked, so it comes again from where it was kept before.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #metrics: Metrics;
  readonly #world = new World();
  readonly #enricher: Enricher;
  readonly #collectors: readonly Collecting[];
  readonly #tenures: Feed<EndpointTenure>;
  readonly #programs: Feed<ProgramRecord>;
  readonly #changes: Feed<ChangeRecord>;
  readonly #opened = Promise.withResolvers<void>();
  readonly #policyReady = Promise.withResolvers<void>();
  readonly #proof = new KernelProof();
  #enforcers: readonly Enforcer[] = [];
  #provers: readonly Prover[] = [];
  #guards: readonly Guard[] = [];
  #revision: string | undefined;

  constructor(options: EngineOptions) {
    const { config, clock, seats } = options;
    this.#options = options;
    this.#metrics = options.metrics ?? new Metrics();
    this.#enricher = new Enricher({
      clock,
      cluster: config.cluster.name,
      keepMs: config.enricher.deletedPodsKeptMs,
      agreement: agreementOf({
        sample: config.enricher.agreementSample,
        metrics: this.#metrics,
        clock,
        log: options.log,
        onAlert: options.onAlert,
      }),
    });
    this.#collectors = seats.map(options.collect ?? ((seat) => this.#collectorOf(seat)));
    this.#tenures = new Feed({ name: "tenures", clock });
    this.#programs = new Feed({ name: "programs", clock });
    this.#changes = new Feed({ name: "changes", clock });
    this.#expose();
  }

  /** Resolves when the store is open, so this process has the data folder for itself, or when the signal aborts. */
  readonly opened = (signal: AbortSignal): Promise<void> => Promise.race([this.#opened.promise, aborted(signal)]);

  /** Resolves when every collector listens and every enforcing node has its first ruleset, or when the signal aborts. */
  readonly ready = async (signal: AbortSignal): Promise<void> => {
    const begun = Promise.all([this.#policyReady.promise, this.#listening()]);
    // Why a collector cannot begin, `run` tells; its caller then aborts.
    await Promise.race([begun, aborted(signal)]).catch(() => aborted(signal));
    while (!signal.aborted && !this.#inForce) {
      const failing = this.#enforcers.find(({ status }) => status.failure !== null);
      if (failing !== undefined) throw new SluiceError("NFT_FAILED", failing.status.failure ?? "an enforcer failed");
      await this.#options.clock.sleep(20, signal);
    }
  };

  /** Works until the signal aborts; what was collected by then is stored. */
  async run(signal: AbortSignal): Promise<void> {
    // First of all: a data folder that is not ours is refused before the kernel is touched.
    const store = await this.#openStore();
    try {
      this.#enricher.remember(store.remembered);
      this.#opened.resolve();
      await this.#work(store, signal);
    } finally {
      await this.#proof.close();
      await store.close();
    }
  }

  async #work(store: EngineStore, signal: AbortSignal): Promise<void> {
    await together(signal, [
      // First: until they listen, what comes and goes is not seen.
      (stop) => this.#collect(store, stop),
      (stop) => (this.#enforcing ? this.#enforce(stop) : Promise.resolve()).finally(() => this.#changes.close()),
      (stop) => this.#follow(stop),
      (stop) => this.#retell(stop),
      ...this.#reporters(),
      () => this.#keep("endpoint", this.#tenures, store.tenures),
      () => this.#keep("program", this.#programs, store.programs),
      () => this.#keep("change", this.#changes, store.changes, this.#options.changes),
      ...this.#collectors.flatMap((collector) => this.#flowPath(store).of(collector)),
    ]);
  }

  get #enforcing(): boolean {
    return this.#options.config.enforcer.mode === "enforce";
  }

  get #inForce(): boolean {
    if (!this.#enforcing) return true;
    return this.#enforcers.length > 0 && this.#enforcers.every(({ status }) => status.revision !== null);
  }

  #openStore(): Promise<EngineStore> {
    const open = this.#options.openStore ?? openNowhere;
    return open({
      onFlush: ({ kind, rows, ms }) => {
        this.#metrics.observe("sluice_archive_flush_seconds", { kind }, ms / 1000);
        this.#metrics.add("sluice_archive_rows_total", { kind }, rows);
      },
    });
  }

  #collectorOf({ node, namespacePath }: Seat): Collecting {
    const { config, clock, log, openStore } = this.#options;
    return new Collector({
      node,
      namespacePath,
      cluster: config.cluster.name,
      ...config.collector,
      // The enforcer's rules make the kernel track connections; where it only watches, the collector sees to it.
      ensureConntrack: config.enforcer.mode === "observe",
      // The data folder is ours only while the store is open.
      ...(openStore === undefined ? {} : { spool: { folder: spoolFolder(config.data.folder, node), ...config.spool } }),
      log: log.child({ part: "collector", node }),
      clock,
    });
  }

  /** Until all collectors have ended, which is later than the signal: they hand out what they have, and wait until it is stored. */
  async #collect(store: EngineStore, signal: AbortSignal): Promise<void> {
    void aborted(signal).then(() => store.hurry?.());
    await together(
      signal,
      this.#collectors.map((collector) => (stop) => collector.run(stop)),
    );
  }

  #flowPath(store: EngineStore): FlowPath {
    const { clock, config, flows, losses } = this.#options;
    return new FlowPath({
      clock,
      metrics: this.#metrics,
      enricher: this.#enricher,
      holdBackMs: config.enricher.holdBackMs,
      // Before the first objects nobody has a name. Until then records wait in the collector.
      begin: (stop) => Promise.race([this.#policyReady.promise, aborted(stop)]),
      shown: { flows, losses },
      store,
    });
  }

  /** Until the feed is closed and all of it is stored. */
  #keep<T>(kind: Kind, feed: Feed<T>, sink: Sink<T>, shown?: Sink<T>): Promise<void> {
    const { clock } = this.#options;
    const kept = retrying(measured(sink, { metrics: this.#metrics, clock, kind }), { clock });
    return run(feed, (batch) => batch, shown === undefined ? kept : tee(shown, kept), { signal: never });
  }

  async #enforce(stop: AbortSignal): Promise<void> {
    const nft = await openNft();
    try {
      await this.#enforceWith(nft, stop);
    } finally {
      await nft.close();
    }
  }

  async #enforceWith(nft: NftAccess, stop: AbortSignal): Promise<void> {
    const { seats, config, clock, log, leaveRules } = this.#options;
    const settings = renderSettingsOf(config);
    const interfaces = new KernelInterfaces();
    const conntrack = new KernelConntrack();
    const revokerOf = ({ node, namespacePath }: Seat) =>
      new Revoker({
        node,
        nft: nft.in(namespacePath),
        conntrack: conntrack.in(namespacePath),
        clock,
        log: log.child({ part: "revoker" }),
        unknownEndpoints: settings.unknownEndpoints,
      });
    const follower = new RulesetFollower();
    this.#guards = seats.map((seat, index) => this.#guardOf(seat, nft, follower, () => this.#enforcers[index]));
    this.#enforcers = seats.map(
      ({ node, namespacePath }, index) =>
        new Enforcer({
          node,
          nft: nft.in(namespacePath),
          interfaces: interfaces.in(namespacePath),
          clock,
          // It names the node itself.
          log: log.child({ part: "enforcer" }),
          settings,
          onArrival: (ms) => this.#metrics.observe("sluice_enforcer_pod_wait_seconds", { node }, ms / 1000),
          random: Math.random,
          ...(config.enforcer.revoke ? { revoker: revokerOf({ node, namespacePath }) } : {}),
          // Beside the guard, who is told of changes, a look is for what nobody tells.
          lookMs: 300_000,
          onRepair: (repair) => this.#guards[index]?.repaired(repair),
        }),
    );
    if (config.enforcer.probeMs > 0) this.#provers = seats.map((seat, index) => this.#proverOf(seat, index));
    try {
      // A node has one reader of its log. Whoever is second ends here, before it has touched the rules of the first.
      await Promise.race([this.#listening(), aborted(stop)]).catch(() => aborted(stop));
      if (stop.aborted) return;
      await Promise.race([Promise.all(this.#guards.map(({ ready }) => ready)), aborted(stop)]);
      if (this.#revision !== undefined) this.#handOut();
      await together(
        stop,
        [...this.#enforcers, ...this.#provers, ...this.#guards].map((part) => (until) => part.run(until)),
      );
      await Promise.all(this.#enforcers.map((enforcer) => enforcer.stop({ leaveRules })));
    } finally {
      await Promise.all([interfaces.close(), conntrack.close(), follower.close()]);
    }
  }

  #proverOf({ node, namespacePath }: Seat, index: number): Prover {
    const { config, clock, log, onAlert } = this.#options;
    return new Prover({
      node,
      proof: this.#proof.in(namespacePath),
      clock,
      log: log.child({ part: "enforcer" }),
      everyMs: config.enforcer.probeMs,
      applied: () => this.#enforcers[index]?.status.revision != null,
      onChange: (status) => onAlert?.(proofText(node, status)),
    });
  }

  /** The data folder is ours only while the store is open. */
  #reporters(): readonly ((stop: AbortSignal) => Promise<void>)[] {
    const { openStore, seats, config, clock, log } = this.#options;
    if (openStore === undefined) return [];
    const version = sluiceVersion();
    return seats.map((seat, index) => {
      const reporter = new NodeReporter({
        data: config.data.folder,
        clock,
        log,
        sources: () => ({
          node: seat.node,
          version,
          mode: config.enforcer.mode,
          wanted: this.#revision,
          enforcer: this.#enforcers[index],
          probe: this.#provers[index]?.status,
        }),
        counters: this.#enforcing ? () => this.#proof.in(seat.namespacePath).counters() : undefined,
        originOf: (id) => this.#world.program().rules.get(id) ?? this.#world.pending().program.rules.get(id),
      });
      return (stop) => reporter.run(stop);
    });
  }

  #guardOf(
    { node, namespacePath }: Seat,
    nft: NftAccess,
    follower: RulesetFollower,
    enforcer: () => Enforcer | undefined,
  ) {
    const { config, clock, log, onTamper } = this.#options;
    const metrics = this.#metrics;
    return new Guard({
      cluster: config.cluster.name,
      node,
      enforcer: { disturbed: (tampering) => enforcer()?.disturbed(tampering) ?? false },
      news: follower.in(namespacePath, watchedSysctls),
      listing: nft.listing(namespacePath),
      isOurChild: nft.isOurChild,
      ipv6: () => this.#podCidrsOf(node).some(({ family }) => family === 6),
      clock,
      log: log.child({ part: "guard" }),
      onChange: (change) => {
        metrics.add("sluice_enforcer_tamperings_total", { node });
        this.#changes.push([change]);
      },
      onNotice: onTamper ?? null,
      onGap: ({ from, to }) => metrics.add("sluice_enforcer_gap_seconds_total", { node }, (to - from) / 1000),
    });
  }

  #listening(): Promise<unknown> {
    return Promise.all(this.#collectors.map((collector) => collector.ready));
  }

  async #follow(stop: AbortSignal): Promise<void> {
    try {
      for await (const changes of this.#options.objects.watch(stop)) this.#take(changes);
    } finally {
      this.#tenures.close();
      this.#programs.close();
    }
  }

  /** Each hour what is due, so that nobody needs to read all history to know who has what. */
  async #retell(stop: AbortSignal): Promise<void> {
    await Promise.race([this.#policyReady.promise, aborted(stop)]);
    while (!stop.aborted) {
      this.#tenures.push(this.#enricher.retell());
      await this.#options.clock.sleep(hourMs, stop);
    }
  }

  #take(changes: readonly Change[]): void {
    // Objects were validated where they came from; what is refused here as well has its last good state already.
    this.#world.apply(changes);
    if (changes.some(({ type }) => type === "synced")) this.#requireNodes();
    this.#tenures.push(this.#enricher.update(changes));
    const program = this.#world.program();
    const placement = this.#world.placement();
    const mode = this.#enforcing ? ("enforced" as const) : ("observed" as const);
    const evaluate = evaluatorOf(program, placement);
    this.#programs.push(this.#enricher.use({ program, placement, evaluate, mode: () => mode }));
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
    for (const [index, enforcer] of this.#enforcers.entries()) {
      const podCidrs = this.#podCidrsOf(this.#options.seats[index]?.node ?? "");
      const pending = this.#world.pending();
      const isStaged = pending.program !== this.#world.program();
      enforcer.update(this.#world.program(), this.#world.placement(), { podCidrs }, isStaged ? pending : undefined);
    }
  }

  #podCidrsOf(node: string) {
    return this.#world.nodes().get(node)?.podCidrs ?? [];
  }

  #expose(): void {
    const metrics = this.#metrics;
    const { seats, config } = this.#options;
    const nodeOf = (index: number) => seats[index]?.node ?? "";
    readCollectors(metrics, () =>
      this.#collectors.map(({ counters }, index) => {
        const node = nodeOf(index);
        return { node, counters, spool: spoolUsage(spoolFolder(config.data.folder, node)) };
      }),
    );
    readEnforcers(metrics, () =>
      this.#enforcers.map(({ status, size }, index) => ({
        node: nodeOf(index),
        status,
        wanted: this.#revision,
        size,
        probe: this.#provers[index]?.status,
      })),
    );
    metrics.read("sluice_enforcer_findings", () =>
      this.#guards.map(({ findings }, index) => ({ labels: { node: nodeOf(index) }, value: findings.length })),
    );
    metrics.read("sluice_enricher_unreadable_addresses_total", () => [
      { labels: {}, value: this.#enricher.unreadable },
    ]);
    metrics.read("sluice_history_dropped_records_total", () => [
      { labels: { kind: "endpoint" }, value: this.#tenures.dropped },
      { labels: { kind: "program" }, value: this.#programs.dropped },
      { labels: { kind: "change" }, value: this.#changes.dropped },
    ]);
    metrics.read("sluice_policy_rules", () => [{ labels: {}, value: this.#world.program().rules.size }]);
    metrics.read("sluice_policy_pods", () => [{ labels: {}, value: this.#world.placement().classOf.size }]);
  }

  #notice(revision: string, rules: number, pods: number): void {
    const missingTiers = this.#world.missingTiers();
    this.#options.onPolicy?.({ revision, rules, pods, missingTiers });
    this.#options.log.info({ revision, rules, pods }, "policies compiled");
    for (const tier of missingTiers)
      this.#options.log.warn({ tier }, "policies name a tier that nobody made: they come last and deny");
  }
}

const hourMs = 3_600_000;

// Pipelines end with their sources, once those have handed out what they had; a signal would leave that behind.
const never = new AbortController().signal;

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

const spoolFolder = (data: string, node: string): string => `${data}/spool/${node}`;

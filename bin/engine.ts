import { Collector } from "../collectors/collector.ts";
import type { ControlLog } from "../controls/control-log.ts";
import { aborted } from "../core/aborted.ts";
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
import type { EnforcerStatus } from "../enforcer/enforcer.ts";
import { modesOf } from "../enforcer/modes.ts";
import { KernelProof } from "../enforcer/proof-kernel.ts";
import { Enricher } from "../enrichers/enrich.ts";
import type { PolicyInForce } from "../enrichers/verdict.ts";
import { evaluatorOf } from "../policy/evaluate.ts";
import type { Endpoint, Placement } from "../policy/placement.ts";
import type { Program } from "../policy/program.ts";
import { World } from "../policy/world.ts";
import { agreementOf } from "./disagreements.ts";
import { EnforcedNode } from "./enforced-node.ts";
import { type EngineStore, type OpenStore, openNowhere } from "./engine-store.ts";
import { type Collecting, FlowPath } from "./flow-path.ts";
import { type Kernel, openKernel } from "./kernel.ts";
import { type Kind, measured, readCollectors, readEnforcers, readRollout } from "./measure.ts";
import { NodeReporter } from "./node-reporter.ts";
import type { NodeStatus } from "./node-status.ts";
import { PodStarts } from "./pod-starts.ts";
import { PolicyRollout } from "./policy-rollout.ts";
import { type RecordSinks, rawWorks } from "./raw-path.ts";
import { rolloutChange } from "./rollout-change.ts";
import type { Seat } from "./seat-option.ts";
import { shownOnce } from "./shown-once.ts";
import { spoolFolder, spoolUsage } from "./spool-usage.ts";
import { together } from "./together.ts";
import { sluiceVersion } from "./version.ts";

/** The policies changed, or whom they are about. */
export interface PolicyNotice {
  readonly revision: string;
  readonly rules: number;
  readonly pods: number;
  readonly missingTiers: readonly string[];
}

export interface WantedPolicy {
  readonly revision: string;
  readonly endpoints: () => Iterable<Endpoint>;
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
  /** Who keeps the log of what people change; without it nobody does. */
  readonly controlLog?: Pick<ControlLog, "hear" | "run">;
  /** Opens what records are kept in; without it they are only shown. */
  readonly openStore?: OpenStore;
  /** Last good rules and the state of the rollout are kept in the data folder, and orders are taken there; by default if there is a store. */
  readonly keepsState?: boolean;
  readonly metrics?: Metrics;
  /** Where records of the collectors go as they are, instead of along that path: to a bus. */
  readonly raw?: RecordSinks;
  /** When to give up what is not stored at the end; by default it is waited for. */
  readonly giveUp?: AbortSignal;
  /** Works that bring records from elsewhere than the collectors of seats, along that path: from a bus. */
  readonly enriching?: (path: FlowPath) => readonly ((stop: AbortSignal) => Promise<void>)[];
  /** The collector of a node; in tests another one than the kernel's. */
  readonly collect?: (seat: Seat) => Collecting;
  /** Told when policies change, not when pods do. */
  readonly onPolicy?: (notice: PolicyNotice) => void;
  /** Told what is worth knowing between the records: held and withdrawn policies, break-glass. */
  readonly onNotice?: (sentence: string) => void;
  /** Told of what somebody should look at: a node that does not enforce, a verdict that nobody can explain. */
  readonly onAlert?: (text: string) => void;
  /** Opens nftables and routes; in tests others than the kernel's. */
  readonly openKernel?: () => Promise<Kernel>;
  /** Shown when somebody else changed our rules: the first of its like, and how many more there were in a minute. */
  readonly onTamper?: ((change: ChangeRecord, repeats: number) => void) | null;
  /** Told of all objects, then of every change, once it counts, with the policies that are wanted since. */
  readonly onObjects?: (changes: readonly Change[], wanted: WantedPolicy) => void;
  /** Told how a node stands, whenever that is otherwise than before. */
  readonly tellNode?: (status: NodeStatus, signal: AbortSignal) => Promise<void>;
  /** Whether the rules stay in force when the engine stops. */
  readonly leaveRules: boolean;
}

/**
 * Every stage in one process:
 *
 *   objects -> World -> Program, Placement -> PolicyRollout -> an Enforcer per node
 *                 \-> Enricher -> tenures, programs -> store
 *   a Collector per node -> once -> hold back -> Enricher -> shown, and kept in the store
 *
 * It ends from the front: collectors stop and hand out what they have, what is on its way is stored, then the store closes. What
 * was not stored by then is not acked, so it comes again from where it was kept before.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #metrics: Metrics;
  readonly #world: World;
  readonly #enricher: Enricher;
  readonly #collectors: readonly Collecting[];
  readonly #tenures: Feed<EndpointTenure>;
  readonly #programs: Feed<ProgramRecord>;
  readonly #changes: Feed<ChangeRecord>;
  readonly #opened = Promise.withResolvers<void>();
  readonly #policyReady = Promise.withResolvers<void>();
  readonly #rollout: PolicyRollout;
  readonly #proof = new KernelProof();
  readonly #podStarts: PodStarts;
  /** Those that enforce, once the kernel is open. */
  #nodes: ReadonlyMap<string, EnforcedNode> = new Map();
  /** What records of it need, by the Placement. */
  readonly #inForceBy = new WeakMap<Placement, PolicyInForce>();
  #revision: string | undefined;

  constructor(options: EngineOptions) {
    const { config, clock, seats } = options;
    this.#options = options;
    this.#world = new World(config.enforcer);
    this.#podStarts = new PodStarts(seats.map(({ node }) => node));
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
    const collect = options.collect ?? ((seat) => this.#collectorOf(seat));
    this.#collectors = seats.map(collect);
    this.#tenures = new Feed({ name: "tenures", clock });
    this.#programs = new Feed({ name: "programs", clock });
    this.#changes = new Feed({ name: "changes", clock });
    this.#rollout = new PolicyRollout({
      world: this.#world,
      nodes: seats.map(({ node }) => node),
      config,
      clock,
      log: options.log.child({ part: "rollout" }),
      // The data folder is ours only while the store is open.
      isKept: this.#keepsState,
      notice: options.onNotice ?? (() => {}),
      onHistory: (entry) => this.#changes.push([rolloutChange(entry, config.cluster.name)]),
      onChange: () => this.#spread(),
      statuses: () => new Map([...this.#nodes].map(([node, { enforcer }]) => [node, enforcer.status])),
    });
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
      const failure = this.#statuses.find((status) => status.failure !== null)?.failure;
      if (failure != null) throw new SluiceError("NFT_FAILED", failure);
      await this.#options.clock.sleep(20, signal);
    }
  };

  /** Works until the signal aborts; what was collected by then is stored. */
  async run(signal: AbortSignal): Promise<void> {
    // First of all: a data folder that is not ours is refused before the kernel is touched.
    const store = await this.#openStore();
    try {
      await this.#rollout.open();
      this.#enricher.remember(store.remembered);
      this.#opened.resolve();
      await this.#work(store, signal);
    } finally {
      await this.#proof.close();
      await store.close();
    }
  }

  async #work(store: EngineStore, signal: AbortSignal): Promise<void> {
    const path = this.#flowPath(store);
    const { raw } = this.#options;
    await together(signal, [
      // First: until they listen, what comes and goes is not seen.
      (stop) => this.#collect(store, stop),
      (stop) => this.#rollOut(stop).finally(() => this.#changes.close()),
      (stop) => this.#follow(stop),
      (stop) => this.#retell(stop),
      ...this.#reporters(),
      () => this.#keep("endpoint", this.#tenures, store.tenures),
      () => this.#keep("program", this.#programs, store.programs),
      () => this.#keep("change", this.#changes, store.changes, this.#options.changes),
      (stop) => this.#logControls(store, stop),
      ...this.#collectors.flatMap((collector) =>
        raw === undefined ? path.of(collector) : this.#handOn(collector, raw),
      ),
      ...(this.#options.enriching?.(path) ?? []),
    ]);
  }

  get #keepsState(): boolean {
    return this.#options.keepsState ?? this.#options.openStore !== undefined;
  }

  get #enforcing(): readonly Seat[] {
    return this.#options.seats.filter(({ node }) => this.#rollout.modes.hasRules(node));
  }

  get #inForce(): boolean {
    if (this.#enforcing.length === 0) return true;
    const statuses = this.#statuses;
    return statuses.length > 0 && statuses.every(({ revision, open }) => revision !== null || open);
  }

  get #statuses(): readonly EnforcerStatus[] {
    return [...this.#nodes.values()].map(({ enforcer }) => enforcer.status);
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
      ensureConntrack: !modesOf(config.enforcer).hasRules(node),
      // The data folder is ours only while the store is open.
      ...(openStore === undefined ? {} : { spool: { folder: spoolFolder(config.data.folder, node), ...config.spool } }),
      ...(config.dns.enabled ? { dns: config.dns } : {}),
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

  #handOn(collector: Collecting, raw: RecordSinks): readonly (() => Promise<void>)[] {
    const losses = tee(this.#options.losses, raw.losses);
    return rawWorks(collector, { ...raw, losses }, this.#metrics, this.#options.giveUp ?? never);
  }

  /** Until the feed is closed and all of it is stored. */
  #keep<T>(kind: Kind, feed: Feed<T>, sink: Sink<T>, shown?: Sink<T>): Promise<void> {
    return run(feed, (batch) => batch, this.#kept(kind, sink, shown), { signal: this.#options.giveUp ?? never });
  }

  #kept<T>(kind: Kind, sink: Sink<T>, shown?: Sink<T>): Sink<T> {
    const { clock } = this.#options;
    const kept = retrying(measured(sink, { metrics: this.#metrics, clock, kind }), { clock });
    return shown === undefined ? kept : tee(shown, kept);
  }

  async #logControls(store: EngineStore, stop: AbortSignal): Promise<void> {
    const { controlLog, changes, giveUp, clock } = this.#options;
    // It tries again by itself, and has on disk what waits.
    const kept = measured(store.changes, { metrics: this.#metrics, clock, kind: "change" });
    await controlLog?.run(changes === undefined ? kept : shownOnce(changes, kept), stop, giveUp ?? never);
  }

  #rollOut(stop: AbortSignal): Promise<void> {
    return together(stop, [(until) => this.#rollout.run(until), (until) => this.#enforce(until)]);
  }

  async #enforce(stop: AbortSignal): Promise<void> {
    const kernel = await this.#openKernel();
    if (kernel === undefined) return;
    try {
      await this.#enforceWith(kernel, stop);
    } finally {
      await kernel.close();
    }
  }

  /** Undefined where there is nothing to enforce, and nothing of nftables either. */
  async #openKernel(): Promise<Kernel | undefined> {
    try {
      return await (this.#options.openKernel ?? openKernel)();
    } catch (thrown) {
      if (this.#enforcing.length === 0) return undefined;
      throw thrown;
    }
  }

  async #enforceWith(kernel: Kernel, stop: AbortSignal): Promise<void> {
    this.#nodes = new Map(this.#enforcing.map((seat) => [seat.node, this.#enforcedNode(seat, kernel)]));
    const nodes = [...this.#nodes.values()];
    // A node has one reader of its log. Whoever is second ends here, before it has touched the rules of the first.
    await Promise.race([this.#listening(), aborted(stop)]).catch(() => aborted(stop));
    if (stop.aborted) return;
    await Promise.race([Promise.all(nodes.map(({ ready }) => ready)), aborted(stop)]);
    await this.#clear(kernel);
    if (this.#revision !== undefined) this.#handOut();
    const applied = new AbortController();
    // They end after the last that is to be kept.
    const keeping = Promise.all(nodes.map((node) => node.keep(applied.signal)));
    try {
      const runs = nodes.map((node) => (until: AbortSignal) => node.run(until));
      // Where nothing is kept they have ended already.
      await together(stop, [...runs, (until) => Promise.race([keeping.then(() => {}), aborted(until)])]);
      const { leaveRules } = this.#options;
      await Promise.all(nodes.map(({ enforcer }) => enforcer.stop({ leaveRules })));
    } finally {
      applied.abort();
      await keeping;
    }
  }

  #enforcedNode(seat: Seat, kernel: Kernel): EnforcedNode {
    const { config, clock, log, onAlert, onTamper } = this.#options;
    return new EnforcedNode({
      ...{ seat, kernel, config, clock, log, onAlert },
      proof: this.#proof,
      metrics: this.#metrics,
      isKept: this.#keepsState,
      startOf: (address) => this.#podStarts.startOf(address),
      ipv6: () => this.#podCidrsOf(seat.node).some(({ family }) => family === 6),
      onChange: (change) => this.#changes.push([change]),
      onTamper: onTamper ?? null,
    });
  }

  /** The data folder is ours only while the store is open. */
  #reporters(): readonly ((stop: AbortSignal) => Promise<void>)[] {
    const { openStore, seats, config, clock, log, tellNode } = this.#options;
    if (openStore === undefined) return [];
    const version = sluiceVersion();
    return seats.map((seat) => {
      const { node } = seat;
      const isEnforcing = this.#rollout.modes.hasRules(node);
      const reporter = new NodeReporter({
        data: config.data.folder,
        clock,
        log,
        ...(tellNode && { tell: tellNode }),
        sources: () => ({
          node,
          version,
          mode: isEnforcing ? "enforce" : "observe",
          wanted: this.#revision,
          due: this.#rollout.policyOf(node)?.program.revision,
          enforcer: this.#nodes.get(node)?.enforcer,
          probe: this.#nodes.get(node)?.probe,
          lastArrival: this.#nodes.get(node)?.lastArrival,
        }),
        counters: isEnforcing ? () => this.#proof.in(seat.namespacePath).counters() : undefined,
        originOf: (id) => this.#world.program().rules.get(id) ?? this.#world.pending().program.rules.get(id),
      });
      return (stop) => reporter.run(stop);
    });
  }

  /** A node that only observes has no rules of ours, neither of an earlier run. */
  async #clear(kernel: Kernel): Promise<void> {
    for (const { node, namespacePath } of this.#options.seats) {
      if (this.#rollout.modes.hasRules(node)) continue;
      const nft = kernel.nft(namespacePath);
      if ((await nft.list()) === undefined) continue;
      await nft.apply([{ verb: "add-table" }, { verb: "delete-table" }]);
      this.#options.log.warn({ node }, "rules of an earlier run are removed: this node only observes");
    }
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
    this.#podStarts.follow(changes);
    if (changes.some(({ type }) => type === "synced")) this.#requireNodes();
    this.#tenures.push(this.#enricher.update(changes));
    const program = this.#world.program();
    const isNew = program.revision !== this.#revision;
    this.#revision = program.revision;
    if (isNew) this.#notice(program.revision, program.rules.size, this.#world.placement().classOf.size);
    this.#rollout.take(changes);
    this.#spread();
    this.#policyReady.resolve();
    // Last: what is enforced does not wait for it.
    this.#options.controlLog?.hear(changes);
    const endpoints = () => this.#world.placement().endpoints.values();
    this.#options.onObjects?.(changes, { revision: program.revision, endpoints });
  }

  /** Gives what is in force where to those who enforce it, and to those who tell of it. */
  #spread(): void {
    const common = this.#policyInForce(null);
    if (common === undefined) return;
    const elsewhere = new Map<string, PolicyInForce>();
    for (const { node } of this.#options.seats) {
      const there = this.#policyInForce(node);
      if (there !== undefined && there.program !== common.program) elsewhere.set(node, there);
    }
    this.#programs.push(this.#enricher.use(common, elsewhere, this.#staged(common)));
    this.#handOut();
  }

  #policyInForce(node: string | null): PolicyInForce | undefined {
    const found = this.#rollout.policyOf(node);
    return found && this.#madeOnce(found.program, found.everybody, this.#rollout.modes.of);
  }

  /** What would be in force with everything staged; undefined if nothing is. */
  #staged({ mode }: PolicyInForce): PolicyInForce | undefined {
    const { program, placement } = this.#world.pending();
    return program === this.#world.program() ? undefined : this.#madeOnce(program, placement, mode);
  }

  #madeOnce(program: Program, everybody: Placement, mode: PolicyInForce["mode"]): PolicyInForce {
    const known = this.#inForceBy.get(everybody);
    if (known?.program === program && known.mode === mode) return known;
    const evaluate = known?.program === program ? known.evaluate : evaluatorOf(program, everybody);
    const made = { program, placement: everybody, evaluate, mode };
    this.#inForceBy.set(everybody, made);
    return made;
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
    const staged = this.#rollout.staged();
    for (const [node, { enforcer }] of this.#nodes) {
      const policy = this.#rollout.policyOf(node);
      const podCidrs = this.#podCidrsOf(node);
      if (policy !== undefined)
        enforcer.update(policy.program, policy.enforced, { podCidrs, open: policy.open }, staged);
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
      this.#collectors.map(({ counters, dnsCounters }, index) => {
        const node = nodeOf(index);
        return { node, counters, dns: dnsCounters, spool: spoolUsage(spoolFolder(config.data.folder, node)) };
      }),
    );
    readEnforcers(metrics, () =>
      [...this.#nodes].map(([node, { enforcer, probe }]) => ({
        node,
        status: enforcer.status,
        wanted: this.#revision,
        size: enforcer.size,
        probe,
      })),
    );
    readRollout(
      metrics,
      seats.map(({ node }) => node),
      this.#rollout,
    );
    metrics.read("sluice_enforcer_findings", () =>
      [...this.#nodes].map(([node, { findings }]) => ({ labels: { node }, value: findings.length })),
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

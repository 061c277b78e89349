import type { Address, Cidr } from "../core/address.ts";
import type { Clock } from "../core/clock.ts";
import type { Change } from "../core/kube/watch.ts";
import type { Stage } from "../core/pipeline.ts";
import type { DnsRecord, RawDns } from "../core/records/dns.ts";
import { type EndpointTenure, retellHours } from "../core/records/endpoint.ts";
import type { Flow, FlowEndpoint, FlowService, RawFlow } from "../core/records/flow.ts";
import type { ProgramRecord } from "../core/records/program.ts";
import type { Verdict } from "../policy/verdict.ts";
import type { Agreement } from "./agreement.ts";
import { type Ends, isAuthoritative, reporterOf } from "./authoritative.ts";
import { enrichDns } from "./dns.ts";
import { History } from "./history.ts";
import { HostEndpoints, namedByHost } from "./host-endpoints.ts";
import { nodeFactsOf } from "./node-facts.ts";
import { Owners } from "./owners.ts";
import { pendingOf } from "./pending.ts";
import { PodNetworks } from "./pod-networks.ts";
import { programRecordOf } from "./program-record.ts";
import { RuleBook } from "./rule-book.ts";
import { Services } from "./services.ts";
import { decide, evaluate, modeOf, type PolicyInForce } from "./verdict.ts";

export interface EnricherOptions {
  readonly clock: Clock;
  /** Name of the cluster, for the records of its history. */
  readonly cluster: string;
  /** Ranges of pod addresses beyond the pod CIDRs that nodes state. */
  readonly podCidrs?: readonly Cidr[];
  /** How long deleted pods still resolve. */
  readonly keepMs?: number;
  readonly keepAtMost?: number;
  /** Compares verdicts of the kernel with the evaluator's. */
  readonly agreement?: Agreement;
}

/** What an earlier process told, as far as it still matters. */
export interface Remembered {
  /** Those without an end, and those that ended within the time that deleted pods are kept. */
  readonly tenures: readonly EndpointTenure[];
  /** All of them: connections carry ids of rules for as long as they live. */
  readonly programs: readonly ProgramRecord[];
  /** Until when objects were watched, microseconds, e.g. the last heartbeat; if not known, the newest record of a tenure. */
  readonly watchedUntil?: number;
}

const hourUs = 3_600_000_000;
/** As long as agreement.ts remembers policies. */
const rememberedUs = 120_000_000;
const nobody = { namespace: null, name: null, uid: null, workloadKind: null, workload: null, node: null, labels: {} };
const network: FlowEndpoint = { kind: "network", ...nobody };
const unknown: FlowEndpoint = { kind: "unknown", ...nobody };

/**
 * Turns what a collector saw into what it means: who talked to whom, through which Service, and which policy decided.
 * Fed by `update` with objects (Pods, Nodes, Services, ReplicaSets, Jobs; others are passed over) and by `use` with policy.
 */
export class Enricher {
  readonly #owners: Owners;
  readonly #services = new Services();
  readonly #podNetworks: PodNetworks;
  readonly #rules = new RuleBook();
  readonly #history: History;
  readonly #clock: Clock;
  readonly #cluster: string;
  readonly #agreement: Agreement | undefined;
  #policy: PolicyInForce | undefined;
  /** By node, where other policies are in force. */
  #elsewhere: ReadonlyMap<string, PolicyInForce> = new Map();
  #staged: PolicyInForce | undefined;
  /** When nodes had other policies last, microseconds. */
  readonly #otherwise = new Map<string, number>();
  /** The revision that was told last. */
  #told: string | undefined;

  constructor({ podCidrs = [], ...options }: EnricherOptions) {
    this.#clock = options.clock;
    this.#cluster = options.cluster;
    this.#agreement = options.agreement;
    this.#history = new History(options.cluster);
    this.#owners = new Owners(options);
    this.#podNetworks = new PodNetworks(podCidrs);
  }

  readonly stage: Stage<RawFlow, Flow> = (batch) => batch.map((flow) => this.#enrich(flow));

  readonly dnsStage: Stage<RawDns, DnsRecord> = (batch) =>
    batch.map((raw) =>
      enrichDns(raw, (address) => this.#endpointOf(address, { startedAt: raw.start, node: raw.node })),
    );

  /** Takes over the memory of an earlier process. Comes before everything else. */
  remember({ tenures, programs, watchedUntil }: Remembered): void {
    const ours = tenures.filter(({ cluster }) => cluster === this.#cluster);
    const newest = ours.reduce((latest, { toldAt }) => Math.max(latest, toldAt), Number.NEGATIVE_INFINITY);
    this.#owners.remember(ours, watchedUntil ?? newest);
    this.#history.remember(ours);
    const inForce = programs.filter(({ cluster }) => cluster === this.#cluster);
    this.#rules.recall(inForce);
    this.#told = inForce.toSorted((a, b) => a.start - b.start).at(-1)?.revision;
  }

  /** Changes of objects that belong together. Gives the records of who began or ceased to have which address. */
  update(changes: readonly Change[]): readonly EndpointTenure[] {
    const states = this.#owners.update(changes);
    this.#services.update(changes);
    for (const change of changes) {
      if (change.type === "synced" || change.object.kind !== "Node") continue;
      const { name, podCidrs } = nodeFactsOf(change.object);
      this.#podNetworks.set(name, change.type === "upsert" ? podCidrs : []);
    }
    return this.#history.tell(states, this.#now());
  }

  /** Who still has an address, of whom nothing was told for nearly a day; to be asked each hour. See `retellHours`. */
  retell(): readonly EndpointTenure[] {
    const now = this.#now();
    return this.#history.retell(now - (retellHours - 1) * hourUs, now);
  }

  /**
   * The policies from now on, by node others where those are in force, and what they would be with everything staged, if anything is.
   * Rules of earlier ones are still resolved. Gives the records of programs that are new.
   */
  use(
    policy: PolicyInForce,
    elsewhere: ReadonlyMap<string, PolicyInForce> = new Map(),
    staged?: PolicyInForce,
  ): readonly ProgramRecord[] {
    const others = new Set([...elsewhere.values()].map(({ program }) => program));
    const known = new Set([this.#told, ...[...this.#elsewhere.values()].map(({ program }) => program.revision)]);
    for (const node of [...this.#elsewhere.keys(), ...elsewhere.keys()]) this.#otherwise.set(node, this.#now());
    this.#policy = policy;
    this.#elsewhere = elsewhere;
    this.#staged = staged;
    this.#agreement?.use(policy, this.#now());
    for (const program of [...others, policy.program]) this.#rules.remember(program);
    const told = [...others].filter(({ revision }) => !known.has(revision));
    if (policy.program.revision !== this.#told) told.push(policy.program);
    this.#told = policy.program.revision;
    return told.map((program) => programRecordOf(program, this.#cluster, this.#now()));
  }

  /** Pod addresses of the flow whose owner may become known in a moment; see hold-back.ts. */
  readonly awaited = (flow: RawFlow): readonly Address[] =>
    [flow.sourceAddress, flow.destinationAddress].filter(
      (address) => this.#podNetworks.has(address) && !this.#owners.isSettled(address, flow.startedAt, flow.node),
    );

  /** How many addresses in objects could not be read so far. */
  get unreadable(): number {
    return this.#owners.unreadable;
  }

  #now(): number {
    return this.#clock.now() * 1000;
  }

  #enrich(flow: RawFlow): Flow {
    const policy = this.#elsewhere.get(flow.node) ?? this.#policy;
    const evaluated = evaluate(flow, policy);
    const ends = {
      source: this.#endpointOf(flow.sourceAddress, flow),
      destination: this.#endpointOf(flow.destinationAddress, flow),
    };
    const { source, destination } = this.#namedByHosts(ends, flow, evaluated);
    const reporter = reporterOf(flow, source, destination);
    if (this.#agreement !== undefined && this.#isAsElsewhere(flow.node))
      this.#agreement.check(flow, { source, destination }, this.#rules);
    const { action, verdictSource, programRevision, enforced } = decide(flow, ends, policy, this.#rules, evaluated);
    return {
      ...flow,
      reporter,
      authoritative: isAuthoritative(flow, reporter, { source, destination }),
      mode: modeOf(flow, ends, policy),
      action,
      verdictSource,
      programRevision,
      enforced,
      pending: pendingOf(flow, ends, this.#staged),
      source,
      destination,
      service: this.#serviceOf(flow),
    };
  }

  /** The policies that are remembered are those of that node as well, and have been. */
  #isAsElsewhere(node: string): boolean {
    const last = this.#otherwise.get(node);
    return last === undefined || this.#now() - last > rememberedUs;
  }

  #namedByHosts(ends: Ends, flow: RawFlow, evaluated: Verdict | undefined): Ends {
    if (ends.source.kind !== "node" && ends.destination.kind !== "node") return ends;
    const placement = (this.#elsewhere.get(flow.node) ?? this.#policy)?.placement;
    if (placement === undefined) return ends;
    const hosts = HostEndpoints.of(placement);
    const source = { direction: "egress", address: flow.sourceAddress } as const;
    const destination = { direction: "ingress", address: flow.destinationAddress } as const;
    return {
      source: namedByHost(ends.source, source, hosts, evaluated),
      destination: namedByHost(ends.destination, destination, hosts, evaluated),
    };
  }

  #endpointOf(address: Address, flow: Pick<RawFlow, "startedAt" | "node">): FlowEndpoint {
    const owner = this.#owners.ownerOf(address, flow.startedAt, flow.node);
    if (owner !== undefined) return owner;
    const ours = this.#podNetworks.has(address) || this.#services.has(address) || this.#owners.knows(address);
    return ours ? unknown : network;
  }

  /** By the destination as the client wrote it; a Service without endpoints is not translated and denied at its own address. */
  #serviceOf(flow: RawFlow): FlowService | null {
    const address = flow.nat?.destinationAddress ?? flow.destinationAddress;
    const port = flow.nat?.destinationPort ?? flow.destinationPort;
    const ofNode = () => this.#owners.ownerOf(address, flow.startedAt, flow.node)?.kind === "node";
    return this.#services.serviceOf({ address, protocol: flow.protocol, port }, ofNode) ?? null;
  }
}

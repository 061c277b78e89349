import type { Address, Cidr } from "../core/address.ts";
import type { Clock } from "../core/clock.ts";
import type { Change } from "../core/kube/watch.ts";
import type { Stage } from "../core/pipeline.ts";
import type { Flow, FlowEndpoint, FlowService, RawFlow } from "../core/records/flow.ts";
import { isAuthoritative, reporterOf } from "./authoritative.ts";
import { nodeFactsOf } from "./node-facts.ts";
import { Owners } from "./owners.ts";
import { PodNetworks } from "./pod-networks.ts";
import { RuleBook } from "./rule-book.ts";
import { Services } from "./services.ts";
import { decide, type PolicyInForce } from "./verdict.ts";

export interface EnricherOptions {
  readonly clock: Clock;
  /** Ranges of pod addresses beyond the pod CIDRs that nodes state. */
  readonly podCidrs?: readonly Cidr[];
  /** How long deleted pods still resolve. */
  readonly keepMs?: number;
  readonly keepAtMost?: number;
}

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
  #policy: PolicyInForce | undefined;

  constructor({ podCidrs = [], ...options }: EnricherOptions) {
    this.#owners = new Owners(options);
    this.#podNetworks = new PodNetworks(podCidrs);
  }

  readonly stage: Stage<RawFlow, Flow> = (batch) => batch.map((flow) => this.#enrich(flow));

  /** Changes of objects that belong together. */
  update(changes: readonly Change[]): void {
    this.#owners.update(changes);
    this.#services.update(changes);
    for (const change of changes) {
      if (change.type === "synced" || change.object.kind !== "Node") continue;
      const { name, podCidrs } = nodeFactsOf(change.object);
      this.#podNetworks.set(name, change.type === "upsert" ? podCidrs : []);
    }
  }

  /** The policies from now on. Rules of earlier ones are still resolved. */
  use(policy: PolicyInForce): void {
    this.#policy = policy;
    this.#rules.remember(policy.program);
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

  #enrich(flow: RawFlow): Flow {
    const source = this.#endpointOf(flow.sourceAddress, flow);
    const destination = this.#endpointOf(flow.destinationAddress, flow);
    const reporter = reporterOf(flow, source, destination);
    return {
      ...flow,
      reporter,
      authoritative: isAuthoritative(flow, reporter, { source, destination }),
      mode: this.#policy?.mode(flow.node) ?? "observed",
      ...decide(flow, { source, destination }, this.#policy, this.#rules),
      pending: [],
      source,
      destination,
      service: this.#serviceOf(flow),
    };
  }

  #endpointOf(address: Address, flow: RawFlow): FlowEndpoint {
    const owner = this.#owners.ownerOf(address, flow.startedAt, flow.node);
    if (owner !== undefined) return owner;
    const ours = this.#podNetworks.has(address) || this.#services.has(address) || this.#owners.knows(address);
    return ours ? unknown : network;
  }

  /** By the destination as the client wrote it; a Service without endpoints is not translated and denied at its own address. */
  #serviceOf(flow: RawFlow): FlowService | null {
    const address = flow.nat?.destinationAddress ?? flow.destinationAddress;
    const port = flow.nat?.destinationPort ?? flow.destinationPort;
    const ofNode = this.#owners.ownerOf(address, flow.startedAt, flow.node)?.kind === "node";
    return this.#services.serviceOf({ address, protocol: flow.protocol, port }, ofNode) ?? null;
  }
}

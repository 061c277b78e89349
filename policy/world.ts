import { type KubeObject, keyOf } from "../core/kube/objects.ts";
import type { Change } from "../core/kube/watch.ts";
import { compile } from "./compile.ts";
import type { Node, Pod } from "./kinds/cluster.ts";
import type { HostEndpoint } from "./kinds/host-endpoint.ts";
import type { NetworkSet } from "./kinds/network-set.ts";
import { type Fact, readFact } from "./kinds/read.ts";
import { builtInTiers } from "./kinds/tier.ts";
import { hostLabels, networkSetLabels, podLabels } from "./labels.ts";
import type { Problem } from "./model.ts";
import { withOneOwner } from "./one-owner.ts";
import { place, type Services } from "./place.ts";
import type { Endpoint, EndpointId, Placement } from "./placement.ts";
import type { Program } from "./program.ts";
import type { Labels } from "./selector/syntax.ts";
import { pendingPolicies } from "./staged.ts";
import type { Warning } from "./warnings/warning.ts";
import { warningsOf } from "./warnings.ts";

/** A fault of one object, which keeps its last good state. */
export interface Fault {
  readonly object: KubeObject;
  readonly problems: readonly Problem[];
}

/**
 * All objects that policy depends on. Changes go in; the Program and the Placement that follow from the current state
 * come out, recomputed only where something they depend on has changed.
 */
export class World {
  readonly #facts = new Map<string, { readonly fact: Fact; readonly labels: Labels }>();
  #program: Program | undefined;
  #placement: Placement | undefined;
  #pending: { readonly program: Program; readonly placement: Placement } | undefined;

  /** Takes changes in and tells which objects were refused; those keep their last good state. */
  apply(changes: readonly Change[]): readonly Fault[] {
    const faults: Fault[] = [];
    for (const change of changes) {
      if (change.type === "synced") continue;
      const key = keyOf(change.object);
      if (change.type === "delete") this.#replace(key, undefined);
      else {
        const read = readFact(change.object);
        if ("problems" in read) faults.push({ object: change.object, problems: read.problems });
        else this.#replace(key, { fact: read.value, labels: change.object.metadata.labels ?? {} });
      }
    }
    return faults;
  }

  program(): Program {
    this.#program ??= compile(
      this.#of("tier").map(({ tier }) => tier),
      this.#of("policy").map(({ policy }) => policy),
    );
    return this.#program;
  }

  placement(): Placement {
    this.#placement ??= place(this.program(), this.#endpoints(), this.#services());
    return this.#placement;
  }

  /** What would be if everything staged were in force. */
  pending(): { readonly program: Program; readonly placement: Placement } {
    this.#pending ??= this.#withStaged();
    return this.#pending;
  }

  #withStaged(): { readonly program: Program; readonly placement: Placement } {
    const policies = this.#of("policy").map(({ policy }) => policy);
    if (policies.every(({ staged }) => staged === null))
      return { program: this.program(), placement: this.placement() };
    const program = compile(
      this.#of("tier").map(({ tier }) => tier),
      pendingPolicies(policies),
    );
    return { program, placement: place(program, this.#endpoints(), this.#services()) };
  }

  nodes(): ReadonlyMap<string, Node> {
    return new Map(this.#of("node").map(({ node }) => [node.name, node]));
  }

  /** Tiers that policies name but nobody made; their policies come last and deny. */
  missingTiers(): readonly string[] {
    const known = new Set([...builtInTiers, ...this.#of("tier").map(({ tier }) => tier)].map(({ name }) => name));
    return [...new Set(this.#of("policy").map(({ policy }) => policy.tier))].filter((tier) => !known.has(tier)).sort();
  }

  /** What in the policies is probably not meant. */
  warnings(): readonly Warning[] {
    return warningsOf({
      policies: this.#of("policy").map(({ policy }) => policy),
      tiers: this.#of("tier").map(({ tier }) => tier),
      endpoints: this.#endpoints(),
      services: new Set(this.#services().keys()),
    });
  }

  #replace(key: string, entry: { readonly fact: Fact; readonly labels: Labels } | undefined): void {
    const kinds = [this.#facts.get(key)?.fact.type, entry?.fact.type];
    if (entry === undefined) this.#facts.delete(key);
    else this.#facts.set(key, entry);
    if (kinds.some((type) => type === "policy" || type === "tier")) this.#program = undefined;
    if (kinds.some((type) => type !== undefined && type !== "none")) this.#placement = this.#pending = undefined;
  }

  #of<T extends Fact["type"]>(type: T): readonly Extract<Fact, { type: T }>[] {
    const wanted = (fact: Fact): fact is Extract<Fact, { type: T }> => fact.type === type;
    return [...this.#facts.values()].map(({ fact }) => fact).filter(wanted);
  }

  #endpoints(): readonly Endpoint[] {
    const pods = withOneOwner(this.#of("pod").map(({ pod }) => pod)).map((pod) => this.#podEndpoint(pod));
    const nodes = this.#of("node").map(({ node }) => nodeEndpoint(node));
    const hosts = this.#of("hostEndpoint").map(({ hostEndpoint }) => hostOf(hostEndpoint));
    const sets = this.#of("networkSet").map(({ networkSet }) => this.#setOf(networkSet));
    return [...nodes, ...pods, ...hosts, ...sets]
      .filter(({ kind, addresses }) => kind === "host" || kind === "set" || addresses.length > 0)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  #podEndpoint(pod: Pod): Endpoint {
    const { namespace, name, node, hostNetwork, addresses, ports, serviceAccount } = pod;
    const labels = podLabels({
      namespace,
      serviceAccount,
      labels: pod.labels,
      namespaceLabels: this.#labelsOf(`v1/Namespace/${namespace}`),
      serviceAccountLabels: this.#labelsOf(`v1/ServiceAccount/${namespace}/${serviceAccount}`),
    });
    const id = `pod:${namespace}/${name}` as EndpointId;
    return { ...bare, id, kind: "pod", namespace, name, node, addresses, labels, ports, hostNetwork };
  }

  #setOf({ namespace, name, nets, labels }: NetworkSet): Endpoint {
    const namespaceLabels = namespace === null ? {} : this.#labelsOf(`v1/Namespace/${namespace}`);
    const id = `set:${namespace === null ? "" : `${namespace}/`}${name}` as EndpointId;
    const all = networkSetLabels(labels, { name, namespace, namespaceLabels });
    return { ...bare, id, kind: "set", namespace, name, node: null, nets, labels: all };
  }

  #services(): Services {
    const slices = this.#of("endpointSlice").map(({ endpointSlice }) => endpointSlice);
    const byService = Map.groupBy(slices, ({ service }) => service ?? "");
    return new Map([...byService].map(([service, some]) => [service, some.flatMap(({ backends }) => backends)]));
  }

  #labelsOf(key: string): Labels {
    return this.#facts.get(key)?.labels ?? {};
  }
}

const bare = { addresses: [], nets: [], interfaceName: null, ports: [], hostNetwork: false };

function nodeEndpoint({ name, addresses, labels }: Node): Endpoint {
  return {
    ...bare,
    id: `node:${name}` as EndpointId,
    kind: "node",
    namespace: null,
    name,
    node: name,
    addresses,
    labels,
  };
}

/** Profiles that allow what no policy decides; any other has no rules here. */
const openProfile = /^(projectcalico-default-allow|kns\..+)$/;

function hostOf({ name, node, interfaceName, addresses, labels, profiles, ports }: HostEndpoint): Endpoint {
  const all = hostLabels(
    labels,
    profiles.some((profile) => openProfile.test(profile)),
  );
  const id = `host:${name}` as EndpointId;
  return { ...bare, id, kind: "host", namespace: null, name, node, interfaceName, addresses, labels: all, ports };
}

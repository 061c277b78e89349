import { Multimap } from "../core/multimap.ts";
import { type Ancestor, Ancestors } from "./ancestors.ts";
import { canonicalJson } from "./hash.ts";
import type { Node, Pod } from "./kinds/cluster.ts";
import { type HostEndpoint, isOpenProfile } from "./kinds/host-endpoint.ts";
import type { NetworkSet } from "./kinds/network-set.ts";
import type { Fact } from "./kinds/read.ts";
import {
  hostLabels,
  namespaceLabel,
  networkSetLabels,
  type PodIdentity,
  podLabels,
  serviceAccountLabel,
} from "./labels.ts";
import { AddressOwners } from "./one-owner.ts";
import type { Endpoint, EndpointId } from "./placement.ts";
import type { Labels } from "./selector/syntax.ts";

/** Pods, nodes, host endpoints and network sets with all labels that selectors see, kept up to date object by object. */
export class Endpoints {
  /** The facts in force by the key of their object; whoever changes it calls `put`. */
  readonly #facts: ReadonlyMap<string, Fact>;
  readonly #nodes = new Map<string, Node>();
  readonly #owners: AddressOwners;
  readonly #ancestors = new Ancestors();
  /** Whose labels an object inherits: by the name of a namespace the keys of its pods and sets. */
  readonly #heirs = new Multimap<string, string>();
  /** By key of the object; of one that is gone the id it had. */
  readonly #stale = new Map<string, EndpointId>();

  /** What was made of the own labels of pods. */
  readonly #podLabels = new WeakMap<Labels, Inherited>();

  constructor(facts: ReadonlyMap<string, Fact>) {
    this.#facts = facts;
    this.#owners = new AddressOwners((key) => podIn(facts.get(key)));
  }

  /** The object of that key says something else than before; undefined is nothing. */
  put(key: string, before: Fact | undefined, after: Fact | undefined): void {
    const [left, joined] = [heirOf(before), heirOf(after)];
    if (left !== undefined && left !== joined) this.#heirs.delete(left, key);
    if (joined !== undefined && left !== joined) this.#heirs.add(joined, key);
    this.#touch(key, before);
    this.#touch(key, after);
    if (before?.type === "node") this.#nodes.delete(key);
    if (after?.type === "node") this.#nodes.set(key, after.node);
    const [was, is] = [podIn(before), podIn(after)];
    if (was !== undefined || is !== undefined)
      for (const rival of this.#owners.put(key, was, is)) this.#touch(rival, this.#facts.get(rival));
    if (before?.type === "labels") this.#ancestors.delete(before.ancestor);
    if (after?.type === "labels") this.#ancestors.put(after.ancestor);
    this.#touchHeirs(
      before?.type === "labels" ? before.ancestor : undefined,
      after?.type === "labels" ? after.ancestor : undefined,
    );
  }

  #touchHeirs(before: Ancestor | undefined, after: Ancestor | undefined): void {
    const who = after ?? before;
    if (who === undefined || canonicalJson(before?.labels ?? {}) === canonicalJson(after?.labels ?? {})) return;
    for (const key of this.#heirs.get(who.of === "Namespace" ? who.name : (who.namespace ?? ""))) {
      const fact = this.#facts.get(key);
      if (who.of === "Namespace" || (fact?.type === "pod" && fact.pod.serviceAccount === who.name))
        this.#touch(key, fact);
    }
  }

  nodes(): readonly Node[] {
    return [...this.#nodes.values()];
  }

  /** What has changed since this was last asked; undefined is gone. */
  take(): ReadonlyMap<EndpointId, Endpoint | undefined> {
    const changes = new Map<EndpointId, Endpoint | undefined>();
    for (const [key, id] of this.#stale) changes.set(id, this.#endpoint(key, id));
    this.#stale.clear();
    return changes;
  }

  #touch(key: string, fact: Fact | undefined): void {
    const id = fact && idOf(fact);
    if (id !== undefined) this.#stale.set(key, id);
  }

  #endpoint(key: string, id: EndpointId): Endpoint | undefined {
    const fact = this.#facts.get(key);
    switch (fact?.type) {
      case "pod":
        return this.#podOf(key, id, fact.pod);
      case "node":
        return nodeOf(id, fact.node);
      case "hostEndpoint":
        return hostOf(id, fact.hostEndpoint);
      case "networkSet":
        return this.#setOf(id, fact.networkSet);
      case "policy":
      case "tier":
      case "endpointSlice":
      case "labelTaxonomy":
      case "labels":
      case "none":
      case undefined:
        return undefined;
    }
  }

  /** Nobody can mean a pod that has no address; but the node that it was sent to makes itself ready. */
  #podOf(key: string, id: EndpointId, pod: Pod): Endpoint | undefined {
    const addresses = this.#owners.addressesOf(key);
    if (addresses.length === 0 && (pod.node === null || pod.hostNetwork)) return undefined;
    const { namespace, name, node, ports, hostNetwork } = pod;
    const labels = this.#labelsOf(pod);
    // Each field by name: of 50,000 such objects a spread takes twice the memory.
    return {
      id,
      kind: "pod",
      namespace,
      name,
      node,
      addresses,
      nets: none,
      interfaceName: null,
      labels,
      ports,
      hostNetwork,
    };
  }

  /** The very same of pods that have the same of their own and inherit the same. */
  #labelsOf({ namespace, serviceAccount, labels }: Pod): Labels {
    const namespaceLabels = this.#ancestors.ofNamespace(namespace);
    const serviceAccountLabels = this.#ancestors.ofServiceAccount(namespace, serviceAccount);
    const known = this.#podLabels.get(labels);
    if (
      known?.namespaceLabels === namespaceLabels &&
      known.serviceAccountLabels === serviceAccountLabels &&
      known.all[namespaceLabel] === namespace &&
      known.all[serviceAccountLabel] === serviceAccount
    )
      return known.all;
    const all = podLabels({ namespace, serviceAccount, labels, namespaceLabels, serviceAccountLabels });
    this.#podLabels.set(labels, { namespaceLabels, serviceAccountLabels, all });
    return all;
  }

  #setOf(id: EndpointId, set: NetworkSet): Endpoint {
    const { namespace, name, nets, labels } = set;
    const namespaceLabels = namespace === null ? {} : this.#ancestors.ofNamespace(namespace);
    const all = networkSetLabels(labels, { name, namespace, namespaceLabels });
    return { ...bare, id, kind: "set", namespace, name, node: null, nets, labels: all };
  }
}

/** All labels of a pod, and what they were made of beside its own. */
interface Inherited extends Pick<PodIdentity, "namespaceLabels" | "serviceAccountLabels"> {
  readonly all: Labels;
}

const none = [] as const;
const bare = { addresses: none, nets: none, interfaceName: null, ports: none, hostNetwork: false };

// Joined, as a text put together otherwise is kept in its parts beside the whole.
const podId = ({ namespace, name }: Pod) => ["pod:", namespace, "/", name].join("") as EndpointId;
const nodeId = ({ name }: Node) => `node:${name}` as EndpointId;
const hostId = ({ name }: HostEndpoint) => `host:${name}` as EndpointId;
const setId = ({ namespace, name }: NetworkSet) =>
  `set:${namespace === null ? "" : `${namespace}/`}${name}` as EndpointId;

function idOf(fact: Fact): EndpointId | undefined {
  switch (fact.type) {
    case "pod":
      return podId(fact.pod);
    case "node":
      return nodeId(fact.node);
    case "hostEndpoint":
      return hostId(fact.hostEndpoint);
    case "networkSet":
      return setId(fact.networkSet);
    case "policy":
    case "tier":
    case "endpointSlice":
    case "labelTaxonomy":
    case "labels":
    case "none":
      return undefined;
  }
}

function podIn(fact: Fact | undefined): Pod | undefined {
  return fact?.type === "pod" ? fact.pod : undefined;
}

/** The namespace whose labels it inherits. */
function heirOf(fact: Fact | undefined): string | undefined {
  if (fact?.type === "pod") return fact.pod.namespace;
  return fact?.type === "networkSet" ? (fact.networkSet.namespace ?? undefined) : undefined;
}

/** Nobody can mean a node that has no address. */
function nodeOf(id: EndpointId, node: Node): Endpoint | undefined {
  const { name, addresses, labels } = node;
  if (addresses.length === 0) return undefined;
  return { ...bare, id, kind: "node", namespace: null, name, node: name, addresses, labels };
}

function hostOf(id: EndpointId, host: HostEndpoint): Endpoint {
  const { name, node, interfaceName, addresses, labels, profiles, ports } = host;
  const all = hostLabels(labels, profiles.some(isOpenProfile));
  return { ...bare, id, kind: "host", namespace: null, name, node, interfaceName, addresses, labels: all, ports };
}

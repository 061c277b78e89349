import { Multimap } from "../core/multimap.ts";
import { canonicalJson } from "./hash.ts";
import type { Node, Pod } from "./kinds/cluster.ts";
import { type HostEndpoint, isOpenProfile } from "./kinds/host-endpoint.ts";
import type { NetworkSet } from "./kinds/network-set.ts";
import type { Fact } from "./kinds/read.ts";
import { hostLabels, networkSetLabels, podLabels } from "./labels.ts";
import { AddressOwners } from "./one-owner.ts";
import type { Endpoint, EndpointId } from "./placement.ts";
import type { Labels } from "./selector/syntax.ts";

/** What an object says, and its labels. */
export interface Known {
  readonly fact: Fact;
  readonly labels: Labels;
}

/** Pods, nodes, host endpoints and network sets with all labels that selectors see, kept up to date object by object. */
export class Endpoints {
  /** The facts in force by the key of their object; whoever changes it calls `put`. */
  readonly #facts: ReadonlyMap<string, Known>;
  readonly #nodes = new Map<string, Node>();
  readonly #owners = new AddressOwners();
  /** Whose labels an object inherits: by the key of a namespace or service account the keys of its pods and sets. */
  readonly #heirs = new Multimap<string, string>();
  /** By key of the object; of one that is gone the id it had. */
  readonly #stale = new Map<string, EndpointId>();

  constructor(facts: ReadonlyMap<string, Known>) {
    this.#facts = facts;
  }

  /** The object of that key says something else than before; undefined is nothing. */
  put(key: string, before: Known | undefined, after: Known | undefined): void {
    for (const ancestor of ancestorsOf(before?.fact)) this.#heirs.delete(ancestor, key);
    for (const ancestor of ancestorsOf(after?.fact)) this.#heirs.add(ancestor, key);
    for (const known of [before, after]) this.#touch(key, known?.fact);
    if (before?.fact.type === "node") this.#nodes.delete(key);
    if (after?.fact.type === "node") this.#nodes.set(key, after.fact.node);
    const pods = [before, after].map((known) => (known?.fact.type === "pod" ? known.fact.pod : undefined));
    if (pods.some((pod) => pod !== undefined))
      for (const affected of this.#owners.put(key, pods[1])) this.#touch(affected, this.#facts.get(affected)?.fact);
    if (this.#heirs.has(key) && canonicalJson(before?.labels ?? {}) !== canonicalJson(after?.labels ?? {}))
      for (const heir of this.#heirs.get(key)) this.#touch(heir, this.#facts.get(heir)?.fact);
  }

  nodes(): readonly Node[] {
    return [...this.#nodes.values()];
  }

  /** What has changed since this was last asked; undefined is gone. */
  take(): ReadonlyMap<EndpointId, Endpoint | undefined> {
    const changes = [...this.#stale].map(([key, id]) => [id, this.#endpoint(key)] as const);
    this.#stale.clear();
    return new Map(changes);
  }

  #touch(key: string, fact: Fact | undefined): void {
    const id = fact && idOf(fact);
    if (id !== undefined) this.#stale.set(key, id);
  }

  #endpoint(key: string): Endpoint | undefined {
    const fact = this.#facts.get(key)?.fact;
    switch (fact?.type) {
      case "pod":
        return addressed(this.#podOf(key, fact.pod));
      case "node":
        return addressed(nodeOf(fact.node));
      case "hostEndpoint":
        return hostOf(fact.hostEndpoint);
      case "networkSet":
        return this.#setOf(fact.networkSet);
      case "policy":
      case "tier":
      case "endpointSlice":
      case "labels":
      case "none":
      case undefined:
        return undefined;
    }
  }

  #podOf(key: string, pod: Pod): Endpoint {
    const { namespace, name, node, hostNetwork, ports, serviceAccount } = pod;
    const labels = podLabels({
      namespace,
      serviceAccount,
      labels: pod.labels,
      namespaceLabels: this.#labelsOf(namespaceKey(namespace)),
      serviceAccountLabels: this.#labelsOf(serviceAccountKey(pod)),
    });
    const addresses = this.#owners.addressesOf(key);
    return { ...bare, id: podId(pod), kind: "pod", namespace, name, node, addresses, labels, ports, hostNetwork };
  }

  #setOf(set: NetworkSet): Endpoint {
    const { namespace, name, nets, labels } = set;
    const namespaceLabels = namespace === null ? {} : this.#labelsOf(namespaceKey(namespace));
    const all = networkSetLabels(labels, { name, namespace, namespaceLabels });
    return { ...bare, id: setId(set), kind: "set", namespace, name, node: null, nets, labels: all };
  }

  #labelsOf(key: string): Labels {
    return this.#facts.get(key)?.labels ?? noLabels;
  }
}

const noLabels: Labels = {};
const bare = { addresses: [], nets: [], interfaceName: null, ports: [], hostNetwork: false };

const podId = ({ namespace, name }: Pod) => `pod:${namespace}/${name}` as EndpointId;
const nodeId = ({ name }: Node) => `node:${name}` as EndpointId;
const hostId = ({ name }: HostEndpoint) => `host:${name}` as EndpointId;
const setId = ({ namespace, name }: NetworkSet) =>
  `set:${namespace === null ? "" : `${namespace}/`}${name}` as EndpointId;

const namespaceKey = (namespace: string) => `v1/Namespace/${namespace}`;
const serviceAccountKey = ({ namespace, serviceAccount }: Pod) => `v1/ServiceAccount/${namespace}/${serviceAccount}`;

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
    case "labels":
    case "none":
      return undefined;
  }
}

/** Keys of the objects whose labels it inherits. */
function ancestorsOf(fact: Fact | undefined): readonly string[] {
  if (fact?.type === "pod") return [namespaceKey(fact.pod.namespace), serviceAccountKey(fact.pod)];
  if (fact?.type === "networkSet" && fact.networkSet.namespace !== null)
    return [namespaceKey(fact.networkSet.namespace)];
  return [];
}

/** Nobody can mean a pod or a node that has no address; but a node makes itself ready for a pod that is sent to it. */
function addressed(endpoint: Endpoint): Endpoint | undefined {
  return endpoint.addresses.length > 0 || isExpected(endpoint) ? endpoint : undefined;
}

function isExpected({ kind, node, hostNetwork }: Endpoint): boolean {
  return kind === "pod" && node !== null && !hostNetwork;
}

function nodeOf(node: Node): Endpoint {
  const { name, addresses, labels } = node;
  return { ...bare, id: nodeId(node), kind: "node", namespace: null, name, node: name, addresses, labels };
}

function hostOf(host: HostEndpoint): Endpoint {
  const { name, node, interfaceName, addresses, labels, profiles, ports } = host;
  const all = hostLabels(labels, profiles.some(isOpenProfile));
  const id = hostId(host);
  return { ...bare, id, kind: "host", namespace: null, name, node, interfaceName, addresses, labels: all, ports };
}

import type { Address } from "../core/address.ts";
import type { FlowEndpoint } from "../core/records/flow.ts";
import { namespacePrefix, podLabels, serviceAccountLabel, serviceAccountPrefix } from "./labels.ts";
import type { Endpoint, EndpointId, NamedPort, Placement } from "./placement.ts";
import type { PartialLabels } from "./selector/partial.ts";
import type { Labels } from "./selector/syntax.ts";

/** Somebody at one end of a recorded connection, as policy would have seen him then. */
export interface Identity extends PartialLabels {
  readonly kind: "pod" | "node" | "network";
  readonly namespace: string | null;
  readonly name: string | null;
  /** The node he was on, or was. */
  readonly node: string | null;
  readonly address: Address;
  /** The ports he declared; null where nobody knows. */
  readonly ports: readonly NamedPort[] | null;
  /** He still is where he was: what the present says of his address is about him. */
  readonly isPresent: boolean;
  /** What nobody knows of him, in words. */
  readonly gaps: readonly string[];
}

/** Labels of namespaces by name. */
export type Namespaces = ReadonlyMap<string, Labels>;

/**
 * Makes identities of what flow records tell: kind, name, node and own labels of the time. A record does not tell the labels of
 * the namespace: those of today count, as they belong to the situation that is asked about. It does not tell the service account
 * and the declared ports either, which stand in a pod's template and never change: they are taken from the pod, or from one that was
 * made from the same template; if neither is there any more, they are lost.
 */
export class Identities {
  readonly #namespaces: Namespaces;
  readonly #placement: Placement;
  readonly #byTemplate = new Map<string, Endpoint[]>();
  readonly #inherited = new Map<string, Labels>();
  readonly #podAddresses = new Set<Address>();

  constructor(placement: Placement, namespaces: Namespaces = new Map()) {
    this.#placement = placement;
    this.#namespaces = namespaces;
    for (const endpoint of placement.endpoints.values()) if (endpoint.kind === "pod") this.#learn(endpoint);
  }

  #learn(pod: Endpoint): void {
    const template = templateOf(pod.namespace, pod.labels);
    if (template !== undefined)
      this.#byTemplate.set(template, [...(this.#byTemplate.get(template) ?? []), pod].slice(0, 8));
    if (pod.namespace !== null && !this.#inherited.has(pod.namespace))
      this.#inherited.set(pod.namespace, unprefixed(namespacePrefix, pod.labels));
    if (!pod.hostNetwork) for (const address of pod.addresses) this.#podAddresses.add(address);
  }

  /** Undefined where the record does not say who it was. */
  of(end: FlowEndpoint | null, address: Address): Identity | undefined {
    if (end === null) return undefined;
    switch (end.kind) {
      case "unknown":
        return undefined;
      case "pod":
        return end.namespace === null || end.name === null ? undefined : this.#pod(end, end.namespace, address);
      case "host":
        return end.node === null ? undefined : this.#node(end.node, address);
      case "node":
      case "network": {
        const isPresent = !this.#podAddresses.has(address);
        return { ...bare, ...pick(end), kind: end.kind, address, labels: end.labels, isPresent };
      }
    }
  }

  /** Whom a host endpoint stands for. The labels in the record are the endpoint's own; those of the node are of today. */
  #node(name: string, address: Address): Identity {
    const today = this.#placement.endpoints.get(`node:${name}` as EndpointId);
    const gaps = today === undefined ? [`labels of node ${name}`] : [];
    const who = { kind: "node", namespace: null, name, node: name, address } as const;
    const isLost = () => today === undefined;
    return { ...bare, ...who, labels: today?.labels ?? {}, isLost, isPresent: !this.#podAddresses.has(address), gaps };
  }

  #pod(end: FlowEndpoint, namespace: string, address: Address): Identity {
    const today = this.#placement.endpoints.get(`pod:${namespace}/${end.name}` as EndpointId);
    const isPresent = today?.addresses.includes(address) ?? false;
    const twin = isPresent ? today : this.#twin(end, namespace);
    const namespaceLabels = this.#inherited.get(namespace) ?? this.#namespaces.get(namespace);
    const account = twin?.labels[serviceAccountLabel];
    const labels = podLabels({
      namespace,
      serviceAccount: account ?? "",
      labels: end.labels,
      namespaceLabels: namespaceLabels ?? {},
      serviceAccountLabels: twin === undefined ? {} : unprefixed(serviceAccountPrefix, twin.labels),
    });
    const isLost = (label: string) =>
      (account === undefined && (label === serviceAccountLabel || label.startsWith(serviceAccountPrefix))) ||
      (namespaceLabels === undefined &&
        label.startsWith(namespacePrefix) &&
        label !== `${namespacePrefix}${nameLabel}`);
    const gaps = [
      ...(account === undefined ? ["service account"] : []),
      ...(twin === undefined ? ["named ports"] : []),
      ...(isPresent ? [] : ["Services"]),
      ...(namespaceLabels === undefined ? [`labels of namespace ${namespace}`] : []),
    ];
    return { ...pick(end), kind: "pod", address, labels, isLost, ports: twin?.ports ?? null, isPresent, gaps };
  }

  /** A pod of the same workload that was made from the same template. */
  #twin({ labels, workload, name }: FlowEndpoint, namespace: string): Endpoint | undefined {
    const template = templateOf(namespace, labels);
    if (template === undefined) return undefined;
    const prefix = `${workload ?? name?.replace(/-[^-]*$/, "")}-`;
    return this.#byTemplate.get(template)?.find((pod) => pod.name.startsWith(prefix));
  }
}

const nameLabel = "projectcalico.org/name";
const bare = { isLost: () => false, ports: [], gaps: [] };

const pick = ({ namespace, name, node }: FlowEndpoint) => ({ namespace, name, node });

/** Controllers label pods with a hash of the template they were made from (Deployment; DaemonSet and StatefulSet). */
function templateOf(namespace: string | null, labels: Labels): string | undefined {
  const hash = labels["pod-template-hash"] ?? labels["controller-revision-hash"];
  return hash === undefined ? undefined : `${namespace} ${hash}`;
}

function unprefixed(prefix: string, labels: Labels): Labels {
  return Object.fromEntries(
    Object.entries(labels)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
}

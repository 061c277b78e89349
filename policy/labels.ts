import type { Labels, Selector } from "./selector/syntax.ts";

/** Labels that every pod has for selectors, beside its own and those of its namespace and service account. */
export const namespaceLabel = "projectcalico.org/namespace";
const orchestratorLabel = "projectcalico.org/orchestrator";
export const serviceAccountLabel = "projectcalico.org/serviceaccount";
const nameLabel = "projectcalico.org/name";

export const namespacePrefix = "pcns.";
export const serviceAccountPrefix = "pcsa.";
const inheritedPrefixes = [namespacePrefix, serviceAccountPrefix] as const;

const kindLabel = "projectcalico.org/kind";
/** What a host endpoint has beside its own labels: `allow` or `none`, after its profiles. */
const hostLabel = "sluice.dev/host-endpoint";
/** Labels that say what somebody is: nobody gives them to himself. */
const reserved = [orchestratorLabel, hostLabel, kindLabel];

/** The selector of all pods, and of nothing else. */
export const isPod: Selector = { op: "==", label: orchestratorLabel, value: "k8s" };
/** Of all host endpoints, and of those that a profile allows what no policy decides. */
export const isHost: Selector = { op: "has", label: hostLabel };
export const isOpenHost: Selector = { op: "==", label: hostLabel, value: "allow" };

export function inNamespace(namespace: string): Selector {
  return { op: "==", label: namespaceLabel, value: namespace };
}

export interface PodIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly labels: Labels;
  readonly namespaceLabels: Labels;
  readonly serviceAccountLabels: Labels;
}

/**
 * All labels a selector sees on a pod. Whoever may label a pod may not pretend that it is in another namespace or runs under
 * another service account: its own labels with the prefixes of inherited ones do not count.
 */
export function podLabels(pod: PodIdentity): Labels {
  return {
    ...prefixed(namespacePrefix, pod.namespaceLabels, pod.namespace),
    ...prefixed(serviceAccountPrefix, pod.serviceAccountLabels, pod.serviceAccount),
    ...without(pod.labels, reserved),
    [namespaceLabel]: pod.namespace,
    [orchestratorLabel]: "k8s",
    [serviceAccountLabel]: pod.serviceAccount,
  };
}

/** All labels a selector sees on a host endpoint. */
export function hostLabels(labels: Labels, open: boolean): Labels {
  return { ...without(labels, reserved), [hostLabel]: open ? "allow" : "none" };
}

/** The labels that its author gave a host endpoint. */
export function ownHostLabels(all: Labels): Labels {
  return without(all, [hostLabel]);
}

/** All labels a selector sees on a network set; `namespace` is null for a global one. */
export function networkSetLabels(
  labels: Labels,
  set: { readonly name: string; readonly namespace: string | null; readonly namespaceLabels: Labels },
): Labels {
  const own = { ...without(labels, [...reserved, namespaceLabel]), [nameLabel]: set.name };
  if (set.namespace === null) return { ...own, [kindLabel]: "GlobalNetworkSet" };
  return {
    ...prefixed(namespacePrefix, set.namespaceLabels, set.namespace),
    ...own,
    [kindLabel]: "NetworkSet",
    [namespaceLabel]: set.namespace,
  };
}

/** Whether a label comes from a namespace or service account: host endpoints and global network sets have none such. */
export function isOfNamespace(label: string): boolean {
  const automatic = [namespaceLabel, orchestratorLabel, serviceAccountLabel];
  return automatic.includes(label) || inheritedPrefixes.some((prefix) => label.startsWith(prefix));
}

function without(labels: Labels, keys: readonly string[]): Labels {
  const isTaken = (key: string) => keys.includes(key) || inheritedPrefixes.some((prefix) => key.startsWith(prefix));
  return Object.keys(labels).some(isTaken)
    ? Object.fromEntries(Object.entries(labels).filter(([key]) => !isTaken(key)))
    : labels;
}

type InheritedPrefix = (typeof inheritedPrefixes)[number];

/** What was made of labels that have many heirs. */
const known: Readonly<Record<InheritedPrefix, WeakMap<Labels, { readonly name: string; readonly labels: Labels }>>> = {
  [namespacePrefix]: new WeakMap(),
  [serviceAccountPrefix]: new WeakMap(),
};

/** Labels of a namespace or service account, its name among them, as its pods inherit them. */
function prefixed(prefix: InheritedPrefix, labels: Labels, name: string): Labels {
  const found = known[prefix].get(labels);
  if (found?.name === name) return found.labels;
  const all = Object.entries({ ...labels, [nameLabel]: name });
  const made = Object.fromEntries(all.map(([key, value]) => [prefix + key, value]));
  known[prefix].set(labels, { name, labels: made });
  return made;
}

/**
 * A selector over namespaces (or service accounts) as one over the labels their pods inherit. `all()` means "is in any
 * namespace" and `global()` "is in none".
 */
export function inherited(selector: Selector, prefix: string, presence: string): Selector {
  const rewrite = (term: Selector): Selector => {
    switch (term.op) {
      case "all":
        return { op: "has", label: presence };
      case "global":
        return { op: "not", term: { op: "has", label: presence } };
      case "not":
        return { op: "not", term: rewrite(term.term) };
      case "and":
      case "or":
        return { op: term.op, terms: term.terms.map(rewrite) };
      case "has":
        return { op: "has", label: prefix + term.label };
      case "in":
      case "not in":
        return { op: term.op, label: prefix + term.label, values: term.values };
      case "==":
      case "!=":
      case "contains":
      case "starts with":
      case "ends with":
        return { op: term.op, label: prefix + term.label, value: term.value };
    }
  };
  return rewrite(selector);
}

import {
  namespaceLabel,
  namespacePrefix,
  podLabels,
  serviceAccountLabel,
  serviceAccountPrefix,
} from "../../policy/labels.ts";
import type { Program } from "../../policy/program.ts";
import { parseSelector } from "../../policy/selector/parse.ts";
import type { PartialLabels } from "../../policy/selector/partial.ts";
import { residual } from "../../policy/selector/residual.ts";
import { canonical, type Labels, type Selector } from "../../policy/selector/syntax.ts";
import type { CarriedLabels } from "./carried-labels.ts";

/** Labels of namespaces, and of service accounts by their namespace and name. */
export interface Inherited {
  ofNamespace(name: string): Labels;
  ofServiceAccount(namespace: string, name: string): Labels;
}

/**
 * Whether other labels can make policies find other pods or nodes: whether any selector of the Program, once these labels are put in, asks
 * something else of the labels that are not known. Of a namespace those are the pods' own: so it does not matter whether there
 * are pods in it yet.
 */
export function areAsked(program: Program, before: CarriedLabels, after: CarriedLabels, inherited: Inherited): boolean {
  const [old, now] = [before, after].map((carried) => knownOf(carried, inherited)) as [PartialLabels, PartialLabels];
  const { ofNodes, ofOthers } = selectorsOf(program);
  return (after.of === "node" ? ofNodes : ofOthers).some(
    (selector) => textOf(residual(selector, old)) !== textOf(residual(selector, now)),
  );
}

const textOf = (left: Selector | boolean): string => (typeof left === "boolean" ? String(left) : canonical(left));

interface Selectors {
  /** Over the labels of nodes. */
  readonly ofNodes: readonly Selector[];
  /** Over those of pods, hosts and network sets. */
  readonly ofOthers: readonly Selector[];
}

const made = new WeakMap<Program, Selectors>();

function selectorsOf(program: Program): Selectors {
  const known = made.get(program) ?? readSelectors(program);
  made.set(program, known);
  return known;
}

function readSelectors({ applies, sets }: Program): Selectors {
  const definitions = [...sets.values()];
  const texts = (kinds: readonly string[]) =>
    definitions.flatMap((set) => ("selector" in set && kinds.includes(set.kind) ? [set.selector] : []));
  const parsed = (all: readonly string[]) =>
    [...new Set(all)].map((text) => parseSelector(text, Number.POSITIVE_INFINITY));
  return {
    ofNodes: parsed(texts(["nodes"])),
    ofOthers: parsed([...applies.map(({ selector }) => selector), ...texts(["selector", "port"])]),
  };
}

function knownOf({ of, labels, serviceAccount, part }: CarriedLabels, inherited: Inherited): PartialLabels {
  const { name, namespace = "" } = part.metadata;
  switch (of) {
    case "node":
      return { labels, isLost: () => false };
    case "namespace": {
      const all = {
        namespace: name,
        serviceAccount: "",
        labels: {},
        namespaceLabels: labels,
        serviceAccountLabels: {},
      };
      return { labels: podLabels(all), isLost: (label) => !isOfNamespaceItself(label) };
    }
    case "serviceAccount": {
      const namespaceLabels = inherited.ofNamespace(namespace);
      const all = { namespace, serviceAccount: name, labels: {}, namespaceLabels, serviceAccountLabels: labels };
      const isKnown = (label: string) => isOfNamespaceItself(label) || isOfAccountItself(label);
      return { labels: podLabels(all), isLost: (label) => !isKnown(label) };
    }
    case "pod":
    case "template": {
      const account = serviceAccount ?? "";
      const namespaceLabels = inherited.ofNamespace(namespace);
      const serviceAccountLabels = inherited.ofServiceAccount(namespace, account);
      const all = { namespace, serviceAccount: account, labels, namespaceLabels, serviceAccountLabels };
      return { labels: podLabels(all), isLost: () => false };
    }
  }
}

const isOfNamespaceItself = (label: string) => label === namespaceLabel || label.startsWith(namespacePrefix);
const isOfAccountItself = (label: string) => label === serviceAccountLabel || label.startsWith(serviceAccountPrefix);

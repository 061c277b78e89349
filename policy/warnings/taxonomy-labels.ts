import { nearest } from "../../core/nearest.ts";
import type { Fact } from "../kinds/read.ts";
import { isOfNamespace, namespacePrefix, serviceAccountPrefix } from "../labels.ts";
import type { Peer, Policy } from "../model.ts";
import type { Selector } from "../selector/syntax.ts";
import { offerFor } from "../taxonomy/offer.ts";
import { isAllowed } from "../taxonomy/standing.ts";
import type { AllowedValues, CarrierKind, LabelTaxonomy, TaxonomyKey } from "../taxonomy/taxonomy.ts";
import { inWords, type Want, wants } from "./known-labels.ts";
import { type Remark, ruleField, rulesOf, subjectField } from "./remark.ts";

/** What selectors ask for although no taxonomy lets anybody have it. */
export class TaxonomyLabels {
  readonly #keys: readonly TaxonomyKey[];
  /** Labels of sets and host endpoints, of which taxonomies do not speak: `key=value`. */
  readonly #others: ReadonlySet<string>;

  constructor(taxonomies: readonly LabelTaxonomy[], facts: readonly Fact[]) {
    this.#keys = taxonomies.flatMap(({ keys }) => keys);
    this.#others = new Set(facts.flatMap(otherLabels));
  }

  remarks(policy: Policy): readonly Remark[] {
    if (this.#keys.length === 0) return [];
    const field = subjectField(policy);
    return [
      ...this.#unknown(policy.selector, "Pod").map((message) => ({ policy, field, message })),
      ...rulesOf(policy).flatMap(({ direction, rule }) =>
        [rule.source, rule.destination]
          .flatMap((peer) => this.#ofPeer(peer))
          .map((message) => ({ policy, field: ruleField(direction, rule), message })),
      ),
    ];
  }

  #ofPeer({ selector, notSelector, nodes }: Peer): readonly string[] {
    return [...this.#unknown(selector, "Pod"), ...this.#unknown(notSelector, "Pod"), ...this.#unknown(nodes, "Node")];
  }

  #unknown(selector: Selector | null, kind: CarrierKind): readonly string[] {
    if (selector === null) return [];
    return [...new Set(wants(selector).flatMap((want) => this.#complaint(want, kind)))];
  }

  #complaint(want: Want, kind: CarrierKind): readonly string[] {
    if (want.label.startsWith(namespacePrefix))
      return this.#about(want, want.label.slice(namespacePrefix.length), "Namespace");
    if (want.label.startsWith(serviceAccountPrefix) || isOfNamespace(want.label)) return [];
    return this.#about(want, want.label, kind);
  }

  #about({ label, value }: Want, key: string, kind: CarrierKind): readonly string[] {
    if (automatic.test(key)) return [];
    const all = this.#keys.filter(({ appliesTo }) => appliesTo.includes(kind));
    const named = all.filter((one) => one.key === key);
    if (named.length === 0 && !this.#others.has(key))
      return misnamed(key, all).map((meant) => `${inWords(label)} is in no taxonomy${meant}`);
    if (value === undefined || this.#others.has(`${key}=${value}`)) return [];
    return named
      .map(({ values }) => values)
      .filter((values): values is AllowedValues => !isAllowed(values, value))
      .map((values) => `the taxonomy has no value "${value}" of ${inWords(label)}; ${offerFor(values, value)}`);
  }
}

/** Labels that Kubernetes and Calico give by themselves. */
const automatic = /^([^/]+\.)?(kubernetes\.io|k8s\.io|projectcalico\.org)\//;

/**
 * Most labels are in no taxonomy and need not be. One of a prefix that a taxonomy has keys of should be, and one that is nearly a key
 * is probably misspelt.
 */
function misnamed(key: string, keys: readonly TaxonomyKey[]): readonly string[] {
  const prefix = prefixOf(key);
  const names = keys.map((one) => one.key);
  const siblings = names.filter((name) => prefix !== "" && prefixOf(name) === prefix);
  if (siblings.length === 0) {
    const meant = key.length > shortest ? nearest(key, names) : undefined;
    return meant === undefined ? [] : [`; did you mean ${meant}?`];
  }
  // One prefix makes all alike.
  const meant = nearest(
    key.slice(prefix.length),
    siblings.map((name) => name.slice(prefix.length)),
  );
  return [meant === undefined ? `, which has ${siblings.join(", ")}` : `; did you mean ${prefix}${meant}?`];
}

/** Short words are near to many others. */
const shortest = 4;

const prefixOf = (key: string) => key.slice(0, key.indexOf("/") + 1);

function otherLabels(fact: Fact): readonly string[] {
  const labels =
    fact.type === "networkSet" ? fact.networkSet.labels : fact.type === "hostEndpoint" ? fact.hostEndpoint.labels : {};
  return Object.entries(labels).flatMap(([key, value]) => [key, `${key}=${value}`]);
}

import { type KubeObject, keyOf } from "../../core/kube/objects.ts";
import type { Change } from "../../core/kube/watch.ts";
import { toldResources } from "../../policy/kinds/custom-resources.ts";
import { type Fact, readFact } from "../../policy/kinds/read.ts";
import { builtInTiers } from "../../policy/kinds/tier.ts";
import type { Policy, Problem } from "../../policy/model.ts";
import type { Endpoint } from "../../policy/placement.ts";
import { matches } from "../../policy/selector/syntax.ts";
import { SelectorIndex } from "../../policy/selector-index.ts";
import type { Condition } from "../conditions.ts";
import { type NodeReport, nodeReport } from "./node-report.ts";
import { type Programmed, policyConditions, tierConditions } from "./object-conditions.ts";
import { Revisions } from "./revisions.ts";

/** An object and what its status should say. */
export interface Wanted {
  readonly object: KubeObject;
  readonly conditions: readonly Condition[];
}

interface Known {
  readonly object: KubeObject;
  readonly spec: string;
  readonly problems: readonly Problem[];
  /** As it was last accepted. */
  readonly fact: Fact | null;
}

const types = new Set(toldResources.map(({ group, version, kind }) => `${group}/${version}/${kind}`));

/** Policies and tiers of projectcalico.org/v3, and all that their status depends on. */
export class StatusBook {
  readonly #known = new Map<string, Known>();
  readonly #policies = new SelectorIndex<Policy>();
  readonly #nodes = new Map<string, NodeReport | undefined>();
  readonly #revisions = new Revisions();

  /** `revision`: of the Program that these changes led to. */
  take(changes: readonly Change[], revision: string): void {
    const changed: string[] = [];
    for (const change of changes) {
      if (change.type === "synced") continue;
      const { object } = change;
      const after = change.type === "delete" ? undefined : object;
      if (object.apiVersion === "v1" && object.kind === "Node") this.#putNode(object.metadata.name, after);
      else if (types.has(`${object.apiVersion}/${object.kind}`) && this.#put(keyOf(object), after))
        changed.push(keyOf(object));
    }
    this.#revisions.take(revision, changed);
  }

  /** Of all of them, with those endpoints. */
  wanted(endpoints: Iterable<Endpoint>): readonly Wanted[] {
    const selecting = this.#selecting(endpoints);
    const tiers = new Set(builtInTiers.map(({ name }) => name));
    const inUse = new Set<string>();
    for (const { fact } of this.#known.values()) {
      if (fact?.type === "tier") tiers.add(fact.tier.name);
      if (fact?.type === "policy") inUse.add(fact.policy.tier);
    }
    return [...this.#known].map(([key, { object, problems, fact }]) => {
      const programmed = this.#programmed(key);
      if (object.kind === "Tier") {
        const hasPolicies = inUse.has(object.metadata.name);
        return { object, conditions: tierConditions({ problems, hasPolicies, programmed }) };
      }
      const policy = fact?.type === "policy" ? fact.policy : null;
      const isTierMade = policy === null || tiers.has(policy.tier);
      const selects = policy !== null && selecting.has(policy);
      return { object, conditions: policyConditions({ problems, policy, isTierMade, selects, programmed }) };
    });
  }

  #putNode(name: string, node: KubeObject | undefined): void {
    if (node === undefined) this.#nodes.delete(name);
    else this.#nodes.set(name, nodeReport(node));
  }

  /** False if it says what it said. */
  #put(key: string, object: KubeObject | undefined): boolean {
    const before = this.#known.get(key);
    const spec = JSON.stringify(object?.["spec"] ?? null);
    if (object !== undefined && before?.spec === spec && before.object.metadata.uid === object.metadata.uid)
      return false;
    if (before?.fact?.type === "policy") this.#policies.remove(before.fact.policy);
    if (object === undefined) {
      this.#known.delete(key);
      this.#revisions.forget(key);
      return false;
    }
    const read = readFact(object);
    const fact = "problems" in read ? (before?.fact ?? null) : read.value;
    this.#known.set(key, { object, spec, problems: "problems" in read ? read.problems : [], fact });
    if (fact?.type === "policy") this.#policies.add(fact.policy);
    return !("problems" in read) || before === undefined;
  }

  #programmed(key: string): Programmed {
    const isMissing = ([, report]: readonly [string, NodeReport | undefined]) =>
      report?.revision == null || !this.#revisions.has(report.revision, key);
    const missing = [...this.#nodes].filter(isMissing).map(([name]) => name);
    return { revision: this.#revisions.since(key) ?? "", nodes: this.#nodes.size, missing: missing.sort() };
  }

  /** Those that are about somebody. Endpoints of equal labels share them as one object: each is asked about once. */
  #selecting(endpoints: Iterable<Endpoint>): ReadonlySet<Policy> {
    const selecting = new Set<Policy>();
    const seen = new Set<object>();
    for (const { kind, hostNetwork, labels, namespace } of endpoints) {
      if ((kind !== "host" && (kind !== "pod" || hostNetwork)) || seen.has(labels)) continue;
      seen.add(labels);
      this.#policies.visit(labels, (policy) => {
        const isHere = policy.namespace === null || policy.namespace === namespace;
        if (isHere && !selecting.has(policy) && matches(policy.selector, labels)) selecting.add(policy);
      });
    }
    return selecting;
  }
}

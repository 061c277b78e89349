import type { Peer, Policy, Rule } from "../model.ts";
import type { Endpoint } from "../placement.ts";
import { matches, type Selector } from "../selector/syntax.ts";
import { KnownLabels } from "./known-labels.ts";
import { type Remark, ruleField, rulesOf, subjectField } from "./remark.ts";

/** What policies ask for and nobody has. */
export class Whom {
  readonly #subjects: readonly Endpoint[];
  readonly #byNamespace: ReadonlyMap<string | null, readonly Endpoint[]>;
  readonly #labels: KnownLabels;
  readonly #nodeLabels: KnownLabels;

  constructor(endpoints: readonly Endpoint[]) {
    this.#subjects = endpoints.filter(({ kind, hostNetwork }) => kind === "host" || (kind === "pod" && !hostNetwork));
    this.#byNamespace = Map.groupBy(this.#subjects, ({ namespace }) => namespace);
    this.#labels = new KnownLabels(endpoints.filter(({ kind }) => kind !== "node"));
    this.#nodeLabels = new KnownLabels(endpoints.filter(({ kind }) => kind === "node"));
  }

  remarks(policy: Policy): readonly Remark[] {
    if (this.#subjects.length === 0) return [];
    return [
      ...this.#subjectRemarks(policy),
      ...rulesOf(policy).flatMap(({ direction, rule }) =>
        this.#unknown(rule).map((message) => ({ policy, field: ruleField(direction, rule), message })),
      ),
    ];
  }

  #subjectRemarks(policy: Policy): readonly Remark[] {
    const reasons = this.#labels.unknown(policy.selector);
    const field = subjectField(policy);
    if (this.#candidates(policy).some(({ labels }) => matches(policy.selector, labels)))
      return reasons.map((message) => ({ policy, field, message }));
    return [{ policy, field, message: ["selects nobody", ...reasons].join(": ") }];
  }

  /** A namespaced policy selects in its namespace only. */
  #candidates({ namespace }: Policy): readonly Endpoint[] {
    return namespace === null ? this.#subjects : (this.#byNamespace.get(namespace) ?? []);
  }

  #unknown({ source, destination }: Rule): readonly string[] {
    const asked = (labels: KnownLabels, selector: Selector | null) => (selector ? labels.unknown(selector) : []);
    const ofPeer = ({ selector, notSelector, nodes }: Peer) => [
      ...asked(this.#labels, selector),
      ...asked(this.#labels, notSelector),
      ...asked(this.#nodeLabels, nodes),
    ];
    return [...new Set([source, destination].flatMap(ofPeer))];
  }
}

import { canonicalJson } from "./hash.ts";
import { builtInTiers } from "./kinds/tier.ts";
import type { Peer, Policy, Rule, Tier } from "./model.ts";
import type { Endpoint } from "./placement.ts";
import { Selection } from "./selection.ts";
import { canonical, type Selector } from "./selector/syntax.ts";
import { serviceKey } from "./service.ts";
import { hostWarnings } from "./warnings/hosts.ts";
import { KnownLabels } from "./warnings/known-labels.ts";
import { orderWarnings } from "./warnings/order.ts";
import { shadowWarnings } from "./warnings/shadows.ts";
import { directions, ruleField, rulesOf, subjectField, type Warning, warning } from "./warnings/warning.ts";

/** What policies are judged by. Without endpoints nothing is said of whom they select. */
export interface Situation {
  readonly policies: readonly Policy[];
  /** Those that somebody made; the built-in ones are known. */
  readonly tiers: readonly Tier[];
  readonly endpoints: readonly Endpoint[];
  /** Services that something stands behind, as `serviceKey`. */
  readonly services: ReadonlySet<string>;
}

/** What in the policies is probably not meant, policy by policy in the order given, then what concerns several. */
export function warningsOf({ policies, tiers, endpoints, services }: Situation): readonly Warning[] {
  const known = new Map([...builtInTiers, ...tiers].map((tier) => [tier.name, tier]));
  const whom = endpoints.length === 0 ? null : new Whom(endpoints);
  const each = policies
    .filter(({ staged }) => staged !== "delete")
    .flatMap((policy) => [
      ...tierWarnings(policy, known),
      ...(whom?.warnings(policy) ?? []),
      ...hostWarnings(policy, endpoints),
      ...logWarnings(policy, known),
      ...enforcementWarnings(policy),
      ...serviceWarnings(policy, services),
      ...netWarnings(policy),
      ...shadowWarnings(policy),
    ]);
  return distinct([...each, ...orderWarnings(policies)]);
}

/** Parts of one rule are warned of in the same words. */
function distinct(warnings: readonly Warning[]): readonly Warning[] {
  return [...new Map(warnings.map((one) => [canonicalJson(one), one])).values()];
}

function tierWarnings(policy: Policy, known: ReadonlyMap<string, Tier>): readonly Warning[] {
  if (known.has(policy.tier)) return [];
  const message = `there is no Tier ${policy.tier}: the policy comes after all tiers, and what it does not allow is denied`;
  return [warning(policy, "spec.tier", message)];
}

/** What policies ask for and nobody has. */
class Whom {
  readonly #subjects: Selection;
  readonly #labels: KnownLabels;
  readonly #nodeLabels: KnownLabels;

  constructor(endpoints: readonly Endpoint[]) {
    this.#subjects = new Selection(endpoints.filter(({ kind }) => kind === "pod" || kind === "host"));
    this.#labels = new KnownLabels(endpoints.filter(({ kind }) => kind !== "node"));
    this.#nodeLabels = new KnownLabels(endpoints.filter(({ kind }) => kind === "node"));
  }

  warnings(policy: Policy): readonly Warning[] {
    return [
      ...this.#subjectWarnings(policy),
      ...rulesOf(policy).flatMap(({ direction, rule }) =>
        this.#unknown(rule).map((message) => warning(policy, ruleField(direction, rule), message)),
      ),
    ];
  }

  #subjectWarnings(policy: Policy): readonly Warning[] {
    const reasons = this.#labels.unknown(policy.selector);
    if (this.#subjects.places(canonical(policy.selector)).length === 0)
      return [warning(policy, subjectField(policy), ["selects nobody", ...reasons].join(": "))];
    return reasons.map((message) => warning(policy, subjectField(policy), message));
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

function logWarnings(policy: Policy, known: ReadonlyMap<string, Tier>): readonly Warning[] {
  const ends = (known.get(policy.tier)?.defaultAction ?? "deny") === "deny";
  return directions
    .filter((direction) => policy[direction]?.length && policy[direction].every(({ action }) => action === "log"))
    .map((direction) => {
      const then = ends ? ": the tier then denies everything that no other policy of it allows" : "";
      return warning(policy, `spec.${direction}`, `has only Log rules${then}`);
    });
}

/** Per rule as it was written, of which some parts may be enforced. */
function enforcementWarnings(policy: Policy): readonly Warning[] {
  return directions.flatMap((direction) =>
    [...Map.groupBy(policy[direction] ?? [], ({ index }) => index).values()].flatMap((parts) => {
      const missing = parts.filter(({ notEnforced }) => notEnforced.length > 0);
      const first = missing[0];
      if (first === undefined) return [];
      const named = [...new Set(missing.flatMap(({ notEnforced }) => notEnforced))].join("; ");
      const message = `cannot be enforced ${failure(first, missing.length < parts.length)}: ${named}`;
      return [warning(policy, ruleField(direction, first), message)];
    }),
  );
}

function failure({ action }: Rule, inPart: boolean): string {
  if (action === "deny" || action === "pass") return "and therefore denies everything";
  return inPart ? "in part, which matches nothing" : "and therefore matches nothing";
}

function serviceWarnings(policy: Policy, services: ReadonlySet<string>): readonly Warning[] {
  return rulesOf(policy).flatMap(({ direction, rule }) =>
    (["source", "destination"] as const).flatMap((end) => {
      const { service } = rule[end];
      if (service === null || services.has(serviceKey(service))) return [];
      const message = `nothing stands behind Service ${serviceKey(service)}: no EndpointSlice of it is known`;
      return [warning(policy, `${ruleField(direction, rule)}.${end}.services`, message)];
    }),
  );
}

function netWarnings(policy: Policy): readonly Warning[] {
  return rulesOf(policy).flatMap(({ direction, rule }) =>
    (["source", "destination"] as const)
      .filter((end) => rule[end].notNets.some(({ bits }) => bits === 0))
      .map((end) =>
        warning(
          policy,
          `${ruleField(direction, rule)}.${end}.notNets`,
          "leaves out every address: the rule matches nothing",
        ),
      ),
  );
}

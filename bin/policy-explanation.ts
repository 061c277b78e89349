import { describeRule, describeSubject, notEnforcedWords } from "../policy/describe.ts";
import { policyId, policyTitle } from "../policy/kind-names.ts";
import type { Policy, Rule } from "../policy/model.ts";
import type { Endpoint } from "../policy/placement.ts";
import type { Direction, PolicyListOfUsers } from "../policy/program.ts";
import { matches } from "../policy/selector/syntax.ts";
import { type Shadow, shadowsOf } from "../policy/shadow.ts";
import type { TierWithPolicies } from "../policy/tiers.ts";
import { plural } from "../sinks/live/text.ts";

/** A policy in words; also what `-o json` prints, so keys stay. */
export interface PolicyExplanation {
  readonly type: "policy";
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
  readonly tier: { readonly name: string; readonly order: number | null; readonly defaultAction: string };
  readonly order: number | null;
  /** Place in its tier, from 1. */
  readonly place: number;
  readonly staged: string | null;
  readonly lists: readonly PolicyListOfUsers[];
  readonly selects: string;
  /** Pods as `namespace/name`, host endpoints as `host:name`. */
  readonly endpoints: readonly string[];
  readonly directions: readonly {
    readonly direction: Direction;
    readonly rules: readonly { readonly rule: number; readonly text: string }[];
    readonly otherwise: string;
  }[];
  readonly notEnforced: readonly string[];
  readonly shadows: readonly string[];
}

export function explainPolicy(
  policy: Policy,
  tiers: readonly TierWithPolicies[],
  subjects: readonly Endpoint[],
): PolicyExplanation {
  const home = tiers.find(({ tier }) => tier.name === policy.tier);
  if (home === undefined) throw new Error(`tier ${policy.tier} of ${policyId(policy)} is not among the tiers`);
  const selected = subjects.filter(({ labels }) => matches(policy.selector, labels));
  const directions = (["ingress", "egress"] as const).flatMap((direction) => {
    const rules = policy[direction];
    return rules === null ? [] : [{ direction, rules: rulesOf(rules), otherwise: otherwise(policy, home) }];
  });
  return {
    type: "policy",
    kind: policy.kind,
    namespace: policy.namespace,
    name: policy.name,
    tier: { name: home.tier.name, order: finite(home.tier.order), defaultAction: home.tier.defaultAction },
    order: finite(policy.order),
    place: home.policies.indexOf(policy) + 1,
    staged: policy.staged,
    lists: policy.lists,
    selects: describeSubject(policy),
    endpoints: selected.map(({ kind, namespace, name }) => (kind === "pod" ? `${namespace}/${name}` : `host:${name}`)),
    directions,
    notEnforced: notEnforced(policy),
    shadows: shadowsOf(policy, tiers, subjects).flatMap((shadow) => shadowWords(shadow, policy)),
  };
}

const finite = (order: number) => (order === Number.POSITIVE_INFINITY ? null : order);

function rulesOf(rules: readonly Rule[]): readonly { readonly rule: number; readonly text: string }[] {
  return [...Map.groupBy(rules, ({ index }) => index)].map(([rule, parts]) => ({ rule, text: describeRule(parts) }));
}

function otherwise({ lists }: Policy, { tier }: TierWithPolicies): string {
  if (!lists.includes("normal") || tier.defaultAction === "pass") return "what no rule of the tier matches goes on";
  return `what no rule of the tier matches is denied`;
}

function notEnforced(policy: Policy): readonly string[] {
  return (["ingress", "egress"] as const).flatMap((direction) =>
    [...Map.groupBy(policy[direction] ?? [], ({ index }) => index)].flatMap(([index, parts]) => {
      const words = notEnforcedWords(parts);
      return words === null ? [] : [`${direction} rule ${index}: ${words}`];
    }),
  );
}

function shadowWords({ direction, rule, ownRules, policies }: Shadow, { tier }: Policy): readonly string[] {
  const why = rule === -1 ? `tier ${tier} denies by default` : `${direction} rule ${rule} matches everything`;
  return [
    ...(ownRules.length === 0
      ? []
      : [`${direction} rule ${ownRules.join(", ")} is never reached: rule ${rule} matches everything`]),
    ...policies.map(
      ({ policy, endpoints }) =>
        `${policyTitle(policy)} is not asked about ${direction} of ${plural(endpoints, "endpoint")}: ${why}`,
    ),
  ];
}

/** So many endpoints are named. */
const namedEndpoints = 20;

/** For people. */
export function explanationText(one: PolicyExplanation): string {
  const order = one.order === null ? "without order, so last" : `order ${one.order}`;
  const tierOrder = one.tier.order === null ? "last" : `order ${one.tier.order}`;
  const more = one.endpoints.length - namedEndpoints;
  const lines = [
    policyTitle(one),
    `  stands in tier ${one.tier.name} (${tierOrder}), ${order}, number ${one.place} there`,
    ...(one.staged === null ? [] : [`  ${stagedWords[one.staged] ?? one.staged}`]),
    ...one.lists.flatMap((list) => (list === "normal" ? [] : [`  ${listWords[list]}`])),
    `  is about ${one.selects}: ${one.endpoints.length === 0 ? "nobody just now" : `${one.endpoints.length} just now`}`,
    ...one.endpoints.slice(0, namedEndpoints).map((name) => `    ${name}`),
    ...(more > 0 ? [`    … and ${more} more`] : []),
    ...one.directions.flatMap(({ direction, rules, otherwise }) => [
      `  ${direction}:`,
      ...rules.map(({ rule, text }) => `    ${rule}. ${text}`),
      `    -  ${otherwise}`,
    ]),
    ...section("not enforced:", one.notEnforced),
    ...section("in its shadow:", one.shadows),
  ];
  return `${lines.join("\n")}\n`;
}

const section = (title: string, lines: readonly string[]) =>
  lines.length === 0 ? [] : [`  ${title}`, ...lines.map((line) => `    ${line}`)];

const stagedWords: Readonly<Record<string, string>> = {
  set: "is staged: not in force; it would take the place of the policy of its name",
  learn: "is staged and still learning: not in force; it would take the place of the policy of its name",
  delete: "is staged: not in force; it would remove the policy of its name",
  ignore: "is staged and dismissed: not in force, and it would change nothing",
};

const listWords: Readonly<Record<Exclude<PolicyListOfUsers, "normal">, string>> = {
  forward: "is also about what host endpoints forward",
  preDnat: "is about what comes to host endpoints, before its destination is translated",
  untracked:
    "is about what host endpoints send and get, before connections are tracked: replies need a rule of their own",
};

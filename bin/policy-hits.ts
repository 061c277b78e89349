import { policyTitle } from "../policy/kind-names.ts";
import type { RuleOrigin } from "../policy/program.ts";
import { type HitHistory, hitsSince, type RuleHits } from "./hit-history.ts";

/** How often one rule was met, on all nodes together. Times are milliseconds. */
export interface RuleUse {
  readonly policy: string;
  readonly tier: string;
  readonly kind: string;
  readonly id: string;
  readonly direction: RuleOrigin["direction"];
  readonly action: RuleOrigin["action"];
  /** -1: the end of the tier, where nothing matched. */
  readonly rule: number;
  readonly hits: number;
  readonly lastHit: number | null;
  /** Since when hits are counted. */
  readonly since: number;
  readonly nodes: readonly string[];
}

export interface PolicyUse {
  readonly policy: string;
  readonly tier: string;
  readonly kind: string;
  readonly hits: number;
  readonly lastHit: number | null;
  readonly since: number;
  readonly nodes: readonly string[];
  readonly rules: readonly RuleUse[];
}

export interface Asked {
  readonly now: number;
  /** Hits from then on; null: all there were. */
  readonly since: number | null;
}

/** By tier and policy, then by direction and place in the policy. Rules that no node has any more are told of as long as they are kept. */
export function policyUses(histories: readonly HitHistory[], asked: Asked): readonly PolicyUse[] {
  const rules = ruleUses(histories, asked);
  return [...Map.groupBy(rules, ({ tier, policy }) => `${tier}\n${policy}`).values()].map((own) => {
    const { policy, tier, kind } = own[0] as RuleUse;
    return { policy, tier, kind, ...together(own), rules: own };
  });
}

function ruleUses(histories: readonly HitHistory[], asked: Asked): readonly RuleUse[] {
  const seen = histories.flatMap(({ node, rules }) =>
    Object.entries(rules).flatMap(([id, hits]) => useOf(node, id, hits, asked) ?? []),
  );
  return [...Map.groupBy(seen, ({ id }) => id).values()]
    .map((own) => ({ ...(own[0] as RuleUse), ...together(own) }))
    .sort(inOrder);
}

function useOf(node: string, id: string, hits: RuleHits, { since, now }: Asked): RuleUse | undefined {
  const { origin } = hits;
  if (origin === null) return undefined;
  const { tier, kind, direction, action, rule } = origin;
  const counted = { hits: hitsSince(hits, since, now), lastHit: hits.lastHit, since: hits.since, nodes: [node] };
  return { policy: policyTitle(origin), tier, kind, id, direction, action, rule, ...counted };
}

function together(uses: readonly Pick<RuleUse, "hits" | "lastHit" | "since" | "nodes">[]) {
  const last = Math.max(...uses.map(({ lastHit }) => lastHit ?? 0));
  return {
    hits: uses.reduce((sum, { hits }) => sum + hits, 0),
    lastHit: last === 0 ? null : last,
    since: Math.min(...uses.map(({ since }) => since)),
    nodes: [...new Set(uses.flatMap(({ nodes }) => nodes))].sort(),
  };
}

/** The end of a tier comes after the rules. */
function inOrder(a: RuleUse, b: RuleUse): number {
  const place = ({ rule }: RuleUse) => (rule < 0 ? Number.MAX_SAFE_INTEGER : rule);
  return (
    a.tier.localeCompare(b.tier, "en") ||
    a.policy.localeCompare(b.policy, "en") ||
    a.direction.localeCompare(b.direction, "en") ||
    place(a) - place(b)
  );
}

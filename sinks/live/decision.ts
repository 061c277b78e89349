import type { Flow } from "../../core/records/flow.ts";

// A step of a policy path, as in flow.avsc `enforced`:
// step => index "|" tier "|" kind ":" [namespace "/"] name "|" action "|" rule

/** One step of the way through policies. */
export interface Step {
  readonly tier: string;
  readonly kind: string;
  /** `namespace/name` or `name`. */
  readonly policy: string;
  readonly action: string;
  readonly rule: number;
}

/** The rule that decided, and the tiers that passed the packet on before. */
export interface Decision {
  readonly step: Step;
  readonly passed: readonly string[];
}

/**
 * The decision that tells most about a record. If denied, the denial; else the destination's, unless only the namespace's
 * profile allowed there while a policy of the source did.
 */
export function decisionOf(flow: Flow): Decision | undefined {
  const decisions = waysOf(flow.enforced).flatMap((way) => decisionOfWay(way) ?? []);
  const denial = decisions.findLast(({ step }) => step.action === "deny");
  return denial ?? decisions.findLast(({ step }) => step.kind !== "pro") ?? decisions.at(-1);
}

/** Tier of a decision for counting; what no tier decided has none. */
export function tierOf(flow: Flow): string | undefined {
  const decision = decisionOf(flow);
  return decision === undefined || decision.step.kind === "pro" ? undefined : decision.step.tier;
}

function decisionOfWay(way: readonly Step[]): Decision | undefined {
  const step = way.at(-1);
  if (step === undefined) return undefined;
  const tiers = way.slice(0, -1).filter(({ action }) => action === "pass");
  return { step, passed: [...new Set(tiers.map(({ tier }) => tier))] };
}

/** Egress and ingress stand one after the other, each counted from 0. */
function waysOf(enforced: readonly string[]): readonly (readonly Step[])[] {
  const ways: Step[][] = [];
  for (const text of enforced) {
    const step = stepOf(text);
    const way = ways.at(-1);
    if (step === undefined) continue;
    if (way === undefined || text.startsWith("0|")) ways.push([step]);
    else way.push(step);
  }
  return ways;
}

/** Texts that are no step are passed over: a record of a newer version must not stop the view. */
function stepOf(text: string): Step | undefined {
  const [, tier, name, action, rule] = text.split("|");
  if (tier === undefined || name === undefined || action === undefined || rule === undefined) return undefined;
  const colon = name.indexOf(":");
  return { tier, kind: name.slice(0, colon), policy: name.slice(colon + 1), action, rule: Number(rule) };
}

import type { Policy, Rule, Tier } from "../model.ts";
import { serviceKey } from "../service.ts";
import { directions, type Remark, ruleField, rulesOf } from "./remark.ts";

const ends = ["source", "destination"] as const;

/** `tiers` are those that somebody made and the built-in ones, by name. */
export function tierRemarks(policy: Policy, tiers: ReadonlyMap<string, Tier>): readonly Remark[] {
  if (tiers.has(policy.tier)) return [];
  const message = `nobody made tier ${policy.tier}: it comes after all others and denies what it does not allow`;
  return [{ policy, field: "spec.tier", message }];
}

/** Only noting what comes by does not let it through. */
export function logRemarks(policy: Policy, tiers: ReadonlyMap<string, Tier>): readonly Remark[] {
  const denies = (tiers.get(policy.tier)?.defaultAction ?? "deny") === "deny";
  const then = denies ? ": what no other policy of its tier allows is then denied" : "";
  return directions
    .filter((direction) => policy[direction]?.length && policy[direction].every(({ action }) => action === "log"))
    .map((direction) => ({ policy, field: `spec.${direction}`, message: `has only Log rules${then}` }));
}

/** Per rule as it was written, of which some parts may be enforced. */
export function enforcementRemarks(policy: Policy): readonly Remark[] {
  return directions.flatMap((direction) =>
    [...Map.groupBy(policy[direction] ?? [], ({ index }) => index).values()].flatMap((parts) => {
      const missing = parts.filter(({ notEnforced }) => notEnforced.length > 0);
      const first = missing[0];
      if (first === undefined) return [];
      const named = [...new Set(missing.flatMap(({ notEnforced }) => notEnforced))].join("; ");
      const message = `cannot be enforced ${failure(first, missing.length < parts.length)}: ${named}`;
      return [{ policy, field: ruleField(direction, first), message }];
    }),
  );
}

function failure({ action }: Rule, inPart: boolean): string {
  if (action === "deny" || action === "pass") return "and therefore denies everything";
  return inPart ? "in part, which matches nothing" : "and therefore matches nothing";
}

/** `services` are those that something stands behind, as `serviceKey`. */
export function serviceRemarks(policy: Policy, services: ReadonlySet<string | null>): readonly Remark[] {
  return rulesOf(policy).flatMap(({ direction, rule }) =>
    ends.flatMap((end) => {
      const { service } = rule[end];
      if (service === null || services.has(serviceKey(service))) return [];
      const message = `nothing stands behind Service ${serviceKey(service)}: there is no EndpointSlice of it`;
      return [{ policy, field: `${ruleField(direction, rule)}.${end}.services`, message }];
    }),
  );
}

export function netRemarks(policy: Policy): readonly Remark[] {
  return rulesOf(policy).flatMap(({ direction, rule }) =>
    ends
      .filter((end) => rule[end].notNets.some(({ bits }) => bits === 0))
      .map((end) => ({
        policy,
        field: `${ruleField(direction, rule)}.${end}.notNets`,
        message: "leaves out every address, so that the rule matches nothing",
      })),
  );
}

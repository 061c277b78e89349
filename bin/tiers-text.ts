import { describeSubject } from "../policy/describe.ts";
import { policyTitle } from "../policy/kind-names.ts";
import { builtInTiers } from "../policy/kinds/tier.ts";
import type { Policy } from "../policy/model.ts";
import type { TierWithPolicies } from "../policy/tiers.ts";
import { padEnd, padStart } from "../sinks/live/text.ts";
import { rulesText } from "./formats/policy-shape.ts";

/** A picture of the tiers: what is asked first stands on top, and between tiers what goes on to the next. */
export function tiersText(tiers: readonly TierWithPolicies[], selected: (policy: Policy) => number): string {
  const builtIn = new Set(builtInTiers.map(({ name }) => name));
  const shown = tiers.filter(({ tier, policies }) => policies.length > 0 || !builtIn.has(tier.name));
  const lines = shown.flatMap((one) => [...box(one, selected), arrow(one)]);
  return `${[...lines, "  no policy decided: pods may talk, host endpoints may not"].join("\n")}\n`;
}

function box({ tier, policies, made }: TierWithPolicies, selected: (policy: Policy) => number): readonly string[] {
  const order = tier.order === Number.POSITIVE_INFINITY ? "last" : `order ${tier.order}`;
  const missing = made ? "" : "  ! nobody made this tier";
  const rows = policies.map((policy) => [
    policy.order === Number.POSITIVE_INFINITY ? "last" : String(policy.order),
    policyTitle(policy),
    policy.staged === null ? "" : `staged: ${policy.staged}`,
    directionText(policy),
    `${describeSubject(policy)} (${selected(policy)})`,
  ]);
  const widths = [0, 1, 2, 3].map((at) => Math.max(0, ...rows.map((row) => (row[at] ?? "").length)));
  const lines = rows.map(([order = "", ...cells]) => {
    const padded = cells.map((cell, at) => padEnd(cell, widths[at + 1] ?? 0)).filter((cell) => cell !== "");
    return `│ ${[padStart(order, widths[0] ?? 0), ...padded].join("  ")}`.trimEnd();
  });
  return [`┌ tier ${tier.name}, ${order}${missing}`, ...(lines.length === 0 ? ["│ (no policies)"] : lines)];
}

function arrow({ tier, policies }: TierWithPolicies): string {
  if (policies.length === 0) return "│";
  if (tier.defaultAction === "pass") return "▼ what no rule matched goes on";
  return "▼ only what passed, and whom no policy of the tier is about: the rest is denied";
}

function directionText({ ingress, egress }: Policy): string {
  const parts = [
    ingress === null ? null : `ingress ${rulesText(ingress)}`,
    egress === null ? null : `egress ${rulesText(egress)}`,
  ];
  return parts.filter((part) => part !== null).join(", ");
}

import { describeSubject } from "../policy/describe.ts";
import { policyTitle } from "../policy/kind-names.ts";
import type { Policy } from "../policy/model.ts";
import type { TierWithPolicies } from "../policy/order.ts";
import { padEnd, padStart } from "../sinks/live/text.ts";
import { rulesText } from "./formats/policy-shape.ts";

/** A picture of the tiers: what is asked first stands on top, and between tiers what goes on to the next. */
export function tiersText(tiers: readonly TierWithPolicies[], selected: (policy: Policy) => number): string {
  const lines = tiers.flatMap((one, index) => [
    ...(index === 0 ? [] : [arrow(tiers[index - 1] as TierWithPolicies)]),
    ...box(one, selected),
  ]);
  return `${[...lines, arrow(tiers.at(-1) as TierWithPolicies), "   no policy decided: pods may talk"].join("\n")}\n`;
}

function box({ tier, policies, exists }: TierWithPolicies, selected: (policy: Policy) => number): readonly string[] {
  const order = tier.order === Number.POSITIVE_INFINITY ? "last" : `order ${tier.order}`;
  const missing = exists ? "" : "  ! nobody made this tier";
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

import { agoText, timeText } from "../node-status.ts";
import type { PolicyUse, RuleUse } from "../policy-hits.ts";
import type { Column, Shape } from "./format.ts";

type Use = Pick<PolicyUse, "hits" | "lastHit" | "since" | "nodes">;

export function policyUseShape(now: number): Shape<PolicyUse> {
  return {
    objectOf: (use) => ({
      type: "policy-hits",
      tier: use.tier,
      policy: use.policy,
      ...countsOf(use),
      rules: use.rules.map((rule) => ruleUseShape(now).objectOf(rule)),
    }),
    nameOf: ({ policy }) => policy,
    columns: [
      { header: "tier", cell: ({ tier }) => tier },
      { header: "policy", cell: ({ policy }) => policy },
      ...countColumns<PolicyUse>(now),
      { header: "rules", cell: ({ rules }) => rules.length },
      { header: "unused", cell: ({ rules }) => rules.filter(({ hits }) => hits === 0).length },
    ],
  };
}

export function ruleUseShape(now: number): Shape<RuleUse> {
  return {
    objectOf: (use) => ({
      type: "rule-hits",
      tier: use.tier,
      policy: use.policy,
      direction: use.direction,
      rule: use.rule < 0 ? null : use.rule,
      action: use.action,
      id: use.id,
      ...countsOf(use),
    }),
    nameOf: ({ id }) => id,
    columns: [
      { header: "tier", cell: ({ tier }) => tier },
      { header: "policy", cell: ({ policy }) => policy },
      { header: "direction", cell: ({ direction }) => direction },
      { header: "rule", cell: ({ rule }) => (rule < 0 ? "end of tier" : String(rule)) },
      { header: "action", cell: ({ action }) => action },
      ...countColumns<RuleUse>(now),
      { header: "id", cell: ({ id }) => id },
      { header: "nodes", cell: ({ nodes }) => nodes.join(" ") },
    ],
  };
}

function countsOf({ hits, lastHit, since, nodes }: Use): Readonly<Record<string, unknown>> {
  return { hits, lastHit: timeText(lastHit), countedSince: timeText(since), nodes };
}

function countColumns<T extends Use>(now: number): readonly Column<T>[] {
  return [
    { header: "hits", cell: ({ hits }) => hits },
    {
      header: "last",
      cell: ({ lastHit }) => timeText(lastHit),
      text: ({ lastHit, since }) =>
        lastHit === null ? `unused since ${timeText(since)?.slice(0, 16)}Z` : `${agoText(now - lastHit)} ago`,
    },
    { header: "countedSince", cell: ({ since }) => timeText(since), only: "csv" },
  ];
}

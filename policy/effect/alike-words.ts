import { policyPath, policyTitle } from "../kind-names.ts";
import type { Alike, Takeover } from "./alike.ts";
import { type Decider, deciderWords, isPolicy } from "./decider.ts";
import { listed } from "./words.ts";

/** More than these are counted only. */
const maxPolicies = 3;

/** Each fact by itself; `what a.x denied is still denied by b.y (e.g. dev/web -> prod/db, TCP 5432)`. None where nothing differs. */
export function alikeWords({ takeovers, folded, restated, idle }: Alike): readonly string[] {
  const ambiguous = ambiguousPaths(takeovers.flatMap(({ was, now }) => [...was, ...now]));
  return [
    ...takeovers.map((takeover) => takeoverWords(takeover, ambiguous)),
    ...(folded === 0 ? [] : [`${folded} more of other policies`]),
    ...(restated.length === 0 ? [] : [`what differs of ${listed(restated, maxPolicies)} decides as it did`]),
    ...(idle.length === 0 ? [] : [`what differs of ${listed(idle, maxPolicies)} decides about no connection`]),
  ];
}

function takeoverWords({ action, was, now, example }: Takeover, ambiguous: ReadonlySet<string>): string {
  const names = (deciders: readonly Decider[]) =>
    listed(
      deciders.map((decider) => deciderWords(decider, ambiguous)),
      maxPolicies,
    );
  const word = action === "deny" ? "denied" : "allowed";
  const { from, to, words } = example;
  return `what ${names(was)} ${word} is still ${word} by ${names(now)} (e.g. ${from} -> ${to}, ${words})`;
}

/** Paths that policies of several kinds have. */
function ambiguousPaths(deciders: readonly Decider[]): ReadonlySet<string> {
  const paths = Map.groupBy(deciders.filter(isPolicy), policyPath);
  return new Set([...paths].filter(([, some]) => new Set(some.map(policyTitle)).size > 1).map(([path]) => path));
}

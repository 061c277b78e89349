import type { Ruleset } from "./ruleset.ts";

export interface RulesetSize {
  readonly rules: number;
  /** Maps among them. */
  readonly sets: number;
  readonly elements: number;
}

export function rulesetSize({ sets, maps, chains }: Ruleset): RulesetSize {
  const size = { rules: 0, sets: sets.size + maps.size, elements: 0 };
  for (const { rules } of chains.values()) size.rules += rules.length;
  for (const { elements } of sets.values()) size.elements += elements.size;
  for (const { entries } of maps.values()) size.elements += entries.size;
  return size;
}

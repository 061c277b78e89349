import { Compiler } from "./compiler.ts";
import { canonicalJson } from "./hash.ts";
import type { Policy, Tier } from "./model.ts";
import type { Program } from "./program.ts";
import type { ProgramSettings } from "./program-settings.ts";

/**
 * Turns the policies in force into one Program; staged ones are left out (staged.ts makes them count). Pure: the same policies in any
 * order give the same Program and revision.
 */
export function compile(tiers: readonly Tier[], policies: readonly Policy[], settings?: ProgramSettings): Program {
  const compiler = new Compiler(settings);
  for (const tier of tiers) compiler.putTier(tier.name, tier);
  for (const [index, policy] of policies.entries()) compiler.put(String(index), policy);
  return compiler.update().program;
}

/** All that a Program means, as one text for archives and diffs. */
export function canonicalText(program: Program): string {
  return canonicalJson({
    sets: [...program.sets].sort(byKey),
    blocks: [...program.blocks].sort(byKey),
    applies: program.applies,
  });
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

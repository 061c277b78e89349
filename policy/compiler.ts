import type { RuleId } from "../core/rule-id.ts";
import { builtInTiers } from "./kinds/tier.ts";
import type { Policy, Tier } from "./model.ts";
import { compilePolicy, compileProfiles, type Piece } from "./piece.ts";
import { comparePolicies, compareTiers, missingTier, type TierPlace } from "./policy-order.ts";
import type { Applicability, BlockId, Instruction, Program, RuleOrigin, SetDefinition, SetId } from "./program.ts";
import { type Entry, revisionOfStages, stageDigest } from "./revision.ts";
import { SharedParts } from "./shared-parts.ts";

/** A Program, and how it differs from the one before. */
export interface ProgramChange {
  readonly program: Program;
  /** Sets that came or went. */
  readonly sets: ReadonlySet<SetId>;
  /** Selectors of `applies` whose entries came, went, changed or moved. */
  readonly selectors: ReadonlySet<string>;
}

interface Compiled {
  readonly policy: Policy;
  readonly piece: Piece;
}

/** The policies of one tier. */
interface Stage {
  place: TierPlace;
  /** In order of evaluation. */
  policies: readonly Compiled[];
  /** What was made of them; undefined where they have changed. */
  made: { readonly rank: number; readonly applies: readonly Applicability[]; readonly digest: string } | undefined;
}

const profiles = compileProfiles();

/**
 * Keeps a Program up to date: a change compiles the policies that changed and puts the rest together again from the pieces it has.
 * What comes out depends on the policies there are, not on how they came.
 */
export class Compiler {
  readonly #tiers = new Map<string, Tier>(builtInTiers.map((tier) => [tier.name, tier]));
  readonly #compiled = new Map<string, Compiled>();
  readonly #stages = new Map<string, Stage>();
  readonly #sets = new SharedParts<SetId, SetDefinition>();
  readonly #blocks = new SharedParts<BlockId, readonly Instruction[]>();
  readonly #rules = new SharedParts<RuleId, RuleOrigin>();
  readonly #changedTiers = new Set<string>();
  readonly #changedPolicies = new Map<string, Policy | undefined>();
  #program: Program | undefined;

  constructor() {
    this.#hold(profiles);
  }

  /** A policy under a key of its own, or undefined: it is gone. Staged policies are as if they were not there. */
  put(key: string, policy: Policy | undefined): void {
    this.#changedPolicies.set(key, policy?.staged === null ? policy : undefined);
  }

  putTier(name: string, tier: Tier | undefined): void {
    const fallback = builtInTiers.find((builtIn) => builtIn.name === name);
    const next = tier ?? fallback;
    if (next === undefined) this.#tiers.delete(name);
    else this.#tiers.set(name, next);
    this.#changedTiers.add(name);
  }

  /** The Program of what there is now. */
  update(): ProgramChange {
    const selectors = new Set<string>(
      this.#program === undefined ? profiles.endEntries.map(({ selector }) => selector) : [],
    );
    const moved = this.#moveTiers(selectors);
    const exchanged = this.#exchangePolicies(selectors);
    const [sets, blocks, rules] = [this.#sets.take(), this.#blocks.take(), this.#rules.take()];
    if (this.#program !== undefined && !moved && !exchanged)
      return { program: this.#program, sets: sets.changed, selectors };
    const stages = [...this.#stages.values()].sort((a, b) => compareTiers(a.place, b.place));
    const made = stages.map((stage, rank) => settle(stage, rank));
    const policies = stages.flatMap((stage) => stage.policies);
    const end = endOf(policies, stages.length);
    this.#program = {
      revision: revisionOfStages([...made, end].map(({ digest }) => digest)),
      sets: sets.current,
      blocks: blocks.current,
      rules: rules.current,
      applies: [...made, end].flatMap(({ applies }) => applies),
      notEnforced: policies.flatMap(({ piece }) => [...piece.notEnforced.values()]),
    };
    return { program: this.#program, sets: sets.changed, selectors };
  }

  /** What moves are the entries of the tiers that changed; those of the others keep their order among themselves. */
  #moveTiers(selectors: Set<string>): boolean {
    let moved = false;
    for (const name of this.#changedTiers) {
      const stage = this.#stages.get(name);
      if (stage === undefined) continue;
      const [before, after] = [stage.place, this.#placeOf(name)];
      stage.place = after;
      if (compareTiers(before, after) === 0 && before.tier.defaultAction === after.tier.defaultAction) continue;
      moved = true;
      for (const { piece } of stage.policies) note(selectors, piece);
      if (before.tier.defaultAction !== after.tier.defaultAction) this.#recompile(name);
    }
    this.#changedTiers.clear();
    return moved;
  }

  #recompile(tier: string): void {
    for (const [key, { policy }] of this.#compiled)
      if (policy.tier === tier && !this.#changedPolicies.has(key)) this.#changedPolicies.set(key, policy);
  }

  #exchangePolicies(selectors: Set<string>): boolean {
    const gone = new Set<Compiled>();
    const come: Compiled[] = [];
    for (const [key, policy] of this.#changedPolicies) {
      const before = this.#compiled.get(key);
      const after = policy && { policy, piece: compilePolicy(this.#placeOf(policy.tier).tier, policy) };
      if (before !== undefined && after !== undefined && isSame(before, after)) continue;
      if (before !== undefined) gone.add(before);
      if (after === undefined) this.#compiled.delete(key);
      else {
        come.push(after);
        this.#compiled.set(key, after);
      }
    }
    this.#changedPolicies.clear();
    for (const { piece } of come) this.#hold(piece);
    for (const { piece } of gone) this.#release(piece);
    for (const { piece } of [...come, ...gone]) note(selectors, piece);
    const tiers = new Set([...gone, ...come].map(({ policy }) => policy.tier));
    const byTier = Map.groupBy(come, ({ policy }) => policy.tier);
    for (const tier of tiers) this.#reorder(tier, gone, byTier.get(tier) ?? []);
    return tiers.size > 0;
  }

  #reorder(tier: string, gone: ReadonlySet<Compiled>, come: readonly Compiled[]): void {
    const kept = this.#stages.get(tier)?.policies.filter((one) => !gone.has(one)) ?? [];
    const policies = [...kept, ...come].sort((a, b) => comparePolicies(a.policy, b.policy));
    if (policies.length === 0) this.#stages.delete(tier);
    else this.#stages.set(tier, { place: this.#placeOf(tier), policies, made: undefined });
  }

  #placeOf(name: string): TierPlace {
    const tier = this.#tiers.get(name);
    return tier === undefined ? { tier: missingTier(name), made: false } : { tier, made: true };
  }

  #hold({ sets, blocks, rules }: Piece): void {
    this.#sets.add(sets);
    this.#blocks.add(blocks);
    this.#rules.add(rules);
  }

  #release({ sets, blocks, rules }: Piece): void {
    this.#sets.remove(sets);
    this.#blocks.remove(blocks);
    this.#rules.remove(rules);
  }
}

function note(selectors: Set<string>, { entries, endEntries }: Piece): void {
  for (const { selector } of entries) selectors.add(selector);
  for (const { selector } of endEntries) selectors.add(selector);
}

function isSame(a: Compiled, b: Compiled): boolean {
  const leftOut = ({ piece }: Compiled) => JSON.stringify([...piece.notEnforced]);
  return (
    a.piece.lines === b.piece.lines &&
    a.piece.endLines === b.piece.endLines &&
    a.policy.tier === b.policy.tier &&
    comparePolicies(a.policy, b.policy) === 0 &&
    leftOut(a) === leftOut(b)
  );
}

/** The entries of a stage that is the rank-th now. */
function settle(stage: Stage, rank: number): NonNullable<Stage["made"]> {
  const known = stage.made;
  if (known?.rank === rank) return known;
  const applies = stage.policies.flatMap(({ piece }) => ranked(piece.entries, rank));
  const digest = known?.digest ?? stageDigest(stage.policies.map(({ piece }) => piece.lines));
  stage.made = { rank, applies, digest };
  return stage.made;
}

/** The last stage: ends of lists, then profiles. */
function endOf(policies: readonly Compiled[], rank: number): NonNullable<Stage["made"]> {
  const pieces = [...policies.map(({ piece }) => piece).filter(({ endEntries }) => endEntries.length > 0), profiles];
  return {
    rank,
    applies: pieces.flatMap(({ endEntries }) => ranked(endEntries, rank)),
    digest: stageDigest(pieces.map(({ endLines }) => endLines)),
  };
}

function ranked(entries: readonly Entry[], stage: number): readonly Applicability[] {
  return entries.map((entry) => ({ ...entry, stage }));
}

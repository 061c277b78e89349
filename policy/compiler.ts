import type { RuleId } from "../core/rule-id.ts";
import { EntryIndex } from "./entry-index.ts";
import { defaultFailsafe } from "./failsafe.ts";
import { builtInTiers } from "./kinds/tier.ts";
import type { Policy, Tier } from "./model.ts";
import { compileFixed, compilePolicy, type Piece } from "./piece.ts";
import { comparePolicies, compareTiers, missingTier, type TierPlace } from "./policy-order.ts";
import type { Applicability, BlockId, Instruction, Program, RuleOrigin, SetDefinition, SetId } from "./program.ts";
import { defaultProgramSettings, type ProgramSettings } from "./program-settings.ts";
import { type Entry, revisionOfStages, stageDigest } from "./revision.ts";
import { SharedParts } from "./shared-parts.ts";
import { type Compiled, Stage } from "./stage.ts";

/** How a Program differs from another. */
export interface ProgramChange {
  /** Sets that came or went. */
  readonly sets: ReadonlySet<SetId>;
  /** Selectors of `applies` whose entries came, went, changed or moved. */
  readonly selectors: ReadonlySet<string>;
}

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
  /** Those of the Program that `update` told last. */
  readonly entries = new EntryIndex();
  #end: readonly Applicability[] = [];
  readonly #ends = new WeakMap<Entry, Applicability>();
  readonly #changedTiers = new Set<string>();
  readonly #changedPolicies = new Map<string, Policy | undefined>();
  /** What holds whatever policies say. */
  readonly #fixed: Piece;
  #program: Program | undefined;

  constructor(settings: ProgramSettings = defaultProgramSettings) {
    this.#fixed = compileFixed(defaultFailsafe, settings);
    this.#hold(this.#fixed);
  }

  /** A policy under a key of its own, or undefined: it is gone. Staged policies are as if they were not there. */
  put(key: string, policy: Policy | undefined): void {
    this.#changedPolicies.set(key, policy?.staged === null ? policy : undefined);
  }

  putTier(name: string, tier: Tier | undefined): void {
    const next = tier ?? builtInTiers.find((builtIn) => builtIn.name === name);
    if (next === undefined) this.#tiers.delete(name);
    else this.#tiers.set(name, next);
    this.#changedTiers.add(name);
  }

  /** The Program of what there is now, and how it differs from the one before. */
  update(): ProgramChange & { readonly program: Program } {
    const first = this.#program === undefined;
    const selectors = new Set(first ? this.#fixed.endEntries.map(({ selector }) => selector) : []);
    const moved = this.#moveTiers(selectors);
    const exchanged = this.#exchangePolicies(selectors);
    if (this.#program !== undefined && !moved && !exchanged)
      return { program: this.#program, sets: new Set(), selectors };
    const sets = this.#sets.take();
    const { applies, revision, notEnforced } = this.#arrange();
    const [blocks, rules] = [this.#blocks.take().current, this.#rules.take().current];
    this.#program = { revision, sets: sets.current, blocks, applies, rules, notEnforced };
    return { program: this.#program, sets: sets.changed, selectors };
  }

  /** Stages in order, then the last one: ends of lists, and what is fixed. */
  #arrange(): Pick<Program, "applies" | "revision" | "notEnforced"> {
    const stages = [...this.#stages.values()].sort((a, b) => compareTiers(a.place, b.place));
    for (const [rank, stage] of stages.entries()) stage.moveTo(rank, this.entries);
    const special = stages.flatMap((stage) => stage.special);
    const pieces = [...special.map(({ piece }) => piece), this.#fixed];
    const before = this.#end;
    this.#end = pieces.flatMap(({ endEntries }) => endEntries.map((entry) => this.#atEnd(entry, stages.length)));
    for (const entry of before) this.entries.remove(entry);
    for (const [place, entry] of this.#end.entries()) this.entries.add(entry, place);
    const endDigest = stageDigest(pieces.flatMap(({ endHashes }) => endHashes));
    return {
      applies: ([] as Applicability[]).concat(...stages.map(({ applies }) => applies), this.#end),
      revision: revisionOfStages([...stages.map(({ digest }) => digest), endDigest]),
      notEnforced: special.flatMap(({ piece }) => [...piece.notEnforced.values()]),
    };
  }

  /** An entry of the last stage; the same object as long as that has the same number, as those of other stages are. */
  #atEnd(entry: Entry, stage: number): Applicability {
    const known = this.#ends.get(entry);
    if (known?.stage === stage) return known;
    const made = { ...entry, stage };
    this.#ends.set(entry, made);
    return made;
  }

  /** What moves are the entries of the tiers that changed; those of the others keep their order among themselves. */
  #moveTiers(selectors: Set<string>): boolean {
    let moved = false;
    for (const name of this.#changedTiers) {
      const stage = this.#stages.get(name);
      if (stage === undefined) continue;
      const [before, after] = [stage.place, this.#placeOf(name)];
      stage.place = after;
      const changed = before.tier.defaultAction !== after.tier.defaultAction;
      if (compareTiers(before, after) === 0 && !changed) continue;
      moved = true;
      for (const { selector } of stage.applies) selectors.add(selector);
      if (changed) this.#recompile(name);
    }
    this.#changedTiers.clear();
    return moved;
  }

  #recompile(tier: string): void {
    for (const [key, { policy }] of this.#compiled)
      if (policy.tier === tier && !this.#changedPolicies.has(key)) this.#changedPolicies.set(key, policy);
  }

  /** True if any policy says something else than before. */
  #exchangePolicies(selectors: Set<string>): boolean {
    const [gone, come]: Compiled[][] = [[], []] as [Compiled[], Compiled[]];
    for (const [key, policy] of this.#changedPolicies) {
      const before = this.#compiled.get(key);
      const after = policy && { policy, piece: compilePolicy(this.#placeOf(policy.tier).tier, policy) };
      if (before !== undefined && after !== undefined && isSame(before, after)) continue;
      if (before !== undefined) gone.push(before);
      if (after === undefined) this.#compiled.delete(key);
      else {
        come.push(after);
        this.#compiled.set(key, after);
      }
    }
    this.#changedPolicies.clear();
    for (const { piece } of come) this.#hold(piece);
    for (const { piece } of gone) this.#release(piece);
    for (const { piece } of [...come, ...gone])
      for (const { selector } of [...piece.entries, ...piece.endEntries]) selectors.add(selector);
    this.#exchangeInStages(gone, come);
    return gone.length + come.length > 0;
  }

  #exchangeInStages(gone: readonly Compiled[], come: readonly Compiled[]): void {
    const [goneOf, comeOf] = [gone, come].map((some) => Map.groupBy(some, ({ policy }) => policy.tier));
    for (const tier of new Set([...gone, ...come].map(({ policy }) => policy.tier))) {
      const stage = this.#stages.get(tier) ?? new Stage(this.#placeOf(tier));
      stage.exchange(goneOf?.get(tier) ?? [], comeOf?.get(tier) ?? [], this.entries);
      if (stage.size === 0) this.#stages.delete(tier);
      else this.#stages.set(tier, stage);
    }
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

function isSame(a: Compiled, b: Compiled): boolean {
  const textOf = ({ piece: { hashes, endHashes, notEnforced } }: Compiled) =>
    JSON.stringify([hashes, endHashes, [...notEnforced]]);
  return a.policy.tier === b.policy.tier && comparePolicies(a.policy, b.policy) === 0 && textOf(a) === textOf(b);
}

import { Multimap } from "../core/multimap.ts";
import type { Fact } from "./kinds/read.ts";
import { builtInTiers } from "./kinds/tier.ts";
import type { Policy, Tier } from "./model.ts";
import type { Population } from "./population.ts";
import type { ProgramSettings } from "./program-settings.ts";
import { PendingPolicies } from "./staged.ts";
import { View } from "./view.ts";

/** Policies and tiers, in force and as they would be with everything staged, kept up to date object by object. */
export class Controls {
  readonly inForce: View;
  readonly #population: Population;
  readonly #settings: ProgramSettings;
  readonly #policies = new Map<string, Policy>();
  readonly #tiers = new Map<string, Tier>();
  /** Keys of policies by the name of their tier. */
  readonly #byTier = new Multimap<string, string>();
  readonly #staged = new Set<string>();
  /** From when somebody asks until nothing is staged any more. */
  #pending: { readonly policies: PendingPolicies; readonly view: View } | undefined;

  constructor(population: Population, settings: ProgramSettings) {
    this.#population = population;
    this.#settings = settings;
    this.inForce = new View(population, settings);
  }

  /** All views there are. */
  views(): readonly View[] {
    return this.#pending === undefined ? [this.inForce] : [this.inForce, this.#pending.view];
  }

  /** The object of that key says something else than before; undefined is nothing. */
  put(key: string, before: Fact | undefined, after: Fact | undefined): void {
    const [oldPolicy, policy] = [before, after].map((fact) => (fact?.type === "policy" ? fact.policy : undefined));
    const [oldTier, tier] = [before, after].map((fact) => (fact?.type === "tier" ? fact.tier : undefined));
    if (oldPolicy !== undefined || policy !== undefined) this.#putPolicy(key, oldPolicy, policy);
    const name = tier?.name ?? oldTier?.name;
    if (name !== undefined) this.#putTier(name, tier);
  }

  /** With everything staged; undefined while nothing is. */
  pending(): View | undefined {
    if (this.#staged.size === 0) return undefined;
    this.#pending ??= this.#stagedView();
    const { policies, view } = this.#pending;
    for (const [key, policy] of policies.take()) view.put(key, policy);
    return view;
  }

  /** Tiers that policies name but nobody made. */
  missingTiers(): readonly string[] {
    const isMade = (tier: string) => this.#tiers.has(tier) || builtInTiers.some(({ name }) => name === tier);
    return [...this.#byTier.keys()].filter((tier) => !isMade(tier)).sort();
  }

  #putPolicy(key: string, before: Policy | undefined, after: Policy | undefined): void {
    if (before !== undefined) this.#byTier.delete(before.tier, key);
    if (after !== undefined) this.#byTier.add(after.tier, key);
    if (after === undefined) this.#policies.delete(key);
    else this.#policies.set(key, after);
    if (after === undefined || after.staged === null) this.#staged.delete(key);
    else this.#staged.add(key);
    this.inForce.put(key, after);
    this.#pending?.policies.put(key, after);
    if (this.#staged.size > 0) return;
    this.#pending?.view.close();
    this.#pending = undefined;
  }

  #putTier(name: string, tier: Tier | undefined): void {
    if (tier === undefined) this.#tiers.delete(name);
    else this.#tiers.set(name, tier);
    for (const view of this.views()) view.putTier(name, tier);
  }

  #stagedView(): { readonly policies: PendingPolicies; readonly view: View } {
    const [policies, view] = [new PendingPolicies(), new View(this.#population, this.#settings)];
    for (const [name, tier] of this.#tiers) view.putTier(name, tier);
    for (const [key, policy] of this.#policies) policies.put(key, policy);
    return { policies, view };
  }
}

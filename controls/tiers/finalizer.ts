import { type KubeObject, keyOf } from "../../core/kube/objects.ts";
import type { Change } from "../../core/kube/watch.ts";
import { policyResources } from "../../policy/kinds/custom-resources.ts";
import { builtInTiers, defaultTier } from "../../policy/kinds/tier.ts";

/** While a tier has it, the API server only marks the tier as deleted. deploy/admission/tier-finalizer.yaml says who may take it off. */
export const tierFinalizer = "controls.sluice.dev/policies";

/** What is to be done about a tier. */
export type Step = "hold" | "let go";

/**
 * Every tier is held from the beginning: one that is held only once a policy came could be deleted in between. It is let go when somebody
 * deleted it and its last policy is gone. Built-in tiers cannot be deleted and need nothing.
 */
export function stepFor(tier: KubeObject, hasPolicies: boolean): Step | undefined {
  const isDeleted = tier.metadata.deletionTimestamp !== undefined;
  const isHeld = finalizersOf(tier).includes(tierFinalizer);
  // The API server takes no new finalizer for what is deleted already.
  if (isDeleted) return isHeld && !hasPolicies ? "let go" : undefined;
  return isHeld || builtInTiers.some(({ name }) => name === tier.metadata.name) ? undefined : "hold";
}

/** The finalizers that it is to have then. */
export function finalizersAfter(tier: KubeObject, step: Step): readonly string[] {
  const others = finalizersOf(tier).filter((finalizer) => finalizer !== tierFinalizer);
  return step === "hold" ? [...others, tierFinalizer] : others;
}

export function finalizersOf({ metadata }: KubeObject): readonly string[] {
  const { finalizers = [] } = metadata as { readonly finalizers?: readonly string[] };
  return finalizers;
}

const policyKinds = new Set(policyResources.map(({ kind }) => kind));

/** Tiers, and which policies stand in which. */
export class TierBook {
  readonly #tiers = new Map<string, KubeObject>();
  readonly #policies = new Map<string, Set<string>>();
  readonly #tierOf = new Map<string, string>();

  apply(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.type === "synced" || !change.object.apiVersion.startsWith("projectcalico.org/")) continue;
      const { type, object } = change;
      if (object.kind === "Tier") this.#setTier(object, type === "upsert");
      else if (policyKinds.has(object.kind)) this.#setPolicy(object, type === "upsert");
    }
  }

  /** Those about which there is something to do, by name. */
  pending(): readonly string[] {
    const names = [...this.#tiers].filter(([name, tier]) => stepFor(tier, this.#policies.has(name)) !== undefined);
    return names.map(([name]) => name).sort();
  }

  #setTier(tier: KubeObject, isThere: boolean): void {
    if (isThere) this.#tiers.set(tier.metadata.name, tier);
    else this.#tiers.delete(tier.metadata.name);
  }

  #setPolicy(policy: KubeObject, isThere: boolean): void {
    const key = keyOf(policy);
    const before = this.#tierOf.get(key);
    if (before !== undefined) this.#leave(key, before);
    if (!isThere) return;
    const tier = tierOf(policy);
    this.#tierOf.set(key, tier);
    this.#policies.set(tier, (this.#policies.get(tier) ?? new Set()).add(key));
  }

  #leave(key: string, tier: string): void {
    this.#tierOf.delete(key);
    const left = this.#policies.get(tier);
    left?.delete(key);
    if (left?.size === 0) this.#policies.delete(tier);
  }
}

/** Read from whatever the API server has: policies that are not valid hold their tier as well. */
function tierOf({ spec }: KubeObject): string {
  const { tier } = (spec ?? {}) as { readonly tier?: unknown };
  return typeof tier === "string" && tier !== "" ? tier : defaultTier.name;
}

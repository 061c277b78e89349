import type { AllowedValues, LabelTaxonomy, TaxonomyKey } from "./taxonomy.ts";

/**
 * What two taxonomies say of one label on one kind of objects. Each is enforced for itself, so a request has to satisfy both; that is
 * seldom meant. In words, by the name of a taxonomy, of both that are concerned.
 */
export function conflictsOf(taxonomies: readonly LabelTaxonomy[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map(taxonomies.map(({ name }) => [name, [] as string[]]));
  for (const one of taxonomies)
    for (const other of taxonomies)
      if (one !== other) for (const key of one.keys) found.get(one.name)?.push(...conflictsWith(key, other));
  return found;
}

function conflictsWith(key: TaxonomyKey, { name, keys }: LabelTaxonomy): readonly string[] {
  return keys
    .filter((other) => other.key === key.key && other.appliesTo.some((kind) => key.appliesTo.includes(kind)))
    .map((other) => `${key.key}: LabelTaxonomy ${name} ${differenceOf(key, other)}`);
}

function differenceOf(key: TaxonomyKey, other: TaxonomyKey): string {
  if (haveNoneInCommon(key.values, other.values)) return "allows other values only: no value satisfies both";
  const differing = (["values", "setters", "required", "action"] as const).filter(
    (part) => JSON.stringify(key[part]) !== JSON.stringify(other[part]),
  );
  return differing.length === 0 ? "says the same" : `has other ${differing.join(", ")}: both hold`;
}

function haveNoneInCommon(a: AllowedValues | null, b: AllowedValues | null): boolean {
  if (a?.type !== "list" || b?.type !== "list") return false;
  return a.values.every(({ value }) => b.values.every((other) => other.value !== value));
}

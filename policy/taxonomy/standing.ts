import { matches } from "../selector/syntax.ts";
import type { Carrier } from "./carriers.ts";
import { fitsPattern } from "./pattern.ts";
import { targets } from "./targets.ts";
import type { AllowedValues, CarrierKind, TaxonomyKey } from "./taxonomy.ts";

/** How somebody stands with a key. `absent`: without it, and it need not be there. */
export type Standing = "allowed" | "wrong" | "lacking" | "absent";

const kinds = new Map(targets.map(({ name, kind }) => [name, kind]));

export function appliesTo({ appliesTo: all }: TaxonomyKey, { target }: Carrier): boolean {
  return all.includes(kinds.get(target) as CarrierKind);
}

/** Of one to whom the key applies; the same that is asked of a request which makes it (validations.ts). */
export function standingOf(key: TaxonomyKey, carrier: Carrier): Standing {
  if (Object.hasOwn(carrier.labels, key.key))
    return isAllowed(key.values, carrier.labels[key.key] as string) ? "allowed" : "wrong";
  return isRequired(key, carrier) ? "lacking" : "absent";
}

export function isAllowed(values: AllowedValues | null, value: string): boolean {
  if (values === null) return true;
  return values.type === "list" ? values.values.some((one) => one.value === value) : fitsPattern(values.pattern, value);
}

function isRequired({ required }: TaxonomyKey, { target, labels, namespaceLabels }: Carrier): boolean {
  return required.some(
    ({ kind, namespaceSelector, selector }) =>
      kind === kinds.get(target) &&
      (namespaceSelector === null || matches(namespaceSelector, namespaceLabels)) &&
      (selector === null || matches(selector, labels)),
  );
}

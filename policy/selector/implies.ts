import { canonical, type Selector } from "./syntax.ts";

/**
 * True if whoever `narrow` selects is selected by `wide`, as far as the texts show it: term by term, without looking into
 * alternatives. False means "not seen", not "no".
 */
export function implies(narrow: Selector, wide: Selector): boolean {
  const given = termsOf(narrow);
  return termsOf(wide).every((term) => given.some((other) => termImplies(other, term)));
}

/** What must hold at once. */
export function termsOf(selector: Selector): readonly Selector[] {
  if (selector.op === "all" || selector.op === "global") return [];
  return selector.op === "and" ? selector.terms.flatMap(termsOf) : [selector];
}

function termImplies(narrow: Selector, wide: Selector): boolean {
  if (canonical(narrow) === canonical(wide)) return true;
  if (wide.op === "or") return wide.terms.some((term) => implies(narrow, term));
  const values = valuesOf(narrow);
  if (values === undefined) return false;
  if (wide.op === "has") return wide.label === values.label;
  const allowed = valuesOf(wide);
  return allowed?.label === values.label && values.values.every((value) => allowed.values.includes(value));
}

/** Which values a term leaves to which label, if it says so. */
function valuesOf(term: Selector): { readonly label: string; readonly values: readonly string[] } | undefined {
  if (term.op === "==") return { label: term.label, values: [term.value] };
  return term.op === "in" ? { label: term.label, values: term.values } : undefined;
}

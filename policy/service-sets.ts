import type { Program, SetId } from "./program.ts";

const known = new WeakMap<Program["sets"], readonly SetId[]>();

/** The sets of a Program that mean what stands behind a Service: few among many. */
export function servicesOf({ sets }: Program): readonly SetId[] {
  const found = known.get(sets);
  if (found !== undefined) return found;
  const ids = [...sets].filter(([, { kind }]) => kind === "service").map(([id]) => id);
  known.set(sets, ids);
  return ids;
}

import type { Program, SetId } from "./program.ts";

const known = new WeakMap<Program, readonly SetId[]>();

/** The sets of a Program that mean what stands behind a Service: few among many. */
export function servicesOf(program: Program): readonly SetId[] {
  const found = known.get(program);
  if (found !== undefined) return found;
  const ids = [...program.sets].filter(([, { kind }]) => kind === "service").map(([id]) => id);
  known.set(program, ids);
  return ids;
}

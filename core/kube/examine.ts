import type { KubeObject } from "./objects.ts";
import { type Problem, readObject } from "./shape.ts";

/** What is wrong with an object of good shape, for whom it is meant. */
export type Validate = (object: KubeObject) => readonly { readonly field: string; readonly message: string }[];

/** The object if it can be identified, and everything that is wrong with it: only without a problem it is accepted. */
export function examine(
  value: unknown,
  validate: Validate = () => [],
): { readonly object?: KubeObject; readonly problems: readonly Problem[] } {
  const read = readObject(value);
  if (read.object === undefined || read.problems.length > 0) return read;
  return { object: read.object, problems: validate(read.object) };
}

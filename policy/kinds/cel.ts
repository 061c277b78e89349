// Pieces of CEL (x-kubernetes-validations); paths are below `self`, as `destination.services`.

/** Nothing is said there. */
export function celAbsent(path: string): string {
  const steps = path.split(".");
  return `(${steps.map((_, end) => `!has(self.${steps.slice(0, end + 1).join(".")})`).join(" || ")})`;
}

/** Nothing is said there, or an empty list or text. */
export function celEmpty(path: string): string {
  return `(${celAbsent(path)} || size(self.${path}) == 0)`;
}

/** A switch that is on. */
export function celOn(path: string): string {
  return `(has(self.${path}) && self.${path})`;
}

import type { z } from "zod";

/** A condition over several fields of a value: for the parser, and for the API server as CEL. */
export interface Constraint<T> {
  readonly message: string;
  readonly holds: (value: T) => boolean;
  /** The field at fault, below the value. */
  readonly at?: readonly string[];
  /** The same in CEL, where it can be said there at a bounded cost; `self` is the value as written, not as read. */
  readonly cel?: string;
}

/** One entry of `x-kubernetes-validations`. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
}

/** The schema with these constraints; those with CEL go into its OpenAPI form as well. */
export function constrained<S extends z.ZodType>(schema: S, constraints: readonly Constraint<z.output<S>>[]): S {
  const checked = constraints.reduce(
    (all, { holds, message, at = [] }) => all.refine(holds, { message, path: [...at] }),
    schema,
  );
  return withCel(
    checked,
    constraints.flatMap(({ cel, message }) => (cel === undefined ? [] : [{ rule: cel, message }])),
  );
}

/** A mapping of which one field is given, no more. */
export function exactlyOne<S extends z.ZodType>(schema: S): S {
  const checked = schema.refine((value) => Object.keys(value ?? {}).length === 1, {
    message: "exactly one of its fields is needed",
  });
  return annotated(checked, { minProperties: 1, maxProperties: 1 });
}

/** The schema with these rules for the API server only: the parser of a field says the same already. */
export function withCel<S extends z.ZodType>(schema: S, rules: readonly CelRule[]): S {
  const known = (schema.meta()?.["x-kubernetes-validations"] ?? []) as readonly CelRule[];
  const all = [...known, ...rules];
  return all.length === 0 ? schema : annotated(schema, { "x-kubernetes-validations": all });
}

/** A list whose order says nothing and that the API server merges entry by entry. */
export function asSet<S extends z.ZodType>(list: S): S {
  return annotated(list, { "x-kubernetes-list-type": "set" });
}

/** A list that is replaced as a whole. */
export function asAtomic<S extends z.ZodType>(list: S): S {
  return annotated(list, { "x-kubernetes-list-type": "atomic" });
}

/** A list of mappings that one of their fields tells apart; the API server merges it by that field. */
export function asMap<S extends z.ZodType>(list: S, key: string): S {
  return annotated(list, { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key] });
}

/** A field that takes a number as well as text. */
export function asIntOrString<S extends z.ZodType>(field: S, pattern: RegExp): S {
  return annotated(field, { "x-kubernetes-int-or-string": true, pattern: pattern.source });
}

/** `meta` forgets what was said before. */
function annotated<S extends z.ZodType>(schema: S, more: Readonly<Record<string, unknown>>): S {
  return schema.meta({ ...schema.meta(), ...more });
}

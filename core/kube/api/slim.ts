/** Which fields of a value are kept: `true` keeps one as it is. Lists are passed through, each element for itself. */
export interface Fields {
  readonly [name: string]: Fields | true;
}

/**
 * A copy with nothing but these fields: of a pod a tenth. What has another shape than they expect stays as it is, since whoever
 * validates must see it.
 */
export function slim(value: unknown, fields: Fields | true): unknown {
  if (fields === true || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((element: unknown) => slim(element, fields));
  const kept: Record<string, unknown> = {};
  const given = value as Readonly<Record<string, unknown>>;
  for (const [name, below] of Object.entries(fields))
    if (Object.hasOwn(given, name)) kept[name] = slim(given[name], below);
  return kept;
}

/** A field of a value of which nothing is known. */
export function within(value: unknown, field: string): unknown {
  const isMapping = typeof value === "object" && value !== null && !Array.isArray(value);
  return isMapping && Object.hasOwn(value, field) ? (value as Readonly<Record<string, unknown>>)[field] : undefined;
}

/** The same, if it is text. */
export function textIn(value: unknown, field: string): string | undefined {
  const found = within(value, field);
  return typeof found === "string" ? found : undefined;
}

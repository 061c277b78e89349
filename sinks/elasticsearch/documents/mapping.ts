import type { DocumentField, ElasticType } from "./field.ts";

/** As the API takes it, in the form in which it gives it back. */
export interface Mapping {
  readonly dynamic: "false";
  readonly properties: Properties;
}

export interface Properties {
  readonly [name: string]: { readonly type?: string; readonly properties?: Properties } & Readonly<
    Record<string, unknown>
  >;
}

/** Longer texts are kept, not searched: Lucene refuses terms beyond 32,766 bytes, and so the whole document. */
const longestTerm = 1024;

const settings: Readonly<Record<ElasticType, Readonly<Record<string, unknown>>>> = {
  keyword: { type: "keyword", ignore_above: longestTerm },
  ip: { type: "ip" },
  long: { type: "long" },
  boolean: { type: "boolean" },
  date_nanos: { type: "date_nanos", format: "strict_date_optional_time_nanos" },
  flattened: { type: "flattened", ignore_above: longestTerm },
  text: { type: "text", norms: false },
  json: { type: "object", enabled: false },
};

type Described = Pick<DocumentField<never>, "name" | "type">;

/** What a later version writes beside is kept in `_source` and not searched: no writer can make a mapping grow. */
export function mappingOf(fields: readonly Described[]): Mapping {
  const properties: Record<string, unknown> = {};
  for (const { name, type } of fields.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
    place(properties, name.split("."), settings[type]);
  return { dynamic: "false", properties: properties as Properties };
}

function place(properties: Record<string, unknown>, [name, ...rest]: readonly string[], as: unknown): void {
  const key = name as string;
  if (rest.length === 0) {
    properties[key] = as;
    return;
  }
  const next = (properties[key] ?? { properties: {} }) as { readonly properties: Record<string, unknown> };
  properties[key] = next;
  place(next.properties, rest, as);
}

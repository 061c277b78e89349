import { createHash } from "node:crypto";
import { type DataSetName, dataSetNames, mappingOfSet } from "./documents/data-sets.ts";
import { aliasOf, patternOf } from "./index-name.ts";

// A data set has a component template of its fields; all share one of settings; an index template puts these together, with one more of
// either kind that is not ours (`sluice@custom`, `sluice-flow@custom`), for what a person wants otherwise. All stand in the form in which
// Elasticsearch gives them back, so that what it has can be compared.

/** To be raised with every change of a template: a Sluice overwrites what an older one wrote, and never what a newer one did. */
export const templateVersion = 2;

export interface IndexSettings {
  readonly shards: number;
  readonly replicas: number;
  readonly refreshMs: number;
}

export type TemplateKind = "component" | "index";

export interface Template {
  readonly kind: TemplateKind;
  readonly name: string;
  readonly body: TemplateBody;
}

export type TemplateBody = Readonly<Record<string, unknown>> & {
  readonly version?: number;
  readonly _meta?: { readonly sluice?: { readonly version?: number; readonly hash?: string } };
};

/** Above those of Elasticsearch itself (100 to 200), below what a person takes to be sure. */
const priority = 300;

/** In the order in which they are to be made. */
export function templatesOf(settings: IndexSettings): readonly Template[] {
  return [
    template("component", "sluice-settings", { template: { settings: settingsOf(settings) } }),
    ...dataSetNames.map((set) => template("component", `sluice-${set}`, { template: { mappings: mappingOfSet(set) } })),
    ...dataSetNames.map((set) => template("index", `sluice-${set}`, composed(set))),
  ];
}

/** Numbers as texts: so the API gives them back. */
function settingsOf({ shards, replicas, refreshMs }: IndexSettings) {
  return {
    index: {
      codec: "best_compression",
      number_of_replicas: String(replicas),
      number_of_shards: String(shards),
      refresh_interval: `${refreshMs}ms`,
    },
  };
}

function composed(set: DataSetName) {
  const custom = ["sluice@custom", `sluice-${set}@custom`];
  return {
    index_patterns: [patternOf(set)],
    priority,
    composed_of: ["sluice-settings", `sluice-${set}`, ...custom],
    ignore_missing_component_templates: custom,
    template: { aliases: { [aliasOf(set)]: {} } },
  };
}

function template(kind: TemplateKind, name: string, content: object): Template {
  const sluice = { version: templateVersion, hash: hashOf(content) };
  return { kind, name, body: { ...content, version: templateVersion, _meta: { sluice } } };
}

/** Of what a template means: without whose it is, and without the dates that Elasticsearch adds. */
export function hashOf(body: object): string {
  const { version: _, _meta, created_date_millis, modified_date_millis, ...content } = body as Record<string, unknown>;
  return createHash("sha256").update(canonical(content)).digest("hex").slice(0, 16);
}

/** What is to be done about a template that may be there. */
export type Step = "create" | "update" | "keep" | "changed" | "newer";

/** changed: somebody made it other than we left it, and it stays; newer: a later Sluice wrote it. */
export function stepOf(wanted: Template, found: TemplateBody | undefined, force: boolean): Step {
  if (found === undefined) return "create";
  const { version = 0, hash } = found._meta?.sluice ?? {};
  if (version > templateVersion) return "newer";
  const actual = hashOf(found);
  if (actual === hashOf(wanted.body) && hash === actual && version === templateVersion) return "keep";
  return actual === hash || force ? "update" : "changed";
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(",")}}`;
}

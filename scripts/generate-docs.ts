// Writes the documents that are made from code: docs/reference.
// `--check` writes nothing and fails, naming each document that is not what the code says.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { settings } from "../core/config.ts";
import { errorCodes } from "../core/errors.ts";
import { type MetricDeclaration, metricTable } from "../core/metrics.ts";
import type { Setting } from "../core/settings.ts";
import { cliDocument } from "./command-documents.ts";
import { elasticsearchDocument } from "./elasticsearch-document.ts";
import { fieldsDocument } from "./field-document.ts";

const documents: Readonly<Record<string, string>> = {
  "docs/reference/cli.md": cliDocument(),
  "docs/reference/config.md": configDocument(settings),
  "docs/reference/elasticsearch.md": elasticsearchDocument(),
  "docs/reference/errors.md": errorsDocument(errorCodes),
  "docs/reference/fields.md": fieldsDocument(),
  "docs/reference/metrics.md": metricsDocument(metricTable),
};

const stale = Object.entries(documents).filter(([path, text]) => read(path) !== text);
if (process.argv.includes("--check")) {
  for (const [path] of stale) console.error(`${path} is stale: run "npm run docs"`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  mkdirSync(urlOf("docs/reference"), { recursive: true });
  for (const [path, text] of stale) writeFileSync(urlOf(path), text);
}

function configDocument(all: readonly Setting[]): string {
  const sections = Map.groupBy(all, ({ path }) => path.split(".")[0] as string);
  return [
    "<!-- Generated from core/config.ts by scripts/generate-docs.ts; do not edit. -->",
    "# Configuration",
    "",
    "A setting can be given as a flag, as an environment variable or in a YAML file (`--config FILE` or `SLUICE_CONFIG`).",
    "A flag beats a variable, a variable beats the file, the file beats the default. A name that is no setting is an error.",
    "Lists are written with commas in flags and variables.",
    ...[...sections].flatMap(([name, section]) => ["", `## ${name}`, ...section.flatMap(settingText)]),
    "",
  ].join("\n");
}

function settingText(setting: Setting): readonly string[] {
  const value = setting.secret ? "secret" : `default \`${JSON.stringify(setting.default)}\``;
  return [
    "",
    `### ${setting.path}`,
    "",
    setting.description,
    "",
    `- \`${setting.flag}\`, \`${setting.variable}\``,
    `- ${setting.accepts}; ${value}`,
  ];
}

function errorsDocument(codes: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(codes).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    "<!-- Generated from core/errors.ts by scripts/generate-docs.ts; do not edit. -->",
    "# Error codes",
    "",
    "| code | meaning |",
    "|---|---|",
    ...sorted.map(([code, meaning]) => `| [\`${code}\`](../runbook.md#${code.toLowerCase()}) | ${meaning} |`),
    "",
  ].join("\n");
}

function metricsDocument(table: Readonly<Record<string, MetricDeclaration>>): string {
  const row = ([name, { type, labels, help }]: readonly [string, MetricDeclaration]) =>
    `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(", ")} | ${help} |`;
  return [
    "<!-- Generated from core/metrics.ts by scripts/generate-docs.ts; do not edit. -->",
    "# Metrics",
    "",
    "Served at `/metrics` of `metrics.listen` in the text format of Prometheus, beside what every Node program tells of its process.",
    "`sluice_store_freshness_seconds` is the one to watch: it rises if anything between kernel and disk falls behind.",
    "",
    "| metric | type | labels | meaning |",
    "|---|---|---|---|",
    ...Object.entries(table).map(row),
    "",
  ].join("\n");
}

function read(path: string): string | undefined {
  try {
    return readFileSync(urlOf(path), "utf8");
  } catch {
    return undefined; // not yet written
  }
}

function urlOf(path: string): URL {
  return new URL(`../${path}`, import.meta.url);
}

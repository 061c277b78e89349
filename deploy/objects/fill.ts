import { createHash } from "node:crypto";
import { type Condition, type Hole, isHole, isList, type Path, type Template } from "./template.ts";

/** What holes are filled from. */
export interface Filling {
  readonly namespace: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** Which one of a list of the values it is about. */
  readonly element?: unknown;
}

/** The template with its holes filled; undefined if it is left out. */
export function fill(template: Template, from: Filling): unknown {
  if (isHole(template)) return fillHole(template, from);
  if (typeof template !== "object") return template;
  if (isList(template)) return template.flatMap((each) => elementsOf(each, from)).filter((each) => each !== undefined);
  const fields = Object.entries(template).map(([name, field]) => [name, fill(field, from)] as const);
  return Object.fromEntries(fields.filter(([, field]) => field !== undefined));
}

function elementsOf(template: Template, from: Filling): readonly unknown[] {
  if (!isHole(template) || template.hole !== "each") return [fill(template, from)];
  return (at(template.path, from) as readonly unknown[]).map((element) => fill(template.as, { ...from, element }));
}

function fillHole(given: Hole, from: Filling): unknown {
  switch (given.hole) {
    case "value":
      return at(given.path, from);
    case "namespace":
      return from.namespace;
    case "text":
      return given.parts.map((part) => (typeof part === "string" ? part : String(fillHole(part, from)))).join("");
    case "json":
      return jsonText(at(given.path, from), 2);
    case "hash":
      return createHash("sha256")
        .update(jsonText(at(given.path, from)))
        .digest("hex");
    case "element":
      return from.element;
    case "each":
      throw new Error("elements for each stand in a list");
    case "when":
      return holds(given.condition, from) === given.isNot ? undefined : fill(given.then, from);
  }
}

function holds(condition: Condition, from: Filling): boolean {
  const paths = typeof condition === "string" ? [condition] : condition;
  return paths.every((path) => isThere(at(path, from)));
}

/** As templates of Go see it. */
function isThere(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return Boolean(value);
  return Object.keys(value).length > 0;
}

function at(path: Path, { values }: Filling): unknown {
  return path
    .split(".")
    .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], values);
}

/** As Helm writes it: fields in the order of their names, and what could end a script in HTML as numbers. */
function jsonText(value: unknown, indent?: number): string {
  const sorted = (_: string, each: unknown) =>
    typeof each === "object" && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each;
  const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value, sorted, indent).replace(/[<>&\u2028\u2029]/g, escaped);
}

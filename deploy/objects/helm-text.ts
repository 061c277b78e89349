import { stringify } from "yaml";
import { type Hole, isHole, isList, type Path, type Template } from "./template.ts";

/** An object as the YAML of a chart's template. Objects that may be left out leave nothing behind. */
export function helmText(template: Template): string {
  if (isHole(template) && template.hole === "when") return wrapped(template, [helmText(template.then)]).join("\n");
  return linesOf(template).join("\n");
}

/** In block style. Each line stands as far right as it would at the outermost level. */
function linesOf(template: Template): readonly string[] {
  if (isHole(template) || typeof template !== "object") return [scalar(template)];
  if (isList(template)) return template.flatMap(elementLines);
  return Object.entries(template).flatMap(([name, field]) => fieldLines(name, field));
}

function fieldLines(name: string, field: Template): readonly string[] {
  if (isHole(field) && field.hole === "when") return wrapped(field, fieldLines(name, field.then));
  const key = `${scalar(name)}:`;
  if (isInline(field)) return [`${key} ${scalar(field)}`];
  return [key, ...linesOf(field).map(indented)];
}

function elementLines(element: Template): readonly string[] {
  if (isHole(element) && element.hole === "when") return wrapped(element, elementLines(element.then));
  if (isHole(element) && element.hole === "each")
    return [`{{- range ${reference(element.path)} }}`, ...elementLines(element.as), "{{- end }}"];
  if (isInline(element)) return [`- ${scalar(element)}`];
  const [first = "", ...others] = linesOf(element);
  // A line of the template language is no YAML that the dash could stand before.
  if (first.startsWith("{{")) return ["-", ...[first, ...others].map(indented)];
  return [`- ${first}`, ...others.map(indented)];
}

const indented = (line: string) => (line.startsWith("{{-") ? line : `  ${line}`);

function wrapped({ condition, isNot }: Hole & { hole: "when" }, lines: readonly string[]): readonly string[] {
  const all = typeof condition === "string" ? reference(condition) : `and ${condition.map(reference).join(" ")}`;
  return [`{{- if ${isNot ? `not (${all})` : all} }}`, ...lines, "{{- end }}"];
}

/** Whether it stands on the line of its field. */
function isInline(template: Template): boolean {
  return isHole(template) || typeof template !== "object" || Object.keys(template).length === 0;
}

function scalar(template: Template): string {
  if (isHole(template)) return `{{ ${expression(template)} | toJson }}`;
  return stringify(template, { lineWidth: 0 }).trimEnd();
}

/** Of the template language. Numbers are written as JSON, or Go would write large ones with an exponent. */
function expression(given: Hole): string {
  switch (given.hole) {
    case "value":
      return reference(given.path);
    case "namespace":
      return ".Release.Namespace";
    case "text":
      return `print ${given.parts.map((part) => (typeof part === "string" ? JSON.stringify(part) : `(${inText(part)})`)).join(" ")}`;
    case "json":
      return `toPrettyJson ${reference(given.path)}`;
    case "hash":
      return `toJson ${reference(given.path)} | sha256sum`;
    case "element":
      return ".";
    case "each":
    case "when":
      throw new Error("elements for each stand in a list; what may be left out is a field, an element or an object");
  }
}

function inText(part: Hole): string {
  return part.hole === "value" ? `toString ${reference(part.path)}` : expression(part);
}

/** Of what need not be there nothing comes, and no error. */
function reference(path: Path): string {
  const [first = "", ...others] = path.split(".");
  return others.reduce((before, name, index) => `${index === 0 ? before : `(${before})`}.${name}`, `.Values.${first}`);
}

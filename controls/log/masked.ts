import type { Json } from "./json-diff.ts";

/** What stands for a secret. That it was changed does not show. */
const mask = "***";

const secretName = /pass(word|wd|phrase)?$|secret$|token$|credentials?$|private[-_]?key$|api[-_]?key$/i;

/**
 * A value without secrets that somebody wrote where they do not belong: values of environment variables, arguments and lines of
 * ConfigMaps under names that say so. What other objects hold is no secret: who may read a policy reads all of it.
 */
export function masked(value: Json, under = ""): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => maskedItem(item, under));
  if (typeof value !== "object" || value === null) return value;
  const isData = under === "data";
  return Object.fromEntries(
    Object.entries(value).map(([field, part]) => [
      field,
      isData && typeof part === "string" ? maskedText(field, part) : masked(part as Json, field),
    ]),
  );
}

function maskedItem(item: Json, under: string): Json {
  if (typeof item === "string") return under === "args" || under === "command" ? maskedLines(item) : item;
  const value = masked(item);
  if (under !== "env" || typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const { name, value: text } = value as { readonly name?: Json; readonly value?: Json };
  return typeof name === "string" && typeof text === "string" && secretName.test(name)
    ? { ...(value as Readonly<Record<string, Json>>), value: mask }
    : value;
}

const maskedText = (field: string, text: string): string => (secretName.test(field) ? mask : maskedLines(text));

// password: x     --bus.password=x     SLUICE_BUS_PASSWORD=x
const assignment = /^([\s{,"'-]*[\w.-]+["']?\s*[:=]\s*)(\S.*)$/;

function maskedLines(text: string): string {
  return text
    .split("\n")
    .map((line) => {
      const [, name = "", value = ""] = assignment.exec(line) ?? [];
      return value !== "" && secretName.test(name.replace(/["'\s:=]+$/, "")) ? `${name}${mask}` : line;
    })
    .join("\n");
}

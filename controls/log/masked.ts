import { type Fields, isFields, isList, type Json } from "./json-diff.ts";

/** What stands for a secret. That it was changed does not show. */
const mask = "***";

const secretName =
  /pass(word|wd|phrase)?$|secret$|token$|credentials?$|private[-_]?key$|api[-_]?key$|access[-_]?key$|secret[-_]?key$/i;
/** `--bus.password`, and the next argument is it. */
const flag = /^--?[\w.-]+$/;

/**
 * A value without secrets that somebody wrote where they do not belong: values beside names that say so (environment variables), arguments
 * and lines of ConfigMaps under such names. What other objects hold is no secret: who may read a policy reads all of it.
 */
export function masked(value: Json, under = ""): Json {
  if (isList(value)) return isCommandLine(under) ? maskedArguments(value) : value.map((item) => masked(item, under));
  if (!isFields(value)) return value;
  const isData = under === "data";
  const shown = Object.entries(value).map(([field, part]): [string, Json] => [
    field,
    isData && typeof part === "string" ? maskedText(field, part) : masked(part, field),
  ]);
  return Object.fromEntries(isSecret(value, under) ? shown.map(hidden) : shown);
}

/** An element of a list whose neighbours nobody sees: an argument that is no option may be the password of the option before. */
export function maskedElement(item: Json, under: string): Json {
  if (!isCommandLine(under)) return masked(item, under);
  return typeof item === "string" && !item.startsWith("-") ? mask : (maskedArguments([item])[0] ?? null);
}

/** Whether it is a pair of a name and a value that is secret. A patch may set the value of a variable and not say its name. */
function isSecret({ name }: Fields, under: string): boolean {
  return typeof name === "string" ? secretName.test(name) : under === "env";
}

const hidden = ([field, part]: [string, Json]): [string, Json] => [field, field === "value" ? mask : part];

const isCommandLine = (under: string): boolean => under === "args" || under === "command";

function maskedArguments(items: readonly Json[]): readonly Json[] {
  return items.map((item, index) => {
    if (typeof item !== "string") return masked(item);
    const before = items[index - 1];
    return typeof before === "string" && flag.test(before) && secretName.test(before) ? mask : maskedLines(item);
  });
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

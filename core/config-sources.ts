import { parseDocument } from "yaml";
import type { z } from "zod";
import { messageOf, SluiceError } from "./errors.ts";
import { nearest } from "./nearest.ts";
import type { Setting } from "./settings.ts";

/** Where values come from; a flag beats a variable, a variable beats the file, the file beats the defaults. */
export interface ConfigSources {
  /** Values by flag without dashes, as written or in camel case: `collector.window-ms` or `collector.windowMs`. */
  readonly flags?: Readonly<Record<string, string | boolean>>;
  /** The whole environment; what does not begin with SLUICE_ is nobody's business. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** YAML. */
  readonly fileText?: string;
  /** Defaults of the command at hand in place of the schema's, by path: `collector.windowMs`. */
  readonly defaults?: Readonly<Record<string, unknown>>;
  /** For messages. */
  readonly fileName?: string;
}

/** Names the configuration file itself, so it is no setting. */
const fileVariable = "SLUICE_CONFIG";

/** Something wrong with one value, in words, and where the value was written. */
interface Fault {
  readonly where: string;
  readonly what: string;
}

/** A value that some source gives to a setting. */
interface Given {
  readonly setting: Setting;
  readonly value: unknown;
  /** The flag or variable, for messages. */
  readonly where: string;
}

export function resolveConfig<S extends z.ZodType>(
  schema: S,
  settings: readonly Setting[],
  sources: ConfigSources,
): z.output<S> {
  const fileName = sources.fileName ?? "configuration file";
  const file = readFile(sources.fileText ?? "", fileName);
  const env = readEnvironment(settings, sources.env ?? {});
  const flags = readFlags(settings, sources.flags ?? {});
  const given = new Map([...env.given, ...flags.given].map((one) => [one.setting.path, one]));
  const parsed = schema.safeParse(overlay(over(sources.defaults ?? {}, file.value), [...given.values()]), {
    reportInput: true,
  });
  const faults = [...flags.faults, ...env.faults, ...file.faults];
  if (!parsed.success)
    faults.push(...parsed.error.issues.flatMap((issue) => faultsOf(issue, given, settings, fileName)));
  if (!parsed.success || faults.length > 0) throw refusal(faults);
  return parsed.data;
}

function refusal(faults: readonly Fault[]): SluiceError {
  const lines = faults.map(({ where, what }) => `  ${where}: ${what}`);
  return new SluiceError("CONFIG_INVALID", ["the configuration is not accepted:", ...lines].join("\n"));
}

function readFile(text: string, fileName: string): { value: unknown; faults: readonly Fault[] } {
  const fault = (what: string) => ({ value: {}, faults: [{ where: fileName, what }] });
  const document = parseDocument(text);
  const error = document.errors[0];
  if (error !== undefined) return fault(firstLine(error.message));
  try {
    const value: unknown = document.toJS() ?? {};
    return isMapping(value) ? { value: withoutEmpty(value), faults: [] } : fault("must be a mapping of sections");
  } catch (thrown) {
    return fault(messageOf(thrown)); // aliases that refer to nothing or multiply without end
  }
}

/** `collector:` with nothing below it, all commented out, means the defaults. */
function withoutEmpty(sections: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(sections).filter(([, section]) => section !== null));
}

const firstLine = (text: string) => (text.split("\n")[0] as string).replace(/:$/, "");

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

interface Read {
  readonly given: readonly Given[];
  readonly faults: readonly Fault[];
}

function readEnvironment(settings: readonly Setting[], env: NonNullable<ConfigSources["env"]>): Read {
  const mine = Object.entries(env).filter(([name]) => name.startsWith("SLUICE_") && name !== fileVariable);
  const byVariable = new Map(settings.map((setting) => [setting.variable, setting]));
  return lookUp(mine, byVariable, (name) => name);
}

function readFlags(settings: readonly Setting[], flags: NonNullable<ConfigSources["flags"]>): Read {
  const byFlag = new Map(settings.map((setting) => [setting.flag, setting]));
  return lookUp(
    Object.entries(flags),
    byFlag,
    (name) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
  );
}

function lookUp(
  entries: readonly (readonly [string, string | boolean | undefined])[],
  known: ReadonlyMap<string, Setting>,
  spell: (name: string) => string,
): Read {
  const given: Given[] = [];
  const faults: Fault[] = [];
  for (const [name, value] of entries) {
    const where = spell(name);
    const setting = known.get(where);
    if (setting === undefined)
      faults.push({ where, what: `there is no such setting${suggestion(where, known.keys())}` });
    else if (value !== undefined) given.push({ setting, where, value: meaningOf(setting, value) });
  }
  return { given, faults };
}

function suggestion(text: string, words: Iterable<string>): string {
  const word = nearest(text, words);
  return word === undefined ? "" : `; did you mean ${word}?`;
}

/** What a text from a flag or variable stands for; the text itself where it is nothing of that kind: the schema says so. */
function meaningOf({ kind }: Setting, text: string | boolean): unknown {
  if (typeof text === "boolean") return text;
  switch (kind) {
    case "text":
      return text;
    case "list":
      return text.split(",").map((item) => item.trim());
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text;
    case "number":
      return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  }
}

/** The file's value, with defaults where it says nothing. */
function over(defaults: Readonly<Record<string, unknown>>, file: unknown): unknown {
  if (!isMapping(file)) return file;
  const result = { ...file };
  for (const [path, value] of Object.entries(defaults)) {
    const [section, key] = path.split(".") as [string, string];
    const node = result[section] ?? {};
    if (isMapping(node)) result[section] = { [key]: value, ...node };
  }
  return result;
}

/** The file's value with what the other sources give. A section that is no mapping stays, for the schema to refuse. */
function overlay(file: unknown, given: readonly Given[]): unknown {
  if (!isMapping(file)) return file;
  const result = structuredClone(file);
  for (const { setting, value } of given) {
    const [section, key] = setting.path.split(".") as [string, string];
    const node = result[section] ?? {};
    if (isMapping(node)) result[section] = { ...node, [key]: value };
  }
  return result;
}

function faultsOf(
  issue: z.core.$ZodIssue,
  given: ReadonlyMap<string, Given>,
  settings: readonly Setting[],
  fileName: string,
): readonly Fault[] {
  const path = issue.path.join(".");
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => unknownKey([...issue.path, key].join("."), settings, fileName));
  const setting = settings.find((one) => path === one.path || path.startsWith(`${one.path}.`));
  const source = setting === undefined ? undefined : given.get(setting.path);
  return [{ where: source?.where ?? `${fileName}: ${path}`, what: wordsFor(issue, setting) }];
}

function wordsFor(issue: z.core.$ZodIssue, setting: Setting | undefined): string {
  if (setting === undefined) return "must be a mapping";
  const own = issue.code === "invalid_format" || issue.code === "too_small" || issue.code === "custom";
  if (own && issue.message.startsWith("must")) return issue.message;
  const written = setting.secret ? "" : `, not ${JSON.stringify(issue.input)}`;
  return `must be ${article(setting.accepts)}${written}`;
}

/** `a number from 1`, but `one of a, b` */
const article = (accepts: string) => (/^(number|list)/.test(accepts) ? `a ${accepts}` : accepts);

function unknownKey(path: string, settings: readonly Setting[], fileName: string): Fault {
  const sections = settings.map((setting) => setting.path.split(".")[0] as string);
  const words = path.includes(".") ? settings.map((setting) => setting.path) : sections;
  return { where: `${fileName}: ${path}`, what: `there is no such setting${suggestion(path, words)}` };
}

import { readFileSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import { type Config, parseConfig, settings } from "../core/config.ts";
import { messageOf, SluiceError } from "../core/errors.ts";
import { parseDuration } from "../core/time-text.ts";
import { choiceOption } from "./choice.ts";

/** `30s`, `5m`, `1h30m` as milliseconds; for commander. */
export function durationParser(text: string): number {
  const ms = parseDuration(text) ?? 0;
  if (ms > 0) return ms;
  throw new InvalidArgumentError('Write a duration as "30s", "5m" or "1h30m".');
}

export const outputOption = (): Option =>
  choiceOption("-o, --output <format>", "table for people, jsonl for programs: one JSON record a line", [
    "table",
    "jsonl",
  ]).default("table");

export const durationOption = (): Option =>
  new Option("--duration <time>", "end by itself after this time, e.g. 30s").argParser(durationParser);

/** What a command says of the settings, by path: `collector.windowMs`. */
export interface OwnSettings {
  /** It decides these itself. */
  readonly decided?: readonly string[] | RegExp;
  /** Its defaults, where they differ from everybody's. */
  readonly defaults?: Readonly<Record<string, string | number | boolean>>;
}

/** Gives a command every setting of the configuration as a flag, but those it decides itself. */
export function addSettings(command: Command, { decided = [], defaults = {} }: OwnSettings = {}): Command {
  command.option("--config <file>", "YAML file of settings (or SLUICE_CONFIG)");
  command.optionsGroup("Settings (docs/reference/config.md):");
  for (const { path, flag, accepts, description, default: fallback } of settings) {
    if (decided instanceof RegExp ? decided.test(path) : decided.includes(path)) continue;
    if (path.startsWith("read.")) continue; // who looks things up has flags of its own (record-options.ts)
    const accepted = `${accepts.charAt(0).toUpperCase()}${accepts.slice(1)}`;
    if (path === "objects.folder") command.addOption(new Option("--objects <folder>", "as trace calls it").hideHelp());
    command.option(`${flag} <value>`, `${description} ${accepted}. Default: ${String(defaults[path] ?? fallback)}.`);
  }
  return command;
}

/** The effective configuration of a command that has `addSettings`. */
export function configOf(
  options: Readonly<Record<string, unknown>>,
  env: NodeJS.ProcessEnv,
  { defaults = {} }: OwnSettings = {},
): Config {
  const flags: Record<string, string> = {};
  for (const { flag, path } of settings) {
    const key = flag.slice(2);
    const value = options[camelCase(key)];
    if (typeof value === "string") flags[key] = value;
    else if (path === "objects.folder" && typeof options["objects"] === "string") flags[key] = options["objects"];
  }
  const fileName = typeof options["config"] === "string" ? options["config"] : env["SLUICE_CONFIG"];
  return parseConfig({
    flags,
    env,
    defaults,
    ...(fileName === undefined ? {} : { fileName, fileText: readConfigFile(fileName) }),
  });
}

/** As commander makes keys of flags: `collector.window-ms` becomes `collector.windowMs`. */
function camelCase(flag: string): string {
  return flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

function readConfigFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new SluiceError("CONFIG_INVALID", `the configuration file ${path} cannot be read: ${messageOf(cause)}`, {
      cause,
    });
  }
}

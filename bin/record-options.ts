import { type Command, Option } from "commander";
import type { Config } from "../core/config.ts";
import { Output } from "../sinks/live/output.ts";
import { coloured, type Paint, paintFor, plain } from "../sinks/live/paint.ts";
import { choiceOption } from "./choice.ts";
import { type FormatName, formatNames, type PrinterOptions } from "./formats/format.ts";
import { configOf } from "./options.ts";
import type { Rim } from "./rim.ts";

/** Options of every command that prints things. */
export interface OutputOptions {
  readonly output: FormatName;
  readonly headers: boolean;
  readonly color: "auto" | "always" | "never";
}

/** Of every command that prints records. */
export interface RecordOptions extends OutputOptions {
  readonly dataFolder?: string;
  readonly "data.folder"?: string;
  readonly store?: string;
  readonly "elasticsearch.urls"?: string;
  readonly config?: string;
}

export function addOutputOptions(command: Command): Command {
  return command
    .addOption(choiceOption("-o, --output <format>", "how to print", formatNames).default("table"))
    .option("--no-headers", "no header line in tables and CSV")
    .addOption(choiceOption("--color <when>", "colour in tables", ["auto", "always", "never"]).default("auto"));
}

export function addRecordOptions(command: Command): Command {
  return addOutputOptions(command)
    .option("--data-folder <folder>", "where the records are (or SLUICE_DATA_FOLDER; default ./data)")
    .addOption(new Option("--data.folder <folder>", "as the setting is called elsewhere").hideHelp())
    .option("--config <file>", "YAML file of settings (or SLUICE_CONFIG)");
}

/** Of commands that look records up in one store or another. */
export function addStoreOptions(command: Command): Command {
  return addRecordOptions(command)
    .addOption(
      choiceOption("--store <store>", "where to look (or SLUICE_READ_FROM; default archive)", [
        "archive",
        "elasticsearch",
      ]),
    )
    .option("--elasticsearch.urls <urls>", "nodes of Elasticsearch (or SLUICE_ELASTICSEARCH_URLS)");
}

export interface RecordOutput extends PrinterOptions {
  /** Columns; Infinity where no terminal sets them. */
  readonly width: number;
}

export function recordOutput({ headers, color }: Pick<OutputOptions, "headers" | "color">, rim: Rim): RecordOutput {
  const { stdout } = rim;
  return {
    output: new Output(stdout),
    paint: paintOf(color, rim),
    headers,
    width: stdout.columns ?? Number.POSITIVE_INFINITY,
  };
}

function paintOf(color: OutputOptions["color"], { stdout, env }: Rim): Paint {
  if (color !== "auto") return color === "always" ? coloured : plain;
  return env["FORCE_COLOR"] ? coloured : paintFor(stdout.isTTY === true, env);
}

export function recordConfig(
  options: Pick<RecordOptions, "dataFolder" | "data.folder" | "store" | "elasticsearch.urls" | "config">,
  { env }: Rim,
): Config {
  const { config, store, dataFolder = options["data.folder"] } = options;
  const given = {
    ...{ config, "data.folder": dataFolder, "read.from": store },
    "elasticsearch.urls": options["elasticsearch.urls"],
  };
  return configOf(given, env);
}

import { readFileSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import { parse } from "yaml";
import { messageOf, SluiceError } from "../../core/errors.ts";
import { mergeValues } from "../../deploy/objects/values.ts";

/** Values as they are given on a command line. */
export interface ValueOptions {
  readonly values: readonly string[];
  readonly set: readonly object[];
}

export function addValueOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--values <file>", "YAML of values; repeat it for several, of which later ones win")
        .argParser((file: string, before: readonly string[]) => [...before, file])
        .default([], "none"),
    )
    .addOption(
      new Option(
        "--set <path=value>",
        "one value, as YAML: enrich.replicas=3, config.bus.brokers=[kafka-0:9092]; repeat it",
      )
        .argParser((text: string, before: readonly object[]) => [...before, assignmentOf(text)])
        .default([], "none"),
    );
}

/** All together, what stands later over what stands earlier. Throws CONFIG_INVALID. */
export function givenValues({ values, set }: ValueOptions): object {
  return [...values.map(readValues), ...set].reduce(mergeValues, {}) as object;
}

/** `a.b=1` as `{ a: { b: 1 } }` */
function assignmentOf(text: string): object {
  const [, path, value] = /^([A-Za-z][A-Za-z.]*)=(.*)$/s.exec(text) ?? [];
  if (path === undefined || value === undefined)
    throw new InvalidArgumentError("Write path=value, e.g. enrich.replicas=3.");
  const names = path.split(".");
  return names.reduceRight<unknown>((below, name) => ({ [name]: below }), yamlOf(value, text)) as object;
}

function yamlOf(value: string, text: string): unknown {
  try {
    return parse(value) as unknown;
  } catch (thrown) {
    throw new InvalidArgumentError(`The value of ${text} is no YAML: ${messageOf(thrown)}`);
  }
}

function readValues(file: string): object {
  try {
    const read = parse(readFileSync(file, "utf8")) as unknown;
    if (read === null) return {};
    if (typeof read === "object" && !Array.isArray(read)) return read;
  } catch (cause) {
    throw new SluiceError("CONFIG_INVALID", `--values ${file}: ${messageOf(cause)}`, { cause });
  }
  throw new SluiceError("CONFIG_INVALID", `--values ${file}: is no mapping`);
}

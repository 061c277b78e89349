import { type Command, Option } from "commander";
import { SluiceError } from "../core/errors.ts";
import { choiceOption } from "./choice.ts";
import { type FormatName, formatNames } from "./formats/format.ts";

// What `hubble observe` has and we have otherwise. Flags that look for flows stand in flow-flags.ts.

/** Ours that print much the same. */
const formats: Readonly<Record<string, FormatName>> = { compact: "table", dict: "yaml", jsonpb: "jsonl" };

/** `-o compact` as `-o table`. */
export const formatOf = (name: string): FormatName => formats[name] ?? (name as FormatName);

/** Flags that change nothing here, and why. */
const idle: readonly (readonly [flags: string, reason: string])[] = [
  ["--print-policy-names", ""],
  ["--print-node-name", "the node is a field of -o json, jsonl, yaml and csv"],
  ["--print-raw-filters", ""],
  ["--numeric", ""],
  ["--ip-translation", ""],
  ["--time-format <format>", "times are in UTC; -o json and csv have microseconds"],
];

/** Flags that ask for what is not recorded, and what to ask instead. */
const refused: readonly (readonly [flags: string, advice: string])[] = [
  ...["", "from-", "to-"].flatMap((end) => [
    [`--${end}fqdn <name>`, `names are not recorded; ask by address with --${end}ip`] as const,
    [`--${end}identity <id>`, `there are no identities; ask by label with --${end}label`] as const,
  ]),
  ["--from-service <name>", "a Service is what a client addresses; ask with --service or --from-workload"],
  ["--cel-expression <text>", "write it in the filter language, with --filter"],
  ["--http-method <name>", "requests within a connection are not recorded"],
  ["--http-status <code>", "requests within a connection are not recorded"],
  ["--http-path <text>", "requests within a connection are not recorded"],
  ["--input-file <file>", "records are in a data folder; give --data-folder"],
];

/** Adds them, and hubble's names of formats. To be called after the command's own options. */
export function addForeignFlags(command: Command, note: (text: string) => void): Command {
  for (const [flags, reason] of idle) {
    const option = new Option(flags).hideHelp();
    command.addOption(option);
    if (reason !== "")
      command.on(`option:${option.name()}`, () => note(`--${option.name()} changes nothing: ${reason}`));
  }
  for (const [flags, advice] of refused) {
    const option = new Option(flags).hideHelp();
    option.argParser(() => {
      throw new SluiceError("USAGE", `--${option.name()}: ${advice}`);
    });
    command.addOption(option);
  }
  const output = command.options.find(({ long }) => long === "--output");
  const all = [...formatNames, ...Object.keys(formats)];
  output?.argParser((text: string, before: unknown) => {
    const check = choiceOption(output.flags, "", all).parseArg;
    return check?.(text, before) ?? text;
  });
  return command;
}

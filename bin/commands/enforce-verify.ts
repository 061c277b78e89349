import { Command, Option } from "commander";
import { type CompareOptions, compareCommand } from "../compare-command.ts";
import { addNodeOptions, limitOption } from "../enforce-options.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
Loads what the folder means for the node into a network namespace made for it, lists both with nft, and compares every chain, rule, set,
map and element: + is wanted and not there, - is there and not wanted. Values of counters and what is revoked just now do not count.
Prints "in sync" or the difference; exit code 3: not in sync.

Examples:
  sluice enforce verify --node node-1
  sluice enforce verify lab/demo --node node-1 --namespace sluice-demo-node-node-1 -o json
${exitCodeHelp}`;

export function enforceVerifyCommand(rim: Rim = realRim): Command {
  const command = new Command("verify")
    .description("whether the rules in force are those that the policies mean, rule by rule")
    .argument("[folder]", "folder of manifests; else that of the setting objects.folder")
    .addOption(limitOption())
    .addOption(new Option("-o, --output <format>", "how to print").choices(["text", "json"]).default("text"))
    .addHelpText("after", examples);
  return addNodeOptions(command).action((folder: string | undefined, options: CompareOptions) =>
    compareCommand(folder, options, rim),
  );
}

import { Command, Option } from "commander";
import { type CompareOptions, compareCommand } from "../compare-command.ts";
import { addNodeOptions, limitOption } from "../enforce-options.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
Compares what the folder means for the node with what its kernel has now: + would be added, - would be removed. What is wanted is loaded into
a network namespace made for it, so the kernel itself is the judge; the node is not touched. Exit code 3: there are differences.

Examples:
  sluice enforce diff policies-new/ --node node-1
  sluice enforce diff lab/demo --node node-1 --namespace sluice-demo-node-node-1
${exitCodeHelp}`;

export function enforceDiffCommand(rim: Rim = realRim): Command {
  const command = new Command("diff")
    .description("what would change on this node if a folder were enforced here")
    .argument("<folder>", "folder of manifests")
    .addOption(limitOption())
    .addOption(new Option("-o, --output <format>", "how to print").choices(["text", "json"]).default("text"))
    .addHelpText("after", examples);
  return addNodeOptions(command).action((folder: string, options: CompareOptions) =>
    compareCommand(folder, options, rim),
  );
}

import { Command, Option } from "commander";
import { Output } from "../../sinks/live/output.ts";
import { addNodeOptions, type NodeOptions, namespaceOf, nodeConfig } from "../enforce-options.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { type Rim, realRim } from "../rim.ts";
import { rulesetObject, rulesetText } from "../ruleset-text.ts";
import { linksIn, noLinks, wantedRuleset } from "../wanted-ruleset.ts";

const examples = `
Prints what "nft -f" takes, with the policy and rule that each id stands for. It asks no kernel and needs no rights. Behind which
interface a pod is, only its node knows: those sets (bindings, bound) are empty, unless --namespace names the node's network.

Examples:
  sluice enforce render lab/demo --node node-1
  sluice enforce render lab/demo --node node-1 -o json | jq '.chains[] | select(.base != null)'
${exitCodeHelp}`;

interface Options extends NodeOptions {
  readonly output: "nft" | "json";
}

export function enforceRenderCommand(rim: Rim = realRim): Command {
  const command = new Command("render")
    .description("the nft text of a folder of policies on a node")
    .argument("<folder>", "folder of manifests")
    .addOption(new Option("-o, --output <format>", "how to print").choices(["nft", "json"]).default("nft"))
    .addHelpText("after", examples);
  return addNodeOptions(command).action(async (folder: string, options: Options) => {
    const config = nodeConfig(options, rim);
    const namespace = namespaceOf(options);
    const links = namespace === null ? noLinks : await linksIn(namespace);
    const wanted = await wantedRuleset({ folder, node: options.node ?? config.node.name, config, links }, rim);
    const text =
      options.output === "json" ? `${JSON.stringify(rulesetObject(wanted), null, 2)}\n` : rulesetText(wanted);
    await new Output(rim.stdout).write(text);
  });
}

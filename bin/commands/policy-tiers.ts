import { Command, Option } from "commander";
import { policyId } from "../../policy/kind-names.ts";
import type { Policy } from "../../policy/model.ts";
import { matches } from "../../policy/selector/syntax.ts";
import { Output } from "../../sinks/live/output.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { documentText } from "../formats/document.ts";
import { folderArgument, objectsOption, openPolicyFolder, subjectsIn } from "../policy-folder.ts";
import { type Rim, realRim } from "../rim.ts";
import { tiersText } from "../tiers-text.ts";

const examples = `
Example:
  sluice policy tiers lab/demo
${exitCodeHelp}`;

interface Options {
  readonly objects: string;
  readonly output: "text" | "json" | "yaml";
}

export function policyTiersCommand(rim: Rim = realRim): Command {
  return new Command("tiers")
    .description("a picture of the tiers, what stands in them and what goes on from one to the next")
    .addArgument(folderArgument())
    .addOption(objectsOption())
    .addOption(new Option("-o, --output <format>", "how to print").choices(["text", "json", "yaml"]).default("text"))
    .addHelpText("after", examples)
    .action(async (path: string | undefined, { objects, output }: Options) => {
      const { tiers, world } = await openPolicyFolder(path ?? objects, rim);
      const subjects = subjectsIn(world.placement());
      const selected = ({ selector }: Policy) => subjects.filter(({ labels }) => matches(selector, labels)).length;
      const described = tiers.map(({ tier, policies, made }) => ({
        type: "tier",
        name: tier.name,
        order: tier.order === Number.POSITIVE_INFINITY ? null : tier.order,
        defaultAction: tier.defaultAction,
        made,
        policies: policies.map(policyId),
      }));
      const text = output === "text" ? tiersText(tiers, selected) : documentText(described, output);
      await new Output(rim.stdout).write(text);
    });
}

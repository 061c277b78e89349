import { Command, Option } from "commander";
import { Output } from "../../sinks/live/output.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { documentText } from "../formats/document.ts";
import { explainPolicy, explanationText } from "../policy-explanation.ts";
import { folderArgument, objectsOption, openPolicyFolder, policyNamed, subjectsIn } from "../policy-folder.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
POLICY is a name, namespace/name or kind:namespace/name (kinds as in flow records: np, gnp, knp, …), or a step of a record.

Examples:
  sluice policy explain security.payments lab/demo
  sluice policy explain 'app|np:prod-shop/app.cart|deny|-1' --objects lab/demo
${exitCodeHelp}`;

interface Options {
  readonly objects: string;
  readonly output: "text" | "json" | "yaml";
}

export function policyExplainCommand(rim: Rim = realRim): Command {
  return new Command("explain")
    .description(
      "a policy in words: whom it is about, what its rules say, what is not enforced, what it keeps from being asked",
    )
    .argument("<policy>", "which one")
    .addArgument(folderArgument())
    .addOption(objectsOption())
    .addOption(new Option("-o, --output <format>", "how to print").choices(["text", "json", "yaml"]).default("text"))
    .addHelpText("after", examples)
    .action(async (name: string, path: string | undefined, { objects, output }: Options) => {
      const folder = await openPolicyFolder(path ?? objects, rim);
      const policy = policyNamed(folder, name);
      const one = explainPolicy(policy, folder.tiers, subjectsIn(folder.world.placement()));
      await new Output(rim.stdout).write(output === "text" ? explanationText(one) : documentText(one, output));
    });
}

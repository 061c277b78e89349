import { Command } from "commander";
import { SluiceError } from "../../core/errors.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { type Rim, realRim } from "../rim.ts";
import { enforceBreakGlassCommand } from "./enforce-break-glass.ts";
import { enforceCheckCommand } from "./enforce-check.ts";
import { enforceAcceptCommand, enforceConfirmCommand } from "./enforce-confirm.ts";
import { enforceDiffCommand } from "./enforce-diff.ts";
import { enforceRenderCommand } from "./enforce-render.ts";
import { enforceRestoreCommand } from "./enforce-restore.ts";
import { enforceRolloutCommand } from "./enforce-rollout.ts";
import { enforceVerifyCommand } from "./enforce-verify.ts";

const examples = `
FOLDER holds Kubernetes YAML: policies, and the Nodes, Pods, Namespaces and Services that they are about.

Examples:
  sluice enforce render lab/demo --node node-1
  sluice enforce check policies-new/ --node node-1
  sluice enforce diff policies-new/ --node node-1
  sluice enforce verify --node node-1
  sluice enforce rollout
  sluice enforce confirm
  sluice enforce break-glass --reason "INC-4711: payments cut off from their database" --for 30m
  sluice enforce --restore --node.name node-1
${exitCodeHelp}`;

const commands = [
  enforceRenderCommand,
  enforceCheckCommand,
  enforceDiffCommand,
  enforceVerifyCommand,
  enforceRolloutCommand,
  enforceConfirmCommand,
  enforceAcceptCommand,
  enforceBreakGlassCommand,
  enforceRestoreCommand,
];

export function enforceCommand(rim: Rim = realRim): Command {
  const group = new Command("enforce")
    .description("the rules of one node: see them, try them, compare them; and how policies come into force")
    .option("--restore", "the same as restore, with its options")
    // They are those of restore, which has them checked.
    .allowUnknownOption()
    .argument("[arguments...]")
    .addHelpText("after", examples)
    .action(async (args: readonly string[], { restore }: { readonly restore?: boolean }) => {
      if (restore !== true && args[0] !== undefined)
        throw new SluiceError("USAGE", `enforce has no command "${args[0]}"; see "sluice enforce --help"`);
      if (restore !== true) group.help({ error: true });
      await enforceRestoreCommand(rim)
        .copyInheritedSettings(group)
        .parseAsync([...args], { from: "user" });
    });
  for (const command of commands) group.addCommand(command(rim));
  return group;
}

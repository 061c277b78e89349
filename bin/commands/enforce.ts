import { Command } from "commander";
import { SluiceError } from "../../core/errors.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { type Rim, realRim } from "../rim.ts";
import { enforceBreakGlassCommand } from "./enforce-break-glass.ts";
import { enforceAcceptCommand, enforceConfirmCommand } from "./enforce-confirm.ts";
import { enforceRestoreCommand } from "./enforce-restore.ts";
import { enforceRolloutCommand } from "./enforce-rollout.ts";

const examples = `
Examples:
  sluice enforce rollout
  sluice enforce confirm
  sluice enforce break-glass --reason "INC-4711: payments cut off from their database" --for 30m
  sluice enforce --restore --node.name node-1
${exitCodeHelp}`;

const commands = [
  enforceRolloutCommand,
  enforceConfirmCommand,
  enforceAcceptCommand,
  enforceBreakGlassCommand,
  enforceRestoreCommand,
];

export function enforceCommand(rim: Rim = realRim): Command {
  const group = new Command("enforce")
    .description("how policies come into force, and what to do if they should not")
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

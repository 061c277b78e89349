import { Command } from "commander";
import { exitCodeHelp } from "../exit-codes.ts";
import { type Rim, realRim } from "../rim.ts";
import { policyDiffCommand } from "./policy-diff.ts";
import { policyEffectCommand } from "./policy-effect.ts";

const commands = [policyDiffCommand, policyEffectCommand];

export function policyCommand(rim: Rim = realRim): Command {
  const group = new Command("policy").description("compare policies").addHelpText("after", exitCodeHelp);
  for (const command of commands) group.addCommand(command(rim));
  return group;
}

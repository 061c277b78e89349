import { Command } from "commander";
import { exitCodeHelp } from "../exit-codes.ts";
import { type Rim, realRim } from "../rim.ts";
import { enforceCheckCommand } from "./enforce-check.ts";
import { enforceDiffCommand } from "./enforce-diff.ts";
import { enforceRenderCommand } from "./enforce-render.ts";
import { enforceVerifyCommand } from "./enforce-verify.ts";

const examples = `
FOLDER holds Kubernetes YAML: policies, and the Nodes, Pods, Namespaces and Services that they are about.

Examples:
  sluice enforce render lab/demo --node node-1
  sluice enforce check policies-new/ --node node-1
  sluice enforce diff policies-new/ --node node-1
  sluice enforce verify --node node-1
${exitCodeHelp}`;

const commands = [enforceRenderCommand, enforceCheckCommand, enforceDiffCommand, enforceVerifyCommand];

export function enforceCommand(rim: Rim = realRim): Command {
  const group = new Command("enforce")
    .description("the rules of one node: see them, try them, compare them with what the kernel has")
    .addHelpText("after", examples);
  for (const command of commands) group.addCommand(command(rim));
  return group;
}

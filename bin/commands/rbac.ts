import { Command } from "commander";
import { exitCodeHelp } from "../exit-codes.ts";
import { type Rim, realRim } from "../rim.ts";
import { rbacCanCommand } from "./rbac-can.ts";
import { rbacMatrixCommand } from "./rbac-matrix.ts";

const examples = `
Policies are granted by tier: docs/tiers-and-rbac.md says how.

Examples:
  sluice rbac can ann update shop/app.web --group web-team
  sluice rbac matrix -o csv > who-may-change-what.csv
${exitCodeHelp}`;

export function rbacCommand(rim: Rim = realRim): Command {
  return new Command("rbac")
    .description("who may change which policies and tiers")
    .addHelpText("after", examples)
    .addCommand(rbacCanCommand(rim))
    .addCommand(rbacMatrixCommand(rim));
}

import { Command } from "commander";
import { SluiceError } from "../../core/errors.ts";
import { askRunning } from "../control/ask.ts";
import { addControlOptions, type ControlOptions, controlConfig } from "../control/options.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { type Rim, realRim } from "../rim.ts";

const confirmExamples = `
With enforcer.confirmMs, changed policies are withdrawn unless they are confirmed within that time. Without a revision: those that wait
for it just now.

Examples:
  sluice enforce confirm
  sluice enforce confirm 7f2e7dfd7b8e1d7d
${exitCodeHelp}`;

export function enforceConfirmCommand(rim: Rim = realRim): Command {
  const command = new Command("confirm")
    .description("let changed policies stay in force")
    .argument("[revision]", "as policies were told when they came into force")
    .addHelpText("after", confirmExamples);
  return addControlOptions(command).action(async (revision: string | undefined, options: ControlOptions) => {
    const order = { do: "confirm", revision: revision === undefined ? null : checked(revision) } as const;
    rim.note(await askRunning(order, controlConfig(options, rim).data.folder, rim.clock));
  });
}

const acceptExamples = `
Policies that would close a guarded path, that had trouble on canary nodes, or that nobody confirmed, are held back: older ones stay in
force. Accepted, they come into force as any others: canary nodes first, and to be confirmed.

Example:
  sluice enforce accept 7f2e7dfd7b8e1d7d
${exitCodeHelp}`;

export function enforceAcceptCommand(rim: Rim = realRim): Command {
  const command = new Command("accept")
    .description("put policies in force that are held back")
    .argument("<revision>", "as it was told when they were held back")
    .addHelpText("after", acceptExamples);
  return addControlOptions(command).action(async (revision: string, options: ControlOptions) => {
    const order = { do: "accept", revision: checked(revision) } as const;
    rim.note(await askRunning(order, controlConfig(options, rim).data.folder, rim.clock));
  });
}

function checked(revision: string): string {
  if (/^[0-9a-f]{16}$/.test(revision)) return revision;
  throw new SluiceError(
    "USAGE",
    `${revision} is no revision: 16 hexadecimal digits, as "sluice enforce rollout" tells them`,
  );
}

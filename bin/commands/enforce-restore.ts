import { Command } from "commander";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { type Kernel, openKernel } from "../kernel.ts";
import { addSettings, configOf } from "../options.ts";
import { restore } from "../restore.ts";
import { type Rim, realRim } from "../rim.ts";
import { type Seat, seatOption, seatsOf } from "../seat-option.ts";

const examples = `
For the start of a machine (deploy/systemd/sluice-restore.service): loads the rules that were in force last, before the cluster's API
server answers, and ends. Rules that are in force already are left alone. Without last good rules, or if they are damaged, pods are
closed until policies are known; the node itself is not. Exit code 3 says that.

Examples:
  sluice enforce restore --node.name node-1 --data.folder /var/lib/sluice
  sluice enforce --restore --node.name node-1 --data.folder /var/lib/sluice
${exitCodeHelp}`;

interface Options {
  readonly seat: readonly Seat[];
}

export function enforceRestoreCommand(rim: Rim = realRim, open: () => Promise<Kernel> = openKernel): Command {
  const command = new Command("restore")
    .description("load the last good rules, as at the start of a machine")
    .addOption(seatOption())
    .addHelpText("after", examples);
  return addSettings(command).action(async (options: Options) => {
    const config = configOf({ ...options }, rim.env);
    const kernel = await open();
    try {
      for (const { node, namespacePath } of seatsOf(options.seat, config.node.name)) {
        const { did, sentence } = await restore({ node, nft: kernel.nft(namespacePath), config, clock: rim.clock });
        rim.note(sentence);
        if (did === "closed") rim.exit(exitCodes.finding);
      }
    } finally {
      await kernel.close();
    }
  });
}

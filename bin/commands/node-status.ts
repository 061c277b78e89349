import { Command } from "commander";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { nodeIsWell, nodeShape } from "../formats/node-shape.ts";
import { printerFor } from "../formats/printer.ts";
import { addRecordOptions, type RecordOptions, recordConfig, recordOutput } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";
import { readStatuses } from "../status-folder.ts";

const examples = `
What the running process tells of its nodes at least every ten seconds (data/status): which policy revision is wanted and which is in force,
how large the ruleset is, how often somebody else changed it, and whether probes through the node's own hooks prove that it is in force.
Exit code 3: a node does not enforce what is wanted, or nothing was heard of it lately.

Examples:
  sluice node status
  sluice node status -o json | jq '.[] | select(.state != "enforcing")'
${exitCodeHelp}`;

interface Options extends RecordOptions {
  readonly node?: string;
}

export function nodeStatusCommand(rim: Rim = realRim): Command {
  const command = new Command("status")
    .description("whether each node enforces what is wanted, and what proves it")
    .option("--node <name>", "only of this node")
    .addHelpText("after", examples);
  return addRecordOptions(command).action(async (options: Options) => {
    const { data } = recordConfig(options, rim);
    const all = await readStatuses(data.folder);
    const statuses = all.filter(({ node }) => options.node === undefined || node === options.node);
    const now = rim.clock.now();
    const printer = printerFor(options.output, nodeShape(now), recordOutput(options, rim));
    await printer.print(statuses);
    await printer.end();
    if (statuses.length === 0) rim.note(`no node ever told its status in ${data.folder}: has "sluice up" run there?`);
    if (statuses.length === 0 || statuses.some((status) => !nodeIsWell(status, now))) rim.exit(exitCodes.finding);
  });
}

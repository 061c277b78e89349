import { Command } from "commander";
import { SluiceError } from "../../core/errors.ts";
import { parseDuration } from "../../core/time-text.ts";
import { faultOfReason } from "../../enforcer/break-glass.ts";
import { askRunning } from "../control/ask.ts";
import { addControlOptions, type ControlOptions, controlConfig } from "../control/options.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
While it is on, policy denies nothing there: packets pass, records say "observed" and tell what would be denied. It ends by itself, also
if the process is restarted meanwhile, and lasts no longer than enforcer.breakGlassMaxMs. It is logged, told to whoever looks on, and
written to control/history in the data folder, with the reason.

Examples:
  sluice enforce break-glass --reason "INC-4711: payments cut off from their database" --for 30m
  sluice enforce break-glass --reason "INC-4711: node-2 does not reach its storage" --for 10m --node node-2
  sluice enforce break-glass --end
${exitCodeHelp}`;

interface Options extends ControlOptions {
  readonly reason?: string;
  readonly for?: string;
  readonly node?: string;
  readonly end: boolean;
}

export function enforceBreakGlassCommand(rim: Rim = realRim): Command {
  const command = new Command("break-glass")
    .description("let everything pass for a while, with a reason, on all nodes of the running process or on one")
    .option("--reason <text>", "why, in at least 8 characters; it is recorded")
    .option("--for <time>", "for how long, e.g. 30m")
    .option("--node <name>", "only on this node")
    .option("--end", "end it now", false)
    .addHelpText("after", examples);
  return addControlOptions(command).action(async (options: Options) => {
    const { data } = controlConfig(options, rim);
    rim.note(await askRunning(orderOf(options), data.folder, rim.clock));
  });
}

function orderOf({ reason, for: time, end, ...options }: Options): Parameters<typeof askRunning>[0] {
  const node = options.node ?? null;
  if (node !== null && !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(node))
    throw new SluiceError("USAGE", `--node ${node}: that is no name of a node`);
  if (end && (reason !== undefined || time !== undefined))
    throw new SluiceError("USAGE", "--end takes neither --reason nor --for");
  if (end) return { do: "end-break-glass", node };
  if (reason === undefined || time === undefined)
    throw new SluiceError("USAGE", 'break-glass needs --reason "why" and --for 30m; or --end');
  const forMs = parseDuration(time);
  if (forMs === undefined || forMs < 1)
    throw new SluiceError("USAGE", `--for ${time}: write a duration as "30m" or "1h30m"`);
  const fault = faultOfReason(reason);
  if (fault !== undefined) throw new SluiceError("USAGE", `--reason: ${fault}`);
  return { do: "break-glass", reason, forMs, node };
}

import { Command, Option } from "commander";
import { isoTime } from "../../core/clock.ts";
import { partedAt } from "../../enforcer/break-glass.ts";
import { noRollout } from "../../enforcer/rollout.ts";
import { Output } from "../../sinks/live/output.ts";
import { ControlFolder } from "../control/folder.ts";
import { addControlOptions, type ControlOptions, controlConfig } from "../control/options.ts";
import { type ControlState, readState } from "../control/state.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
Which policies are in force, whether changed ones are on their way, held back or withdrawn and why, and whether break-glass is on. As the
process on this data folder wrote it down last: changes show within seconds. Exit code 3: something is held back, or break-glass is on.

Example:
  sluice enforce rollout
${exitCodeHelp}`;

interface Options extends ControlOptions {
  readonly output: "text" | "json";
}

export function enforceRolloutCommand(rim: Rim = realRim): Command {
  const command = new Command("rollout")
    .description("which policies are in force, on trial or held back, and whether break-glass is on")
    .addOption(new Option("-o, --output <format>", "how to print").choices(["text", "json"]).default("text"))
    .addHelpText("after", examples);
  return addControlOptions(command).action(async (options: Options) => {
    const state = await stateNow(options, rim);
    const text =
      options.output === "json" ? JSON.stringify({ type: "rollout", ...state }, null, 2) : linesOf(state).join("\n");
    await new Output(rim.stdout).write(`${text}\n`);
    if (state.rollout.held !== null || state.breakGlass.length > 0) rim.exit(exitCodes.finding);
  });
}

async function stateNow(options: Options, rim: Rim): Promise<ControlState> {
  const { data } = controlConfig(options, rim);
  const state = (await readState(new ControlFolder(data.folder))) ?? { rollout: noRollout, breakGlass: [] };
  return { ...state, breakGlass: partedAt(state.breakGlass, rim.clock.now()).on };
}

function linesOf({ rollout: { confirmed, trial, held }, breakGlass }: ControlState): readonly string[] {
  const override = held === null ? "" : `sluice enforce accept ${held.revision}`;
  return [
    `confirmed: ${confirmed ?? "nothing yet"}`,
    `on trial:  ${trial === null ? "nothing" : `${trial.revision}, ${trial.where} since ${isoTime(trial.since)}`}`,
    ...(held === null
      ? ["held back: nothing"]
      : [
          `held back: ${held.revision}, ${reasons[held.because]}`,
          ...held.details.map((detail) => `  ${detail}`),
          `  to put it in force nevertheless: ${override}`,
        ]),
    ...(breakGlass.length === 0 ? ["break-glass: off"] : breakGlass.map(glassLine)),
  ];
}

const reasons = {
  closes: "since it would close guarded paths:",
  trouble: "since a node had trouble with it:",
  unconfirmed: "since nobody confirmed it:",
} as const;

function glassLine({ node, until, by, reason }: ControlState["breakGlass"][number]): string {
  return `break-glass: ON ${node === null ? "everywhere" : `on ${node}`} until ${isoTime(until)}, by ${by}: ${reason}`;
}

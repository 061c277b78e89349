import { type Command, Option } from "commander";
import type { Config } from "../../core/config.ts";
import { recordConfig } from "../record-options.ts";
import type { Rim } from "../rim.ts";

/** Of commands that talk to the process that runs on a data folder. */
export interface ControlOptions {
  readonly dataFolder?: string;
  readonly "data.folder"?: string;
  readonly config?: string;
}

export function addControlOptions(command: Command): Command {
  return command
    .option("--data-folder <folder>", "of the running process (or SLUICE_DATA_FOLDER; default ./data)")
    .addOption(new Option("--data.folder <folder>", "as the setting is called elsewhere").hideHelp())
    .option("--config <file>", "YAML file of settings (or SLUICE_CONFIG)");
}

export const controlConfig = (options: ControlOptions, rim: Rim): Config => recordConfig(options, rim);

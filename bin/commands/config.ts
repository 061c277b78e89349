import { Command } from "commander";
import { printConfig } from "../../core/config.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { addSettings, configOf } from "../options.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
Examples:
  sluice config                                  what is in force, as YAML fit for a file; secrets are masked
  sluice config --config /etc/sluice.yaml --check
  SLUICE_LOG_LEVEL=debug sluice config
${exitCodeHelp}`;

export function configCommand(rim: Rim = realRim): Command {
  const command = new Command("config")
    .description("print the effective configuration, or check it")
    .option("--check", "print nothing; exit code 2 if it is not accepted", false)
    .addHelpText("after", examples);
  return addSettings(command).action(({ check, ...options }: { readonly check: boolean }) => {
    const config = configOf(options, rim.env);
    if (check) rim.note("the configuration is accepted");
    else rim.stdout.write(printConfig(config), () => {});
  });
}

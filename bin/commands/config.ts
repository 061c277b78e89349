import { Command } from "commander";
import { parse } from "yaml";
import { printConfig, settings } from "../../core/config.ts";
import { choiceOption } from "../choice.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { type FormatName, formatNames } from "../formats/format.ts";
import { printerFor } from "../formats/printer.ts";
import { type SettingInForce, settingShape } from "../formats/setting-shape.ts";
import { addSettings, configOf } from "../options.ts";
import { recordOutput } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
Examples:
  sluice config                                  what is in force, as YAML fit for a file; secrets are masked
  sluice config -o wide                          a line a setting, with its flag and variable
  sluice config --config /etc/sluice.yaml --check
  SLUICE_LOG_LEVEL=debug sluice config
${exitCodeHelp}`;

interface Options {
  readonly check: boolean;
  readonly output: FormatName;
  readonly headers: boolean;
}

export function configCommand(rim: Rim = realRim): Command {
  const command = new Command("config")
    .description("print the effective configuration, or check it")
    .option("--check", "print nothing; exit code 2 if it is not accepted", false)
    .addOption(
      choiceOption("-o, --output <format>", "yaml: as in a file; others a setting a line", formatNames).default("yaml"),
    )
    .option("--no-headers", "no header line in tables and CSV")
    .addHelpText("after", examples);
  return addSettings(command).action(async ({ check, output, headers, ...options }: Options) => {
    const text = printConfig(configOf(options, rim.env));
    if (check) return rim.note("the configuration is accepted");
    const out = recordOutput({ headers, color: "auto" }, rim);
    if (output === "yaml") return out.output.write(text);
    const printer = printerFor(output, settingShape, out);
    await printer.print(inForce(parse(text) as Masked));
    await printer.end();
  });
}

/** A configuration as it is printed, so that no other way to print it tells a secret. */
type Masked = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

function inForce(masked: Masked): readonly SettingInForce[] {
  return settings.map(({ path, flag, variable, default: fallback }) => {
    const [section = "", key = ""] = path.split(".");
    return { path, flag, variable, value: masked[section]?.[key] ?? null, default: fallback ?? null };
  });
}

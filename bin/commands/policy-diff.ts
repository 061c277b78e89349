import { Command, Option } from "commander";
import { effectOf } from "../../policy/effect.ts";
import { effectSummary } from "../../policy/effect-text.ts";
import type { ProgramSettings } from "../../policy/program-settings.ts";
import { Output } from "../../sinks/live/output.ts";
import { plain } from "../../sinks/live/paint.ts";
import { readCompared, sharedOption, situationOf } from "../compared.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { differenceShape } from "../formats/difference-shape.ts";
import { documentText } from "../formats/document.ts";
import { printerFor } from "../formats/printer.ts";
import { type Difference, differencesOf } from "../object-diff.ts";
import { podToHostOption } from "../pod-to-host-option.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
Objects that were added, removed or changed, field by field, and in one line what that does to connections ("sluice policy effect" tells it in
full). What servers write into objects (status, versions) does not count. Ends with 3 if anything differs.

Examples:
  sluice policy diff policies-main/ policies-branch/ --objects cluster.yaml
  sluice policy diff before.yaml after.yaml -o json
${exitCodeHelp}`;

interface Options extends ProgramSettings {
  readonly objects?: string;
  readonly output: "table" | "json" | "yaml";
}

export function policyDiffCommand(rim: Rim = realRim): Command {
  return new Command("diff")
    .description("which objects differ between two sets of manifests, field by field")
    .argument("<a>", "folder or file of manifests")
    .argument("<b>", "the other one")
    .addOption(sharedOption())
    .addOption(podToHostOption())
    .addOption(new Option("-o, --output <format>", "how to print").choices(["table", "json", "yaml"]).default("table"))
    .addHelpText("after", examples)
    .action(async (a: string, b: string, { objects, output, podToHost }: Options) => {
      const { before, after } = await readCompared(a, b, objects, rim);
      const differences = differencesOf(before, after);
      const effect = effectSummary(effectOf(situationOf(before, { podToHost }), situationOf(after, { podToHost })));
      await print(differences, effect, output, rim);
      rim.exit(differences.length > 0 ? exitCodes.finding : exitCodes.done);
    });
}

async function print(differences: readonly Difference[], effect: string, format: Options["output"], rim: Rim) {
  const output = new Output(rim.stdout);
  if (format !== "table") {
    await output.write(documentText({ differences: differences.map(differenceShape.objectOf), effect }, format));
    return;
  }
  const printer = printerFor("table", differenceShape, { output, paint: plain, headers: true });
  await printer.print(differences);
  await printer.end();
  await output.write(differences.length === 0 ? "no difference\n" : `effect: ${effect}\n`);
}

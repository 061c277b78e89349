import { Command } from "commander";
import { plural } from "../../sinks/live/text.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { findingsIn } from "../findings.ts";
import { usualFolder } from "../folder.ts";
import { findingShape } from "../formats/finding-shape.ts";
import { printerFor } from "../formats/printer.ts";
import { type TaxonomyOptions, taxonomyOption } from "../labels/taxonomy-option.ts";
import { addOutputOptions, type OutputOptions, recordOutput } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
Errors are what is not accepted: the object has no effect, or keeps its last good state. Warnings are accepted, and traps.

Examples:
  sluice policy validate policies/
  sluice policy validate policies/ --strict -o json
  sluice policy validate policies/ --taxonomy platform/labels.yaml
${exitCodeHelp}`;

interface Options extends OutputOptions, TaxonomyOptions {
  readonly strict: boolean;
}

export function policyValidateCommand(rim: Rim = realRim): Command {
  const command = new Command("validate")
    .description("everything that is wrong with the manifests of a folder")
    .argument("[folder]", "folder or file of Kubernetes YAML, - for standard input", usualFolder)
    .addOption(taxonomyOption())
    .option("--strict", "exit with 3 for warnings as well", false)
    .addHelpText("after", examples);
  return addOutputOptions(command).action(async (path: string, options: Options) => {
    const { findings, objects } = await findingsIn(path, options.taxonomy);
    const printer = printerFor(options.output, findingShape, recordOutput(options, rim));
    await printer.print(findings);
    await printer.end();
    const errors = findings.filter(({ severity }) => severity === "error").length;
    const counts = `${plural(errors, "error")}, ${plural(findings.length - errors, "warning")}`;
    rim.note(objects + errors === 0 ? `there are no objects in ${path}` : counts);
    rim.exit(errors > 0 || (options.strict && findings.length > 0) ? exitCodes.finding : exitCodes.done);
  });
}

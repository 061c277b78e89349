import { Command } from "commander";
import { labelFaults } from "../../policy/taxonomy/coverage.ts";
import { plural } from "../../sinks/live/text.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { labelFaultShape } from "../formats/label-fault-shape.ts";
import { printerFor } from "../formats/printer.ts";
import { addLabelOptions, type LabelOptions, openLabelled } from "../labels/open-labelled.ts";
import { addOutputOptions, type OutputOptions, recordOutput } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
Who may set a label is asked when somebody sets it, by the admission policies that "sluice watch" makes of the taxonomies; here only labels are looked at.
Exit code 3: somebody has a value that is not allowed, or lacks a label.

Examples:
  sluice labels check manifests/ --taxonomy platform/labels.yaml
  sluice labels check --cluster -o jsonl
${exitCodeHelp}`;

export function labelsCheckCommand(rim: Rim = realRim): Command {
  const command = new Command("check")
    .description("which pods, templates, namespaces and nodes are not labelled as the taxonomies say")
    .addHelpText("after", examples);
  return addOutputOptions(addLabelOptions(command)).action(
    async (path: string, options: LabelOptions & OutputOptions) => {
      const { carriers, taxonomies } = await openLabelled(path, options, rim);
      const faults = labelFaults(carriers, taxonomies);
      const printer = printerFor(options.output, labelFaultShape, recordOutput(options, rim));
      await printer.print(faults);
      await printer.end();
      rim.note(`${plural(faults.length, "fault")} in ${plural(carriers.length, "object")}`);
      if (faults.length > 0) rim.exit(exitCodes.finding);
    },
  );
}

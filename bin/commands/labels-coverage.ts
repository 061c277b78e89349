import { Command } from "commander";
import { coverageOf } from "../../policy/taxonomy/coverage.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { coverageShape } from "../formats/coverage-shape.ts";
import { printerFor } from "../formats/printer.ts";
import { addLabelOptions, type LabelOptions, openLabelled } from "../labels/open-labelled.ts";
import { addOutputOptions, type OutputOptions, recordOutput } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
Counts by key of the taxonomies and by namespace: allowed have the label with a value that is allowed, wrong have another value, lacking have none
and must have one, absent have none and need none. Exit code 3: somebody is wrong or lacking.

Examples:
  sluice labels coverage --cluster
  sluice labels coverage manifests/ --taxonomy platform/labels.yaml -o csv
  kubectl get labeltaxonomies,namespaces,nodes,pods,deployments -A -o yaml | sluice labels coverage -
${exitCodeHelp}`;

export function labelsCoverageCommand(rim: Rim = realRim): Command {
  const command = new Command("coverage")
    .description("how many pods, templates, namespaces and nodes are labelled as the taxonomies say")
    .addHelpText("after", examples);
  return addOutputOptions(addLabelOptions(command)).action(
    async (path: string, options: LabelOptions & OutputOptions) => {
      const { carriers, taxonomies } = await openLabelled(path, options, rim);
      const coverage = coverageOf(carriers, taxonomies);
      const printer = printerFor(options.output, coverageShape, recordOutput(options, rim));
      await printer.print(coverage);
      await printer.end();
      if (coverage.some(({ wrong, lacking }) => wrong + lacking > 0)) rim.exit(exitCodes.finding);
    },
  );
}

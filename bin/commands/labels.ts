import { Command } from "commander";
import { exitCodeHelp } from "../exit-codes.ts";
import { type Rim, realRim } from "../rim.ts";
import { labelsCheckCommand } from "./labels-check.ts";
import { labelsCoverageCommand } from "./labels-coverage.ts";

const examples = `
A LabelTaxonomy (controls.sluice.dev/v1alpha1) says which labels pods, namespaces and nodes carry, with which values, and who may set them: docs/labels.md.

Examples:
  sluice labels coverage --cluster
  sluice labels check manifests/ --taxonomy platform/labels.yaml
${exitCodeHelp}`;

export function labelsCommand(rim: Rim = realRim): Command {
  return new Command("labels")
    .description("whether labels are as the taxonomies say")
    .addHelpText("after", examples)
    .addCommand(labelsCoverageCommand(rim))
    .addCommand(labelsCheckCommand(rim));
}

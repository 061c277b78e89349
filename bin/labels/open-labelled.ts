import type { Command } from "commander";
import { faultText, readManifests, usualFolder } from "../folder.ts";
import type { Rim } from "../rim.ts";
import { type Labelled, labelledIn } from "./labelled.ts";
import { type TaxonomyOptions, taxonomyOption } from "./taxonomy-option.ts";

export type LabelOptions = TaxonomyOptions;

export function addLabelOptions(command: Command): Command {
  return command
    .argument("[folder]", "folder or file of Kubernetes YAML, - for standard input", usualFolder)
    .addOption(taxonomyOption());
}

/** Reads what the options name, and tells of what is not accepted in it. */
export async function openLabelled(path: string, { taxonomy }: LabelOptions, rim: Rim): Promise<Labelled> {
  const places = [path, ...(taxonomy === undefined ? [] : [taxonomy])];
  const read = await Promise.all(places.map((place) => readManifests(place)));
  for (const fault of read.flatMap(({ faults }) => faults)) rim.note(`not accepted: ${faultText(fault)}`);
  const objects = read.flatMap((manifests) => manifests.objects);
  return labelledIn(objects, places.join(" and "), (text) => rim.note(text));
}

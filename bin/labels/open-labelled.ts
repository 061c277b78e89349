import { type Command, Option } from "commander";
import type { KubeObject } from "../../core/kube/objects.ts";
import { faultText, readManifests, usualFolder } from "../folder.ts";
import type { Rim } from "../rim.ts";
import { clusterObjects } from "./cluster-objects.ts";
import { type Labelled, labelledIn } from "./labelled.ts";
import { type TaxonomyOptions, taxonomyOption } from "./taxonomy-option.ts";

export interface LabelOptions extends TaxonomyOptions {
  readonly cluster?: boolean;
  readonly kubeconfig?: string;
  readonly context?: string;
}

export function addLabelOptions(command: Command): Command {
  return command
    .argument("[folder]", "folder or file of Kubernetes YAML, - for standard input", usualFolder)
    .addOption(taxonomyOption())
    .option("--cluster", "ask the API server instead of reading a folder")
    .addOption(new Option("--kubeconfig <file>", "where it is, if not where kubectl looks").implies({ cluster: true }))
    .addOption(new Option("--context <name>", "of the kubeconfig").implies({ cluster: true }));
}

/** Reads what the options name, and tells of what is not accepted in it. Throws USAGE where there is no taxonomy. */
export async function openLabelled(path: string, options: LabelOptions, rim: Rim): Promise<Labelled> {
  const [place, objects] = options.cluster
    ? ["the cluster", await clusterObjects(options, new AbortController().signal)]
    : [path, await accepted(path, rim)];
  const others = options.taxonomy === undefined ? [] : await accepted(options.taxonomy, rim);
  return labelledIn([...objects, ...others], place, (text) => rim.note(text));
}

async function accepted(path: string, rim: Rim): Promise<readonly KubeObject[]> {
  const { objects, faults } = await readManifests(path);
  for (const fault of faults) rim.note(`not accepted: ${faultText(fault)}`);
  return objects;
}

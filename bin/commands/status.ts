import { Command } from "commander";
import { printItems } from "../bus/print-items.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { componentShape } from "../formats/component-shape.ts";
import { componentsIn, isWell } from "../install/components.ts";
import { addClusterOptions, apiOf, type ClusterOptions, examine } from "../install/options.ts";
import { readRecord } from "../install/record.ts";
import { addOutputOptions, type OutputOptions } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
Whether the parts of an installation work: kinds, nodes, and what runs behind Kafka. CURRENT: of the version and values that are wanted. What a node enforces
is told there, by sluice node status. Exit code 3: something is not ready, or nothing is installed.

Examples:
  sluice status
  sluice status -o json | jq '.[] | select(.isWell | not)'
${exitCodeHelp}`;

export function statusCommand(rim: Rim = realRim): Command {
  const command = new Command("status")
    .description("whether Sluice works in a Kubernetes cluster")
    .addHelpText("after", examples);
  return addOutputOptions(addClusterOptions(command)).action(async (options: ClusterOptions & OutputOptions) => {
    const { namespace } = options;
    const api = apiOf(options);
    const [foreign, record] = [await examine(api), await readRecord(api, namespace)];
    const states = await componentsIn(api, namespace, foreign);
    await printItems(states, componentShape, options, rim);
    if (record !== undefined) rim.note(`version ${record.version} was installed by sluice install`);
    for (const sign of foreign.signs) rim.note(`Calico is here: ${sign}`);
    const isThere = states.some(({ kind }) => kind === "DaemonSet");
    if (!isThere) rim.note(`nothing of Sluice runs in namespace ${namespace}`);
    if (!isThere || states.some((state) => !isWell(state))) rim.exit(exitCodes.finding);
  });
}

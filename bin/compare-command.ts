import { compareWithKernel } from "../enforcer/compare.ts";
import { Output } from "../sinks/live/output.ts";
import { type NodeOptions, namespaceOf, nodeConfig, withNft } from "./enforce-options.ts";
import { exitCodes } from "./exit-codes.ts";
import { placeOf } from "./folder.ts";
import { comparisonObject, comparisonText } from "./listing-diff-text.ts";
import type { Rim } from "./rim.ts";
import { linksIn, wantedRuleset } from "./wanted-ruleset.ts";

export interface CompareOptions extends NodeOptions {
  readonly output: "text" | "json";
  readonly limit: number;
}

/** Compares what a folder wants of a node with what its kernel has, prints it, and ends with 3 if they differ. */
export async function compareCommand(folder: string | undefined, options: CompareOptions, rim: Rim): Promise<void> {
  const config = nodeConfig(options, rim);
  const namespace = namespaceOf(options);
  await withNft(config, async (access) => {
    const from = { folder: folder ?? placeOf(config.objects), node: options.node ?? config.node.name, config };
    const wanted = await wantedRuleset({ ...from, links: await linksIn(namespace) }, rim);
    const comparison = await compareWithKernel(access, wanted.ruleset, namespace, rim.clock);
    const text =
      options.output === "json"
        ? `${JSON.stringify(comparisonObject(wanted, comparison), null, 2)}\n`
        : comparisonText(wanted, comparison, options.limit);
    await new Output(rim.stdout).write(text);
    rim.exit(comparison.differences.length === 0 ? exitCodes.done : exitCodes.finding);
  });
}

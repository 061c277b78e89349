import { Command } from "commander";
import { askedOnce, mayReadPolicy } from "../../controls/tiers/policy-reads.ts";
import type { MayAccess } from "../../core/kube/api/access.ts";
import { matches } from "../../policy/selector/syntax.ts";
import { type AccessOptions, accessOfOptions, addAccessOptions } from "../access-options.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { type PolicyRow, policyShape } from "../formats/policy-shape.ts";
import { printerFor } from "../formats/printer.ts";
import {
  checkTier,
  folderArgument,
  objectsOption,
  openPolicyFolder,
  type PolicyFolder,
  subjectsIn,
} from "../policy-folder.ts";
import { addOutputOptions, type OutputOptions, recordOutput } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
Policies come in the order in which they are asked. A direction without a number is left alone.

Examples:
  sluice policy get lab/demo
  sluice policy get lab/demo --tier security -o wide
  sluice policy get lab/demo --as ann --as-group web-team     those that ann may read, by tier
${exitCodeHelp}`;

interface Options extends OutputOptions, AccessOptions {
  readonly objects: string;
  readonly tier?: string;
}

export function policyGetCommand(rim: Rim = realRim): Command {
  const command = new Command("get")
    .description("the policies in order of evaluation, and how many pods each is about")
    .addArgument(folderArgument())
    .addOption(objectsOption())
    .option("--tier <name>", "only those of this tier")
    .addHelpText("after", examples);
  return addAccessOptions(addOutputOptions(command)).action(async (path: string | undefined, options: Options) => {
    const folder = await openPolicyFolder(path ?? options.objects, rim);
    if (options.tier !== undefined) checkTier(folder, options.tier);
    const printer = printerFor(options.output, policyShape, recordOutput(options, rim));
    const rows = await seenRows(rowsOf(folder, options.tier), accessOfOptions(options));
    await printer.print(rows);
    await printer.end();
    if (rows.length === 0)
      rim.note(`no policies in ${options.tier === undefined ? (path ?? options.objects) : `tier ${options.tier}`}`);
  });
}

async function seenRows(rows: readonly PolicyRow[], asked: MayAccess | undefined): Promise<readonly PolicyRow[]> {
  if (asked === undefined) return rows;
  const may = askedOnce(asked);
  const seen: PolicyRow[] = [];
  for (const row of rows) if (await mayReadPolicy(row.policy, may)) seen.push(row);
  return seen;
}

function rowsOf({ tiers, world }: PolicyFolder, only: string | undefined): readonly PolicyRow[] {
  const subjects = subjectsIn(world.placement());
  return tiers
    .filter(({ tier }) => only === undefined || tier.name === only)
    .flatMap(({ tier, policies }) =>
      policies.map((policy) => {
        const selected = subjects.filter(({ labels }) => matches(policy.selector, labels));
        const hosts = selected.filter(({ kind }) => kind === "host").length;
        return { policy, tierOrder: tier.order, pods: selected.length - hosts, hosts };
      }),
    );
}

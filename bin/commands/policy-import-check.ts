import { Command } from "commander";
import type { Config } from "../../core/config.ts";
import type { FlowQuery } from "../../core/flow-store.ts";
import { plural } from "../../sinks/live/text.ts";
import { limitOption } from "../count.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { addFlowOptions, type FlowOptions } from "../flow-options.ts";
import { importShape } from "../formats/import-shape.ts";
import { printerFor } from "../formats/printer.ts";
import { impactSentence } from "../impact-text.ts";
import { denialOf, differencesIn } from "../import-check.ts";
import { readPolicyFolder } from "../policy-folder.ts";
import { impactOf } from "../policy-impact.ts";
import { addStoreOptions, type RecordOptions, recordConfig, recordOutput } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
First what of the folder is not enforced here: objects and fields that are refused, rules that ask for HTTP or domains, and kinds that
are set elsewhere. Then, with --since, which recorded flows the policies of the folder would have denied: with Sluice observing beside the
present enforcement for a week, that is what a change-over would break.

Examples:
  kubectl get -A -o yaml networkpolicies,globalnetworkpolicies.projectcalico.org,… > exported/all.yaml
  sluice policy import-check exported/
  sluice policy import-check exported/ --since 7d -o json
${exitCodeHelp}`;

interface Options extends FlowOptions, RecordOptions {
  readonly limit: number;
}

export function policyImportCheckCommand(rim: Rim = realRim): Command {
  const command = new Command("import-check")
    .description(
      "what of an existing Calico or Kubernetes set-up is not enforced here, and which recorded flows it would deny",
    )
    .argument("<folder>", "folder of exported Kubernetes YAML");
  const queryOf = addFlowOptions(command, rim.clock);
  command.addOption(limitOption(100)).addHelpText("after", examples);
  return addStoreOptions(command).action(async (path: string, options: Options) => {
    const query = queryOf(options);
    const out = recordOutput(options, rim);
    const differences = await differencesIn(path);
    const asked = options.since === undefined ? undefined : { query, limit: options.limit };
    const denials = asked === undefined ? [] : await denialsIn(path, asked, recordConfig(options, rim), rim);
    const printer = printerFor(options.output, importShape, out);
    await printer.print([...differences, ...denials]);
    await printer.end();
    const elsewhere = differences.filter(({ effect }) => effect === "elsewhere").length;
    const open = differences.length - elsewhere;
    rim.note(
      differences.length === 0
        ? "all of it is enforced here"
        : `${plural(open, "difference")}, ${plural(elsewhere, "object")} whose settings are made elsewhere here`,
    );
    rim.exit(open > 0 || denials.length > 0 ? exitCodes.finding : exitCodes.done);
  });
}

interface Asked {
  readonly query: FlowQuery;
  readonly limit: number;
}

/** The pairs whose recorded traffic the policies of the folder would deny. */
async function denialsIn(path: string, { query, limit }: Asked, config: Config, rim: Rim) {
  const store = await rim.openStore(config);
  try {
    const asked = { store, query, top: Number.POSITIVE_INFINITY };
    const impact = await impactOf(await readPolicyFolder(path), false, asked, new AbortController().signal);
    rim.note(impactSentence(impact));
    const denied = impact.pairs.filter(({ change }) => change === "newlyDenied");
    return denied.slice(0, limit).map(denialOf);
  } finally {
    await store.close();
  }
}

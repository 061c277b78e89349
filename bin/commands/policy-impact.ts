import { Command } from "commander";
import type { ProgramSettings } from "../../policy/program-settings.ts";
import { limitOption } from "../count.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { addFlowOptions, type FlowOptions } from "../flow-options.ts";
import { impactShape } from "../formats/impact-shape.ts";
import { printerFor } from "../formats/printer.ts";
import { impactSentence } from "../impact-text.ts";
import { podToHostOption } from "../pod-to-host-option.ts";
import { openPolicyFolder } from "../policy-folder.ts";
import { impactOf } from "../policy-impact.ts";
import { addStoreOptions, type RecordOptions, recordConfig, recordOutput } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
Every recorded flow is judged anew by the policies of the folder: by what its ends were called and labelled when it was recorded, not by
who has their addresses now. What cannot be known any more, as the service account of a pod that is gone, is uncertain where it matters.
Without --since: everything that is recorded.

Examples:
  sluice policy impact policies-new/ --since 1d
  sluice policy impact policies/ --pending --since 7d --to-namespace payments -o csv
${exitCodeHelp}`;

interface Options extends FlowOptions, RecordOptions, ProgramSettings {
  readonly pending: boolean;
  readonly limit: number;
}

export function policyImpactCommand(rim: Rim = realRim): Command {
  const command = new Command("impact")
    .description("what policies would have changed of recorded traffic: newly denied, newly allowed, uncertain")
    .argument("<folder>", "folder of Kubernetes YAML with the policies, and the namespaces and pods that are there now")
    .option("--pending", "as if everything staged were in force", false);
  const queryOf = addFlowOptions(command, rim.clock);
  command.addOption(podToHostOption()).addOption(limitOption(100)).addHelpText("after", examples);
  return addStoreOptions(command).action(async (path: string, options: Options) => {
    const query = queryOf(options);
    const folder = await openPolicyFolder(path, rim, options);
    const store = await rim.openStore(recordConfig(options, rim));
    try {
      const out = recordOutput(options, rim);
      const asked = { store, query, top: options.limit };
      const impact = await impactOf(folder, options.pending, asked, out.output.closed);
      const printer = printerFor(options.output, impactShape, out);
      await printer.print(impact.pairs);
      await printer.end();
      rim.note(impactSentence(impact));
      rim.exit(impact.newlyDenied > 0 ? exitCodes.finding : exitCodes.done);
    } finally {
      await store.close();
    }
  });
}

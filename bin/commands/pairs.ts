import { Command } from "commander";
import { type AccessOptions, addAccessOptions, seenStore } from "../access-options.ts";
import { lastOption, limitOption } from "../count.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { addFlowOptions, type FlowOptions, noFlows } from "../flow-options.ts";
import { sinceLast } from "../flow-reading.ts";
import { pairShape } from "../formats/summary-shapes.ts";
import { printAll } from "../print-all.ts";
import { addStoreOptions, type RecordOptions } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
Examples:
  sluice pairs --since 1h --verdict deny
  sluice pairs --since now-7d --to-namespace payments -o csv > who-calls-payments.csv
${exitCodeHelp}`;

interface Options extends FlowOptions, RecordOptions, AccessOptions {
  readonly limit: number;
  readonly last?: number;
}

export function pairsCommand(rim: Rim = realRim): Command {
  const command = new Command("pairs").description("who talks to whom, summed up, most bytes first");
  const queryOf = addFlowOptions(command, rim.clock);
  command.addOption(lastOption()).addOption(limitOption(100)).addHelpText("after", examples);
  return addAccessOptions(addStoreOptions(command)).action(async (options: Options) => {
    const query = { ...queryOf(options), limit: options.limit };
    await printAll(
      options,
      rim,
      pairShape,
      async (opened, signal) => {
        const store = seenStore(opened, options, query.filter, rim.clock);
        return store.pairs({ ...query, since: await sinceLast(store, query, options.last, signal) }, signal);
      },
      noFlows,
    );
  });
}

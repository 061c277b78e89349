import { Command } from "commander";
import { exitCodeHelp } from "../exit-codes.ts";
import { policyUseShape, ruleUseShape } from "../formats/hits-shape.ts";
import { printerFor } from "../formats/printer.ts";
import { momentParser } from "../moment.ts";
import { policyUses } from "../policy-hits.ts";
import { addRecordOptions, type RecordOptions, recordConfig, recordOutput } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";
import { readAllHits } from "../status-folder.ts";

const examples = `
From the kernel's own counters, which the running process reads every ten seconds and keeps over restarts (data/status): for a rule that allows,
new connections; for one that denies, packets. Packets of connections that are established meet no rule. A table has a line a policy,
wide and csv a line a rule. --since counts by the hour within the last day, else by the day, for a month.

Examples:
  sluice policy hits                    the policies, and which of their rules nobody ever met
  sluice policy hits --since 7d -o wide
  sluice policy hits -o json | jq '.[].rules[] | select(.hits == 0) | {policy, direction, rule, countedSince}'
${exitCodeHelp}`;

interface Options extends RecordOptions {
  readonly since?: number;
  readonly unused: boolean;
}

export function policyHitsCommand(rim: Rim = realRim): Command {
  const command = new Command("hits")
    .description("how often each policy and rule was met, and which never")
    .option("--since <time>", "hits from then on: 1h (ago), 7d, 2026-11-23T10:00 (UTC)", momentParser(rim.clock))
    .option("--unused", "only policies or rules without a hit", false)
    .addHelpText("after", examples);
  return addRecordOptions(command).action(async (options: Options) => {
    const { data } = recordConfig(options, rim);
    const histories = await readAllHits(data.folder);
    const now = rim.clock.now();
    const uses = policyUses(histories, { now, since: options.since === undefined ? null : options.since / 1000 });
    const wanted = <T extends { readonly hits: number }>(all: readonly T[]) =>
      all.filter(({ hits }) => !options.unused || hits === 0);
    const out = recordOutput(options, rim);
    if (options.output === "wide" || options.output === "csv") {
      const printer = printerFor(options.output, ruleUseShape(now), out);
      await printer.print(wanted(uses.flatMap(({ rules }) => rules)));
      await printer.end();
    } else {
      const printer = printerFor(options.output, policyUseShape(now), out);
      await printer.print(wanted(uses));
      await printer.end();
    }
    if (uses.length === 0) rim.note(`nothing was counted yet in ${data.folder}: it takes "sluice up" in mode enforce`);
  });
}

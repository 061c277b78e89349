import { Command } from "commander";
import { systemClock } from "../../core/clock.ts";
import { runBusEngine } from "../bus/bus-engine.ts";
import { requireBus } from "../bus/open-bus.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { addSettings, configOf, durationOption } from "../options.ts";
import { serve } from "../serve.ts";

const examples = `
Reads what collectors sent to Kafka, adds who had an address at that time, the Service, and the policy that decided, and sends it on for
sluice sink. Several share the work by partitions: start as many as it takes. It needs the objects of the cluster, and no right of the kernel.
--enforcer.mode and the lists of nodes and namespaces beside it must be those of the nodes, since every record says whether it was enforced.

Examples:
  sluice enrich --bus.brokers kafka-0:9092 --objects.folder DIR
  sluice enrich --bus.brokers kafka-0:9092 --objects.source api
${exitCodeHelp}`;

/** Settings of what stands before and behind it, and of the kernel. */
const others =
  /^(archive|syslog|file|collector|dns|spool|data|node)\.|^enforcer\.(revoke|deny|logRate|podInterface|probe|guard|canary|confirm|breakGlass|antiSpoofing|unknownEndpoints)/;

export function enrichCommand(): Command {
  const command = new Command("enrich")
    .description("name who talked to whom, of what collectors sent to Kafka")
    .addOption(durationOption())
    .addHelpText("after", examples);
  return addSettings(command, { decided: others }).action((options: { readonly duration?: number }) => {
    const config = configOf({ ...options }, process.env);
    requireBus(config);
    const engine = { config, clock: systemClock, isEnriching: true, tells: [] as const };
    const part = { name: "sluice", run: (life: Parameters<typeof runBusEngine>[1]) => runBusEngine(engine, life) };
    return serve([part], { duration: options.duration, level: config.log.level });
  });
}

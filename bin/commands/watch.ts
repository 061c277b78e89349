import { Command } from "commander";
import { systemClock } from "../../core/clock.ts";
import { runBusEngine } from "../bus/bus-engine.ts";
import { requireBus } from "../bus/open-bus.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { addSettings, configOf, durationOption } from "../options.ts";
import { serve } from "../serve.ts";

const examples = `
Follows the objects of the cluster and tells Kafka who had which address from when to when, and what each revision of the policies means. One a
cluster: two would tell everything twice.

Examples:
  sluice watch --bus.brokers kafka-0:9092 --objects.folder DIR
${exitCodeHelp}`;

const others = /^(archive|syslog|file|collector|dns|spool|node|enforcer)\./;

export function watchCommand(): Command {
  const command = new Command("watch")
    .description("tell Kafka who has which address, and what the policies mean")
    .addOption(durationOption())
    .addHelpText("after", examples);
  return addSettings(command, { decided: others }).action((options: { readonly duration?: number }) => {
    const config = configOf({ ...options }, process.env);
    requireBus(config);
    const engine = {
      config,
      clock: systemClock,
      isEnriching: false,
      tells: ["endpoints", "programs", "changes"] as const,
    };
    const part = { name: "sluice", run: (life: Parameters<typeof runBusEngine>[1]) => runBusEngine(engine, life) };
    return serve([part], { duration: options.duration, level: config.log.level });
  });
}

import { Command } from "commander";
import { systemClock } from "../../core/clock.ts";
import type { Part } from "../../core/service.ts";
import { runBusEngine } from "../bus/bus-engine.ts";
import { requireBus } from "../bus/open-bus.ts";
import { besideWatch } from "../controls/beside-watch.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { addSettings, configOf, durationOption } from "../options.ts";
import { serve } from "../serve.ts";

const examples = `
Follows the objects of the cluster and tells Kafka who had which address from when to when, and what each revision of the policies means. One a
cluster: two would tell everything twice. From an API server (objects.source api) it also keeps the admission policies that the LabelTaxonomies of the
cluster ask for (docs/labels.md), keeps tiers from vanishing while policies are in them (docs/tiers-and-rbac.md), and writes into the status of
policies and tiers what became of them.
It tells who changed what and whether that was authorised, if the API server tells it (audit.*, docs/change-log.md).

Examples:
  sluice watch --bus.brokers kafka-0:9092 --objects.folder DIR
  sluice watch --bus.brokers kafka-0:9092 --objects.source api
  sluice watch --bus.brokers kafka-0:9092 --objects.source api --audit.log-file /var/log/kubernetes/audit.log
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
      ...(config.objects.source === "api" ? { beside: besideWatch } : {}),
    };
    const part: Part = { name: "sluice", run: (life) => runBusEngine(engine, life) };
    return serve([part], { duration: options.duration, level: config.log.level });
  });
}

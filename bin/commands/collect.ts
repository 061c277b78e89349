import { Command } from "commander";
import { systemClock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import { stderrLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import type { Part } from "../../core/service.ts";
import { Output } from "../../sinks/live/output.ts";
import { besideBus } from "../bus/on-bus.ts";
import { rawTopics } from "../bus/raw-topics.ts";
import { Collect, requireRights } from "../collect.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { addSettings, configOf, durationOption } from "../options.ts";
import { rawLines } from "../raw-lines.ts";
import type { RecordSinks } from "../raw-path.ts";
import { type Seat, seatOption, seatsOf } from "../seat-option.ts";
import { serve } from "../serve.ts";
import { serveMetrics } from "../serve-metrics.ts";
import { together } from "../together.ts";

const examples = `
One node's part of a larger whole: reads connections, denials and, if wanted, DNS from the kernel, keeps the records in a spool and hands
them out as JSON lines: of flows, losses, heartbeats and DNS, as they were seen, without names of pods. What the reader has not taken is
kept, also if it ends, and told again by the next run. With --bus.brokers they go to Kafka instead, for sluice enrich and sluice sink.

It blocks nothing and touches nothing of others: it works beside any CNI and its policies. It needs CAP_NET_ADMIN (to enter the namespaces
of --seat CAP_SYS_ADMIN as well), the program nft, and a data folder that it can write to; everything else may be read-only.

Examples:
  sluice collect --node.name node-1 --data.folder /var/lib/sluice | ship-elsewhere
  sluice collect --node.name node-1 --bus.brokers kafka-0:9092,kafka-1:9092
  sluice collect --dns.enabled true --duration 1m | jq -r 'select(.type == "dns") | .name' | sort | uniq -c
${exitCodeHelp}`;

/** Settings of what stands behind a collector. */
const others = /^(audit|archive|syslog|file|objects|enforcer|enricher)\./;

interface Options {
  readonly duration?: number;
  readonly seat: readonly Seat[];
}

export function collectCommand(): Command {
  const command = new Command("collect")
    .description("collect what one node's kernel sees, and hand it out as JSON lines")
    .addOption(durationOption())
    .addOption(seatOption())
    .addHelpText("after", examples);
  return addSettings(command, { decided: others }).action((options: Options) => {
    const config = configOf({ ...options }, process.env);
    return serve([collectPart(config, options)], { duration: options.duration, level: config.log.level });
  });
}

function collectPart(config: Config, { seat }: Options): Part {
  return {
    name: "sluice",
    async run({ stop: asked, ready, end }) {
      const seats = seatsOf(seat, config.node.name);
      requireRights(seats);
      const output = new Output(process.stdout);
      const stop = AbortSignal.any([asked, output.closed]);
      output.closed.addEventListener("abort", end, { once: true });
      const metrics = new Metrics();
      const log = stderrLog(config.log.level);
      const rim = { config, clock: systemClock, log, metrics };
      const collectInto = async (sinks: RecordSinks, until: AbortSignal) => {
        const collect = new Collect({ ...rim, seats, sinks });
        const observed = { metrics, engine: collect, address: config.metrics.listen };
        await together(until, [
          (over) => collect.run(over),
          (over) => serveMetrics(observed, over),
          (over) => collect.ready(over).then(ready),
        ]);
      };
      if (config.bus.brokers.length === 0) await collectInto(rawLines(output), stop);
      else await besideBus(rim, stop, (topics, until) => collectInto(rawTopics(topics, systemClock, metrics), until));
    },
  };
}

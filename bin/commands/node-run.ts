import { Command } from "commander";
import { systemClock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import { claimFolder } from "../../core/data-folder.ts";
import { graceAfter } from "../../core/grace.ts";
import { keepHeapLean } from "../../core/lean-heap.ts";
import { stderrLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import type { Part } from "../../core/service.ts";
import { busStore } from "../bus/bus-store.ts";
import { besideBus } from "../bus/on-bus.ts";
import { rawTopics } from "../bus/raw-topics.ts";
import type { RecordTopics } from "../bus/record-topics.ts";
import { nodeTeller } from "../controls/node-teller.ts";
import { endGraceMs } from "../end-grace.ts";
import { Engine, type EngineOptions } from "../engine.ts";
import { engineArchive } from "../engine-archive.ts";
import { type OpenStore, openNowhere } from "../engine-store.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { openApi, openObjects } from "../objects/open-objects.ts";
import { addSettings, configOf, durationOption } from "../options.ts";
import { type Seat, seatOption, seatsOf } from "../seat-option.ts";
import { serve } from "../serve.ts";
import { serveMetrics } from "../serve-metrics.ts";
import { together } from "../together.ts";

const examples = `
What works on each node of a cluster: it enforces the policies there, as --enforcer.mode says, and collects. Records go to Kafka as they were
seen, for sluice enrich; without --bus.brokers it enriches them itself and keeps them in the archive of its data folder. Nothing is printed but the log.
At its end the rules stay in force, and the next run takes them over.

Examples:
  sluice node run --node.name node-1 --objects.folder DIR --bus.brokers kafka-0:9092 --data.folder /var/lib/sluice
  sluice node run --node.name node-1 --objects.source api --enforcer.mode observe
${exitCodeHelp}`;

interface Options {
  readonly duration?: number;
  readonly seat: readonly Seat[];
}

export function nodeRunCommand(): Command {
  const command = new Command("run")
    .description("enforce and collect on this node, for a cluster of them")
    .addOption(durationOption())
    .addOption(seatOption())
    .addHelpText("after", examples);
  return addSettings(command).action((options: Options) => {
    const config = configOf({ ...options }, process.env);
    keepHeapLean();
    const part: Part = {
      name: "sluice",
      run: (life) => runNode(config, seatsOf(options.seat, config.node.name), life),
    };
    return serve([part], { duration: options.duration, level: config.log.level });
  });
}

async function runNode(
  config: Config,
  seats: readonly Seat[],
  { stop, ready }: Parameters<Part["run"]>[0],
): Promise<void> {
  const [clock, log, metrics] = [systemClock, stderrLog(config.log.level), new Metrics()];
  const runWith = async (destination: Pick<EngineOptions, "openStore" | "raw">, until: AbortSignal) => {
    const engine = new Engine({
      ...{ seats, config, clock, log, metrics, ...destination },
      objects: openObjects({ config, clock, log, metrics }),
      ...{ flows: shownNowhere, losses: shownNowhere },
      onNotice: (text) => log.warn({}, text),
      onAlert: (text) => log.error({}, text),
      ...(config.objects.source === "api" ? { tellNode: nodeTeller({ api: openApi(config), clock }) } : {}),
      giveUp: graceAfter(stop, endGraceMs),
      leaveRules: true,
    });
    await together(until, [
      (over) => engine.run(over),
      (over) => serveMetrics({ metrics, engine, address: config.metrics.listen }, over),
      (over) => engine.ready(over).then(ready),
    ]);
  };
  if (config.bus.brokers.length === 0) await runWith({ openStore: engineArchive({ config, clock, log }) }, stop);
  else
    await besideBus({ config, clock, log, metrics }, stop, (topics, until) =>
      runWith({ openStore: onTopics(config, topics), raw: rawTopics(topics, clock, metrics) }, until),
    );
}

const shownNowhere = { name: "nowhere", write: () => Promise.resolve() };

/** What others than the collector tell: of changes to our rules. Endpoints and programs are told by `sluice watch`, once for all nodes. */
function onTopics({ data }: Config, topics: RecordTopics): OpenStore {
  return async (events) => {
    const claim = await claimFolder(data.folder);
    const { remembered } = await openNowhere(events);
    return { ...(await busStore(topics, ["changes"], remembered)), close: () => claim.release() };
  };
}

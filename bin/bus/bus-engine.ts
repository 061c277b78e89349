import type { Clock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import { graceAfter } from "../../core/grace.ts";
import { type Log, stderrLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import type { Life } from "../../core/service.ts";
import type { Remembered } from "../../enrichers/enrich.ts";
import { endGraceMs } from "../end-grace.ts";
import { Engine, type EngineOptions } from "../engine.ts";
import { controlResources } from "../objects/control-resources.ts";
import { openObjects } from "../objects/open-objects.ts";
import { openControlLog } from "../open-control-log.ts";
import { serveMetrics } from "../serve-metrics.ts";
import { together } from "../together.ts";
import { busMemory, rememberMs } from "./bus-memory.ts";
import { busStore } from "./bus-store.ts";
import { enrichingWorks } from "./enriching-works.ts";
import { onBus } from "./on-bus.ts";
import type { RecordTopics, TopicRecords } from "./record-topics.ts";

export interface BusEngineOptions {
  readonly config: Config;
  readonly clock: Clock;
  /** Whether it enriches what collectors sent. */
  readonly isEnriching: boolean;
  /** What it tells the bus. */
  readonly tells: readonly (keyof TopicRecords)[];
  /** What is done beside that, for as long. */
  readonly beside?: (rim: BesideRim) => Beside;
}

export interface Beside extends Pick<EngineOptions, "onObjects"> {
  run(until: AbortSignal): Promise<void>;
}

export interface BesideRim {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

const shownNowhere = { name: "nowhere", write: () => Promise.resolve() };

/** An engine between topics: it knows the objects and the policies, collects nothing and enforces nothing. */
export function runBusEngine(
  { config: given, clock, isEnriching, tells, beside }: BusEngineOptions,
  { stop, ready }: Pick<Life, "stop" | "ready">,
): Promise<void> {
  const [log, metrics] = [stderrLog(given.log.level), new Metrics()];
  const config = { ...given, enricher: { ...given.enricher, deletedPodsKeptMs: rememberMs(given) } };
  return onBus({ config, clock, log, metrics }, stop, async (topics) => {
    const reading = ["endpoints", "programs", ...(isEnriching ? (["flows", "dns"] as const) : [])] as const;
    const reader = topics.bus.reader(
      reading.map((kind) => topics.topic(kind).name),
      topics.nameOf("reader"),
    );
    try {
      const rim = { topics, reader, config, clock, log };
      const remembered = await busMemory(rim, stop);
      if (remembered === undefined) return;
      const others = beside?.({ config, clock, log, metrics });
      const engine = engineOn({
        ...rim,
        onObjects: others?.onObjects,
        metrics,
        remembered,
        tells,
        isEnriching,
        giveUp: graceAfter(stop, endGraceMs),
      });
      const observed = { metrics, engine, address: config.metrics.listen };
      await together(stop, [
        (until) => engine.run(until),
        (until) => serveMetrics(observed, until),
        (until) => engine.ready(until).then(ready),
        ...(others === undefined ? [] : [(until: AbortSignal) => others.run(until)]),
      ]);
    } finally {
      await reader.close();
    }
  });
}

interface EngineRim extends Pick<BusEngineOptions, "config" | "clock" | "tells" | "isEnriching"> {
  readonly topics: RecordTopics;
  readonly reader: ReturnType<RecordTopics["bus"]["reader"]>;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly remembered: Remembered;
  readonly giveUp: AbortSignal;
  readonly onObjects: EngineOptions["onObjects"];
}

function engineOn({
  topics,
  reader,
  config,
  clock,
  log,
  metrics,
  remembered,
  tells,
  isEnriching,
  giveUp,
  onObjects,
}: EngineRim): Engine {
  const rim = { config, clock, log, metrics };
  const isLogging = tells.includes("changes");
  const objects = openObjects({ ...rim, ...(isLogging ? { beside: controlResources } : {}) });
  return new Engine({
    seats: [],
    ...(isLogging ? { controlLog: openControlLog({ ...rim, objects }) } : {}),
    ...(isEnriching ? { enriching: (path) => enrichingWorks({ topics, reader, clock, log }, path) } : {}),
    giveUp,
    objects,
    ...(onObjects && { onObjects }),
    config,
    clock,
    log,
    flows: shownNowhere,
    losses: shownNowhere,
    openStore: () => busStore(topics, tells, remembered),
    // The rollout is the business of those who enforce.
    keepsState: false,
    metrics,
    leaveRules: true,
  });
}

import type { Clock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import { folderSource } from "../../core/kube/folder.ts";
import { type Log, stderrLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import type { Life } from "../../core/service.ts";
import type { Remembered } from "../../enrichers/enrich.ts";
import { problemsOf } from "../../policy/kinds/read.ts";
import { Engine } from "../engine.ts";
import type { FlowPath } from "../flow-path.ts";
import { serveMetrics } from "../serve-metrics.ts";
import { together } from "../together.ts";
import { busMemory, rememberMs } from "./bus-memory.ts";
import { busStore } from "./bus-store.ts";
import { enrichPartitions } from "./enriched-partitions.ts";
import { onBus } from "./on-bus.ts";
import type { RecordTopics, TopicRecords } from "./record-topics.ts";

export interface BusEngineOptions {
  readonly config: Config;
  readonly clock: Clock;
  /** Whether it enriches what collectors sent. */
  readonly isEnriching: boolean;
  /** What it tells the bus. */
  readonly tells: readonly (keyof TopicRecords)[];
}

const shownNowhere = { name: "nowhere", write: () => Promise.resolve() };

/** An engine between topics: it knows the objects and the policies, collects nothing and enforces nothing. */
export function runBusEngine(
  { config: given, clock, isEnriching, tells }: BusEngineOptions,
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
      const engine = engineOn({ ...rim, metrics, remembered, tells, isEnriching });
      const observed = { metrics, engine, address: config.metrics.listen };
      await together(stop, [
        (until) => engine.run(until),
        (until) => serveMetrics(observed, until),
        (until) => engine.ready(until).then(ready),
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
}

function engineOn({ topics, reader, config, clock, log, metrics, remembered, tells, isEnriching }: EngineRim): Engine {
  const rim = { topics, reader, clock, log };
  const enriching = (path: FlowPath) => [
    (stop: AbortSignal) =>
      enrichPartitions(
        { ...rim, kind: "flows", enrich: (source, into, marks, until) => path.flows(source, until, { into, marks }) },
        stop,
      ),
    (stop: AbortSignal) =>
      enrichPartitions(
        { ...rim, kind: "dns", enrich: (source, into, marks, until) => path.dns(source, until, { into, marks }) },
        stop,
      ),
  ];
  return new Engine({
    seats: [],
    ...(isEnriching ? { enriching } : {}),
    objects: folderSource({
      path: config.objects.folder,
      rescanMs: config.objects.rescanMs,
      clock,
      log,
      validate: problemsOf,
      onFault: () => metrics.add("sluice_objects_faults_total", {}),
      onMended: () => {},
    }),
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

import type { Clock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import { folderSource } from "../../core/kube/folder.ts";
import { stderrLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import type { Life } from "../../core/service.ts";
import { problemsOf } from "../../policy/kinds/read.ts";
import { Engine } from "../engine.ts";
import { serveMetrics } from "../serve-metrics.ts";
import { together } from "../together.ts";
import { busCollecting } from "./bus-collecting.ts";
import { busStore } from "./bus-store.ts";
import { onBus } from "./on-bus.ts";
import type { TopicRecords } from "./record-topics.ts";

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
  { config, clock, isEnriching, tells }: BusEngineOptions,
  { stop, ready }: Pick<Life, "stop" | "ready">,
): Promise<void> {
  const [log, metrics] = [stderrLog(config.log.level), new Metrics()];
  return onBus({ config, clock, log, metrics }, stop, async (topics) => {
    const engine = new Engine({
      seats: [],
      sources: isEnriching ? [busCollecting(topics, stop)] : [],
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
      openStore: () => busStore(topics, tells),
      // The rollout is the business of those who enforce.
      keepsState: false,
      metrics,
      leaveRules: true,
    });
    const observed = { metrics, engine, address: config.metrics.listen };
    await together(stop, [
      (until) => engine.run(until),
      (until) => serveMetrics(observed, until),
      (until) => engine.ready(until).then(ready),
    ]);
  });
}

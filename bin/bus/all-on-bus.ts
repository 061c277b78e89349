import type { Clock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import { messageOf } from "../../core/errors.ts";
import { graceAfter } from "../../core/grace.ts";
import type { Log } from "../../core/log.ts";
import type { Metrics } from "../../core/metrics.ts";
import { endGraceMs } from "../end-grace.ts";
import type { EngineOptions } from "../engine.ts";
import { engineArchive } from "../engine-archive.ts";
import type { EngineStore, OpenStore } from "../engine-store.ts";
import { archiveTopics } from "./archive-sink.ts";
import { busStore } from "./bus-store.ts";
import { enrichingWorks } from "./enriching-works.ts";
import { busOf, makeTopics, requireBus } from "./open-bus.ts";
import { rawTopics } from "./raw-topics.ts";
import { RecordTopics } from "./record-topics.ts";

export interface AllOnBusOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

type Work = (stop: AbortSignal) => Promise<void>;

/** What makes an engine's stages meet on the bus, all in one process. */
export interface OnBus {
  readonly options: Pick<EngineOptions, "openStore" | "raw" | "giveUp" | "enriching">;
  close(): Promise<void>;
}

const pauseMs = 5_000;

/**
 * Collectors send to the bus, the same process enriches what comes from there, and keeps it in its archive. Enforcement and collection need no
 * broker: while none answers, also at the start, records wait in the spool.
 */
export function allOnBus({ config, clock, log, metrics }: AllOnBusOptions, stop: AbortSignal): OnBus {
  requireBus(config);
  const bus = busOf({ config, clock, log });
  const topics = new RecordTopics(bus, config, metrics, log);
  const reader = bus.reader([topics.topic("flows").name, topics.topic("dns").name], topics.nameOf("reader"));
  const archive = engineArchive({ config, clock, log, seals: topics.sink("seals") });
  const opened = Promise.withResolvers<EngineStore>();
  const openStore: OpenStore = async (events) => {
    const store = await archive(events);
    opened.resolve(store);
    const onBus = await busStore(topics, ["endpoints", "programs", "changes"], store.remembered);
    return { ...onBus, hurry: () => store.hurry?.(), close: () => store.close() };
  };
  const archiving: Work = async (until) => {
    const store = { ...(await opened.promise), close: () => Promise.resolve() };
    await archiveTopics({ topics, openStore: () => Promise.resolve(store), clock, metrics }, until);
  };
  const made = { done: false };
  const persistent =
    (work: Work): Work =>
    async (until) => {
      while (!until.aborted) {
        try {
          if (!made.done) await makeTopics({ config, clock, log }, until);
          made.done = true;
          await work(until);
          return;
        } catch (thrown) {
          if (until.aborted) return;
          log.error({ error: messageOf(thrown) }, "the bus does not do what it should; trying again");
          await clock.sleep(pauseMs, until);
        }
      }
    };
  return {
    options: {
      openStore,
      raw: rawTopics(topics, clock, metrics),
      giveUp: graceAfter(stop, endGraceMs),
      enriching: (path) => [...enrichingWorks({ topics, reader, clock, log }, path), archiving].map(persistent),
    },
    async close() {
      await reader.close();
      await bus.close();
    },
  };
}

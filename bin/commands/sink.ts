import { Command } from "commander";
import { systemClock } from "../../core/clock.ts";
import { stderrLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import type { Part } from "../../core/service.ts";
import { archiveTopics } from "../bus/archive-sink.ts";
import { elasticsearchTopics } from "../bus/elasticsearch-sink.ts";
import { onBus } from "../bus/on-bus.ts";
import { requireBus } from "../bus/open-bus.ts";
import type { RecordTopics } from "../bus/record-topics.ts";
import { openElastic } from "../elastic/open-elastic.ts";
import { engineArchive } from "../engine-archive.ts";
import type { OpenStore } from "../engine-store.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { addSettings, configOf, durationOption } from "../options.ts";
import { serve } from "../serve.ts";
import { serveMetrics } from "../serve-metrics.ts";
import { together } from "../together.ts";
import { sinkFileCommand } from "./sink-file.ts";
import { sinkSyslogCommand } from "./sink-syslog.ts";

const archiveExamples = `
Keeps what stands in Kafka in the archive of the data folder, where sluice flows and its like find it. Kafka is told that records are done with
when the file that holds them is on the disk. One process writes to an archive.

Examples:
  sluice sink archive --bus.brokers kafka-0:9092 --data.folder /var/lib/sluice
${exitCodeHelp}`;

const elasticsearchExamples = `
Stores what stands in Kafka in Elasticsearch, for search and for Kibana. Kafka is told that records are done with when Elasticsearch has them on
its disks; what it will never take becomes a dead letter. Several share the work by partitions. Templates of the indices are brought up to
date at start; what somebody changed in them stays. docs/operations.md says more.

Examples:
  sluice sink elasticsearch --bus.brokers kafka-0:9092 --elasticsearch.urls https://es-0:9200 --elasticsearch.api-key-file FILE
${exitCodeHelp}`;

const others = /^(audit|collector|dns|spool|objects|enforcer|enricher|node|elasticsearch|syslog|file)\./;
const notOfElasticsearch =
  /^(dns|spool|objects|enforcer|enricher|node|cluster|archive|data|syslog|file)\.|^collector\.(?!windowMs$)/;

export function sinkCommand(): Command {
  const archive = new Command("archive")
    .description("keep the records of Kafka in the archive")
    .addOption(durationOption())
    .addHelpText("after", archiveExamples);
  addSettings(archive, { decided: others }).action((options: { readonly duration?: number }) => {
    const config = configOf({ ...options }, process.env);
    requireBus(config);
    return serve([archivePart(config)], { duration: options.duration, level: config.log.level });
  });
  const elasticsearch = new Command("elasticsearch")
    .description("store the records of Kafka in Elasticsearch")
    .addOption(durationOption())
    .addHelpText("after", elasticsearchExamples);
  addSettings(elasticsearch, { decided: notOfElasticsearch }).action((options: { readonly duration?: number }) => {
    const config = configOf({ ...options }, process.env);
    requireBus(config);
    return serve([elasticsearchPart(config)], { duration: options.duration, level: config.log.level });
  });
  return new Command("sink")
    .description("keep the records of Kafka")
    .addCommand(archive)
    .addCommand(elasticsearch)
    .addCommand(sinkSyslogCommand())
    .addCommand(sinkFileCommand());
}

function elasticsearchPart(config: ReturnType<typeof configOf>): Part {
  return {
    name: "sluice",
    async run({ stop, ready }) {
      const [log, metrics, clock] = [stderrLog(config.log.level), new Metrics(), systemClock];
      const elastic = await openElastic({ config, clock, log }, stop);
      if (elastic === undefined) return;
      const opened = Promise.resolve();
      const observed = {
        metrics,
        engine: { opened: () => opened, ready: () => opened },
        address: config.metrics.listen,
      };
      try {
        await onBus({ config, clock, log, metrics }, stop, (topics) => {
          ready();
          return together(stop, [
            (until) => elasticsearchTopics({ topics, elastic, config, clock, metrics, log }, until),
            (until) => serveMetrics(observed, until),
          ]);
        });
      } finally {
        await elastic.close();
      }
    },
  };
}

function archivePart(config: ReturnType<typeof configOf>): Part {
  return {
    name: "sluice",
    run({ stop, ready }) {
      const [log, metrics, clock] = [stderrLog(config.log.level), new Metrics(), systemClock];
      const opened = Promise.withResolvers<void>();
      const openStoreOf = (topics: RecordTopics): OpenStore => {
        const archive = engineArchive({ config, clock, log, seals: topics.sink("seals") });
        return async (events) => {
          const store = await archive(events);
          opened.resolve();
          ready();
          return store;
        };
      };
      const state = { opened: () => opened.promise, ready: () => opened.promise };
      const observed = { metrics, engine: state, address: config.metrics.listen };
      return onBus({ config, clock, log, metrics }, stop, (topics) =>
        together(stop, [
          (until) => archiveTopics({ topics, openStore: openStoreOf(topics), clock, metrics }, until),
          (until) => serveMetrics(observed, until),
        ]),
      );
    },
  };
}

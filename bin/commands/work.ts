import { readFileSync } from "node:fs";
import { Command } from "commander";
import { systemClock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import { messageOf, SluiceError } from "../../core/errors.ts";
import { stderrLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import type { Part } from "../../core/service.ts";
import { connectElastic } from "../../sinks/elasticsearch/elastic.ts";
import { onBus } from "../bus/on-bus.ts";
import { requireBus } from "../bus/open-bus.ts";
import type { RecordTopics } from "../bus/record-topics.ts";
import { elasticConnection } from "../elastic/connection.ts";
import { expireIndices } from "../elastic/expire.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { addSettings, configOf, durationOption } from "../options.ts";
import { serve } from "../serve.ts";
import { serveMetrics } from "../serve-metrics.ts";
import { together } from "../together.ts";
import { expireArchive } from "../work/expire-archive.ts";
import { type Job, schedule } from "../work/schedule.ts";

const examples = `
Does what is to be done again and again, one process at a time however many there are: deletes what the archive (--archive.retention-ms) and
Elasticsearch (--elasticsearch.retention-ms) keep for longer than they should, and records it in Kafka. Redis says whose turn it is; if it
is away, or loses everything, nothing is lost but time. A job of which the settings say nothing is not done.

Examples:
  sluice work --work.redis redis://redis:6379 --bus.brokers kafka-0:9092 --elasticsearch.urls https://es-0:9200
  sluice work --work.redis redis://redis:6379 --bus.brokers kafka-0:9092 --archive.retention-ms 7776000000 --data.folder /var/lib/sluice
${exitCodeHelp}`;

const others = /^(audit|collector|dns|spool|objects|enforcer|enricher|node)\./;

export function workCommand(): Command {
  const command = new Command("work")
    .description("delete what need not be kept any longer")
    .addOption(durationOption())
    .addHelpText("after", examples);
  return addSettings(command, { decided: others }).action((options: { readonly duration?: number }) => {
    const config = configOf({ ...options }, process.env);
    requireBus(config);
    if (config.work.redis === "")
      throw new SluiceError("CONFIG_INVALID", "work.redis is empty: give --work.redis redis://host:port");
    return serve([workPart(config)], { duration: options.duration, level: config.log.level });
  });
}

function workPart(config: Config): Part {
  return {
    name: "sluice",
    async run({ stop, ready }) {
      const [log, metrics, clock] = [stderrLog(config.log.level), new Metrics(), systemClock];
      const opened = Promise.resolve();
      const state = { opened: () => opened, ready: () => opened };
      const observed = { metrics, engine: state, address: config.metrics.listen };
      const { redis, redisPasswordFile, everyMs } = config.work;
      const password = redisPasswordFile === "" ? undefined : secret(redisPasswordFile);
      await onBus({ config, clock, log, metrics }, stop, (topics) => {
        ready();
        const jobs = jobsOf(config, topics, metrics);
        const onJob = (job: string, outcome: string) => metrics.add("sluice_work_jobs_total", { what: job, outcome });
        const options = { redis, password, prefix: config.bus.prefix, everyMs, jobs, clock, log, onJob };
        return together(stop, [(until) => schedule(options, until), (until) => serveMetrics(observed, until)]);
      });
    },
  };
}

function jobsOf(config: Config, topics: RecordTopics, metrics: Metrics): readonly Job[] {
  const rim = { config, clock: systemClock, log: stderrLog(config.log.level), changes: topics.sink("changes") };
  const { urls, cloudId } = config.elasticsearch;
  const jobs: Job[] = [];
  if (config.archive.retentionMs > 0) jobs.push({ name: "archive", run: (signal) => expireArchive(rim, signal) });
  if (urls.length > 0 || cloudId !== "")
    jobs.push({
      name: "elasticsearch",
      async run(signal) {
        const elastic = await connectElastic(elasticConnection(config));
        try {
          const deleted = await expireIndices({ ...rim, elastic, metrics, dry: false }, signal);
          return `${deleted.length} indices deleted`;
        } finally {
          await elastic.close();
        }
      },
    });
  return jobs;
}

function secret(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    const text = `work.redis-password-file: ${file} cannot be read: ${messageOf(cause)}`;
    throw new SluiceError("CONFIG_INVALID", text, { cause });
  }
}

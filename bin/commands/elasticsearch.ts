import { Command } from "commander";
import { systemClock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import { stderrLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import { applyTemplates } from "../../sinks/elasticsearch/apply-templates.ts";
import { connectElastic, type Elastic } from "../../sinks/elasticsearch/elastic.ts";
import { templatesOf } from "../../sinks/elasticsearch/templates.ts";
import { onBus } from "../bus/on-bus.ts";
import { elasticConnection } from "../elastic/connection.ts";
import { type ExpireOptions, expireIndices } from "../elastic/expire.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { addSettings, configOf } from "../options.ts";

const templateExamples = `
Says of each template what was done: create, update, keep; changed: somebody changed it, and it stays unless
--elasticsearch.force-templates is true; newer: a later Sluice wrote it, and it stays. sluice sink elasticsearch does the same at start.

Examples:
  sluice elasticsearch templates --elasticsearch.urls https://es-0:9200
  sluice elasticsearch templates --dry-run                 only says what it would do
  sluice elasticsearch templates --print                   as JSON, for who puts them there otherwise
${exitCodeHelp}`;

const expireExamples = `
Deletes indices whose last moment is longer ago than --elasticsearch.retention-ms (changes, alerts and losses:
--elasticsearch.evidence-retention-ms), and records each as a change of kind retention in Kafka, so it needs --bus.brokers.
To be called once a day or oftener; twice at once does no harm.

Examples:
  sluice elasticsearch expire --bus.brokers kafka-0:9092 --elasticsearch.urls https://es-0:9200
  sluice elasticsearch expire --dry-run                    only says what it would delete
${exitCodeHelp}`;

const others = /^(audit|collector|dns|spool|objects|enforcer|enricher|node|archive|data|metrics|syslog|file)\./;
const never = new AbortController().signal;

interface Options {
  readonly dryRun?: boolean;
  readonly print?: boolean;
}

export function elasticsearchCommand(): Command {
  return new Command("elasticsearch")
    .description("templates and old indices of Elasticsearch")
    .addCommand(templatesCommand())
    .addCommand(expireCommand());
}

function templatesCommand(): Command {
  const command = new Command("templates")
    .description("bring the templates of indices up to date")
    .option("--dry-run", "only say what would be done")
    .option("--print", "print them as JSON, and do nothing")
    .addHelpText("after", templateExamples);
  return addSettings(command, { decided: others }).action(async (options: Options) => {
    const config = configOf({ ...options }, process.env);
    const templates = templatesOf(config.elasticsearch);
    if (options.print === true) {
      console.log(JSON.stringify(templates, null, 2));
      return;
    }
    const [force, dry] = [config.elasticsearch.forceTemplates, options.dryRun === true];
    await withElastic(config, async (elastic) => {
      for (const { template, step } of await applyTemplates(elastic, templates, { force, dry, signal: never }))
        console.log(`${step.padEnd(8)}${template.kind} template ${template.name}`);
    });
  });
}

function expireCommand(): Command {
  const command = new Command("expire")
    .description("delete indices whose time is over")
    .option("--dry-run", "only say which")
    .addHelpText("after", expireExamples);
  return addSettings(command, { decided: others }).action(async (options: Options) => {
    const config = configOf({ ...options }, process.env);
    const [clock, metrics, log] = [systemClock, new Metrics(), stderrLog(config.log.level)];
    const dry = options.dryRun === true;
    await withElastic(config, async (elastic) => {
      const expire = async (changes: ExpireOptions["changes"]) => {
        const deleted = await expireIndices({ elastic, config, clock, log, metrics, changes, dry }, never);
        for (const { name, documents, bytes } of deleted)
          console.log(`${name}  ${documents} documents  ${bytes} bytes`);
        if (deleted.length === 0) console.log("no index is old enough");
      };
      if (dry) await expire({ name: "nowhere", write: () => Promise.resolve() });
      else await onBus({ config, clock, log, metrics }, never, (topics) => expire(topics.sink("changes")));
    });
  });
}

async function withElastic(config: Config, work: (elastic: Elastic) => Promise<void>): Promise<void> {
  const elastic = await connectElastic(elasticConnection(config));
  try {
    await work(elastic);
  } finally {
    await elastic.close();
  }
}

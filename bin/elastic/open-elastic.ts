import type { Clock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import { messageOf, SluiceError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { type Applied, applyTemplates } from "../../sinks/elasticsearch/apply-templates.ts";
import { connectElastic, type Elastic } from "../../sinks/elasticsearch/elastic.ts";
import { templatesOf } from "../../sinks/elasticsearch/templates.ts";
import { elasticConnection } from "./connection.ts";

export interface ElasticRim {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long a start waits between tries while Elasticsearch does not answer. */
const pauseMs = 2_000;

/** Elasticsearch of the configuration, its templates up to date. While it does not answer this waits; undefined: the signal aborted before. */
export async function openElastic(rim: ElasticRim, signal: AbortSignal): Promise<Elastic | undefined> {
  const { config, clock, log } = rim;
  const connection = elasticConnection(config);
  while (!signal.aborted) {
    let elastic: Elastic | undefined;
    try {
      elastic = await connectElastic(connection);
      if (config.elasticsearch.manageTemplates) await bringUpToDate(elastic, rim, signal);
      return elastic;
    } catch (cause) {
      await elastic?.close();
      if (!(cause instanceof SluiceError && cause.retriable)) throw cause;
      log.warn({ error: messageOf(cause) }, "Elasticsearch does not answer; trying again");
      await clock.sleep(pauseMs, signal);
    }
  }
  return undefined;
}

async function bringUpToDate(elastic: Elastic, { config, log }: ElasticRim, signal: AbortSignal): Promise<void> {
  const { forceTemplates: force, ...settings } = config.elasticsearch;
  const applied = await applyTemplates(elastic, templatesOf(settings), { force, signal });
  for (const one of applied) tell(log, one);
}

function tell(log: Log, { template: { kind, name }, step }: Applied): void {
  const what = { kind, name };
  if (step === "create" || step === "update") log.info({ ...what, step }, "template written");
  if (step === "newer") log.warn(what, "template left as it is: a later Sluice wrote it");
  if (step === "changed")
    log.warn(
      what,
      `template left as it is: somebody changed it. Put what you want into ${name}@custom, or sluice@custom, and start once with --elasticsearch.force-templates true`,
    );
}

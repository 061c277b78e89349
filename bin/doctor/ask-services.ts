import { groupLags } from "../../core/bus-kafka/lag.ts";
import { topicStates } from "../../core/bus-kafka/topics.ts";
import { systemClock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import { messageOf } from "../../core/errors.ts";
import { stderrLog } from "../../core/log.ts";
import { applyTemplates } from "../../sinks/elasticsearch/apply-templates.ts";
import { connectElastic, type Elastic, granted } from "../../sinks/elasticsearch/elastic.ts";
import { templatesOf } from "../../sinks/elasticsearch/templates.ts";
import { connectionOf } from "../bus/connection.ts";
import { asking } from "../bus/open-bus.ts";
import { topicPlans } from "../bus/topics.ts";
import { elasticConnection } from "../elastic/connection.ts";
import { type Finding, fail } from "./check.ts";
import { examineElastic, examineKafka } from "./services.ts";

const answerMs = 10_000;

/** Looks at Kafka and Elasticsearch, where the configuration names them; changes nothing. */
export async function examineServices(config: Config): Promise<readonly Finding[]> {
  const { urls, cloudId } = config.elasticsearch;
  const [kafka, elastic] = await Promise.all([
    config.bus.brokers.length === 0 ? [] : ofKafka(config),
    urls.length === 0 && cloudId === "" ? [] : ofElastic(config),
  ]);
  return [...kafka, ...elastic];
}

function ofKafka(config: Config): Promise<readonly Finding[]> {
  const [plans, log] = [topicPlans(config), stderrLog("error")];
  const names = { groupPrefix: `${config.bus.prefix}.`, topics: plans.map(({ name }) => name) };
  return examineKafka({
    topics: () => asking(config, () => topicStates(connectionOf(config), plans, log)),
    lags: () => asking(config, () => groupLags(connectionOf(config), names, systemClock, log)),
  });
}

async function ofElastic(config: Config): Promise<readonly Finding[]> {
  let elastic: Elastic;
  try {
    elastic = await connectElastic(elasticConnection(config));
  } catch (thrown) {
    return [fail("elasticsearch", messageOf(thrown), "see elasticsearch.* in docs/reference/config.md")];
  }
  try {
    const how = { force: false, dry: true, signal: AbortSignal.timeout(3 * answerMs) };
    return await examineElastic({
      get: async (path) => granted(await elastic.ask({ method: "GET", path, timeoutMs: answerMs }), path),
      templates: async () => {
        const applied = await applyTemplates(elastic, templatesOf(config.elasticsearch), how);
        return applied.map(({ template: { name }, step }) => ({ name, step }));
      },
      nowMs: () => systemClock.now(),
    });
  } finally {
    await elastic.close();
  }
}

import type { Config } from "../../core/config.ts";
import { SluiceError } from "../../core/errors.ts";
import { connectElastic } from "../../sinks/elasticsearch/elastic.ts";
import { ElasticFlowStore } from "../../sinks/elasticsearch/flow-reader.ts";
import { ElasticRecords } from "../../sinks/elasticsearch/record-reader.ts";
import type { Store } from "../store.ts";
import { elasticConnection } from "./connection.ts";

/** Elasticsearch of the configuration for reading; nothing is written, templates neither. */
export async function openElasticStore(config: Config): Promise<Store> {
  const elastic = await connectElastic(elasticConnection(config));
  const asking = { elastic, namespace: config.elasticsearch.namespace };
  const flows = new ElasticFlowStore(asking);
  const records = new ElasticRecords(asking);
  return {
    search: (query, signal) => flows.search(query, signal),
    pairs: (query, signal) => flows.pairs(query, signal),
    top: (query, signal) => flows.top(query, signal),
    heartbeats: (span) => records.heartbeats(span),
    losses: (span) => records.losses(span),
    dns: (query, signal) => records.dns(query, signal),
    changes: (span) => records.changes(span),
    endpoints: () => {
      const message = "who had which address is kept in the archive alone: ask with --store archive";
      return Promise.reject(new SluiceError("NOT_IN_STORE", message));
    },
    sequences: (span) => records.sequences(span),
    close: async () => {
      await flows.close();
      await elastic.close();
    },
  };
}

import { randomUUID } from "node:crypto";
import type { Flow } from "../../../core/records/flow.ts";
import { applyTemplates } from "../../../sinks/elasticsearch/apply-templates.ts";
import { type DataSetName, dataSets, type RecordOfSet } from "../../../sinks/elasticsearch/documents/data-sets.ts";
import { connectElastic, type Elastic, granted } from "../../../sinks/elasticsearch/elastic.ts";
import { type Bucket, indexNames, patternOf } from "../../../sinks/elasticsearch/index-name.ts";
import { templatesOf } from "../../../sinks/elasticsearch/templates.ts";

const never = new AbortController().signal;

/** Indices of a namespace of their own, and what writes records to them. */
export class WrittenIndices {
  readonly namespace = `t${randomUUID().slice(0, 8)}`;
  readonly elastic: Elastic;
  readonly #bucket: Bucket;

  constructor(elastic: Elastic, bucket: Bucket = "month") {
    this.elastic = elastic;
    this.#bucket = bucket;
  }

  static async at(url: string, bucket?: Bucket): Promise<WrittenIndices> {
    const elastic = await connectElastic({ urls: [url] });
    const settings = { shards: 2, replicas: 0, refreshMs: 1_000 };
    await applyTemplates(elastic, templatesOf(settings), { force: true, signal: never });
    return new WrittenIndices(elastic, bucket);
  }

  /** Each record once, however often it is written; visible when this resolves. */
  async write<N extends DataSetName>(set: N, records: readonly RecordOfSet[N][]): Promise<void> {
    const { writer, idOf, timeOf } = dataSets[set] as (typeof dataSets)[N];
    const [write, nameOf] = [writer(), indexNames(set, this.namespace, this.#bucket)];
    const lines = records.map((record) => {
      const create = { _index: nameOf(timeOf(record as never)), _id: idOf(record as never) };
      return `${JSON.stringify({ create })}\n${write(record as never)}\n`;
    });
    await this.bulk(lines);
  }

  async bulk(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const call = { method: "POST", path: "/_bulk", query: { refresh: true }, lines: lines.join("") } as const;
    const { items } = granted(await this.elastic.ask<{ items: readonly { create: Written }[] }>(call), "bulk");
    const refused = items.find(({ create }) => create.status !== 201 && create.status !== 409);
    if (refused !== undefined) throw new Error(`refused: ${JSON.stringify(refused)}`);
  }

  writeFlows(flows: readonly Flow[]): Promise<void> {
    return this.write("flow", flows);
  }

  async remove(): Promise<void> {
    const path = `/_resolve/index/${patternOf("*", this.namespace)}`;
    const { body } = await this.elastic.ask<{ indices: readonly { name: string }[] }>({ method: "GET", path });
    for (const { name } of body.indices ?? []) await this.elastic.ask({ method: "DELETE", path: `/${name}` });
    await this.elastic.close();
  }
}

interface Written {
  readonly status: number;
}

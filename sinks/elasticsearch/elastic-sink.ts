import type { Sink } from "../../core/pipeline.ts";
import type { Lot } from "../../core/record-topic.ts";
import type { BulkWriter } from "./bulk/bulk-writer.ts";
import type { DocumentsOf } from "./documents-of.ts";

/** Where records go that Elasticsearch will never take. Resolves when they are stored there. */
export type Bury<R> = (records: readonly R[], lot: Lot<R>, reason: string, signal: AbortSignal) => Promise<void>;

export interface ElasticSinkOptions<R> {
  readonly name: string;
  readonly writer: BulkWriter;
  readonly documentsOf: DocumentsOf<R>;
  readonly bury: Bury<R>;
}

/** Done when each record is a document that Elasticsearch has on its disks, or a dead letter. */
export function elasticSink<R>({ name, writer, documentsOf, bury }: ElasticSinkOptions<R>): Sink<Lot<R>> {
  return {
    name,
    async write(lots, signal) {
      const writing: Promise<void>[] = [];
      await writer.gather(async () => {
        for (const lot of lots) {
          await writer.room();
          const written = write(lot, signal);
          written.catch(() => {}); // awaited below, when the others have begun
          writing.push(written);
        }
      });
      await Promise.all(writing);
    },
  };

  async function write(lot: Lot<R>, signal: AbortSignal): Promise<void> {
    const documents = documentsOf(lot.records);
    const rejections = await writer.write(documents.map(({ lines }) => lines));
    for (const { place, reason } of rejections) await bury(documents[place]?.of ?? [], lot, reason, signal);
  }
}

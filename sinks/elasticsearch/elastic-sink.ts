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
      await writer.room();
      const documents = lots.flatMap((lot) => documentsOf(lot.records).map((document) => ({ ...document, lot })));
      const rejections = await writer.write(documents.map(({ lines }) => lines));
      for (const { place, reason } of rejections) {
        const document = documents[place];
        if (document !== undefined) await bury(document.of, document.lot, reason, signal);
      }
    },
  };
}

import type { Schema } from "avsc";
import { type RecordKind, type SchemaName, schemaOf } from "./codec.ts";
import { unenrichedDns } from "./dns.ts";
import { unenriched } from "./flow.ts";
import { FramedBatches, type MessageCodec, type SchemaNumbers } from "./framed-batches.ts";

/** Enrichers give all records of a pod the same object, as long as nothing about it changes; and all of a way through policies the same array. */
const shared: ReadonlySet<string> = new Set(["Endpoint", "Service", "enforced", "pending"]);

/**
 * Many records of a kind as one message: an Avro record with an array of them, so that whoever knows the schema reads it. Cheaper than
 * a message each: one header, and one thing to compress, to store and to commit. Endpoints and Services are encoded once for each
 * object, and decoded to one object for equal ones.
 */
export function batches<T extends object>(schema: Schema, topic: string, registry?: SchemaNumbers): MessageCodec<T> {
  return new FramedBatches({ schema, topic, shared, ...(registry === undefined ? {} : { registry }) });
}

/** Of records as collectors make them: without the fields that enrichers add, named `RawFlowBatch` or `RawDnsBatch`. */
export const rawFlowBatchSchema = (): Schema => rawBatchSchema("flow", unenriched);
export const rawDnsBatchSchema = (): Schema => rawBatchSchema("dns", unenrichedDns);

/** Named after its records, e.g. `FlowBatch`. */
export function batchSchema(kind: SchemaName): Schema {
  return batchOf(schemaOf(kind) as RecordSchema);
}

interface RecordSchema {
  readonly name: string;
  readonly namespace: string;
  readonly fields: readonly { readonly name: string }[];
}

function rawBatchSchema(kind: RecordKind, added: object): Schema {
  const { name, fields, ...rest } = schemaOf(kind) as RecordSchema;
  return batchOf({ ...rest, name: `Raw${name}`, fields: fields.filter((field) => !(field.name in added)) });
}

function batchOf(items: RecordSchema): Schema {
  const records = { name: "records", type: { type: "array", items } };
  return { type: "record", name: `${items.name}Batch`, namespace: items.namespace, fields: [records] } as Schema;
}

import type { Schema } from "avsc";
import { type Codec, codecOf, type RecordKind, schemaOf } from "./codec.ts";

/**
 * Many records of a kind as one message: an Avro record with an array of them, so that whoever knows the schema reads it. Cheaper than
 * a message each: one header, and one thing to compress, to store and to commit.
 */
export function batchCodec<T>(kind: RecordKind, older: readonly Schema[] = []): Codec<readonly T[]> {
  const codec = codecOf<{ readonly records: readonly T[] }>(batchSchema(kind), older);
  return {
    encode: (records) => codec.encode({ records }),
    decode: (bytes) => codec.decode(bytes).records,
  };
}

/** Named after its records, e.g. `FlowBatch`. */
export function batchSchema(kind: RecordKind): Schema {
  const items = schemaOf(kind) as { readonly name: string; readonly namespace: string };
  const records = { name: "records", type: { type: "array", items } };
  return { type: "record", name: `${items.name}Batch`, namespace: items.namespace, fields: [records] } as Schema;
}

import type { Schema } from "avsc";
import { messageOf, SluiceError } from "../errors.ts";
import { AvroReader } from "./avro-reader.ts";
import { AvroWriter } from "./avro-writer.ts";
import { type Codec, codecOf, type RecordKind, type SchemaName, schemaHeader, schemaOf } from "./codec.ts";
import { decoderOf } from "./decoder.ts";
import { type RawDns, unenrichedDns } from "./dns.ts";
import { encoderOf } from "./encoder.ts";
import { type RawFlow, unenriched } from "./flow.ts";

/** Enrichers give all records of a pod the same object, as long as nothing about it changes; and all of a way through policies the same array. */
const shared: ReadonlySet<string> = new Set(["Endpoint", "Service", "enforced", "pending"]);

interface Batch<T> {
  readonly records: readonly T[];
}

/**
 * Many records of a kind as one message: an Avro record with an array of them, so that whoever knows the schema reads it. Cheaper than
 * a message each: one header, and one thing to compress, to store and to commit. Endpoints and Services are encoded once for each
 * object, and decoded to one object for equal ones.
 */
export function batchCodec<T>(kind: SchemaName, older: readonly Schema[] = []): Codec<readonly T[]> {
  return codecOfBatch(batchSchema(kind), older);
}

/** Of records as collectors make them: without the fields that enrichers add, named `RawFlowBatch` or `RawDnsBatch`. */
export function rawFlowBatchCodec(): Codec<readonly RawFlow[]> {
  return codecOfBatch(rawBatchSchema("flow", unenriched));
}

export function rawDnsBatchCodec(): Codec<readonly RawDns[]> {
  return codecOfBatch(rawBatchSchema("dns", unenrichedDns));
}

function codecOfBatch<T>(schema: Schema, older: readonly Schema[] = []): Codec<readonly T[]> {
  const [header, any] = [schemaHeader(schema), codecOf<Batch<T>>(schema, older)];
  const [writer, reader] = [new AvroWriter(), new AvroReader()];
  const write = encoderOf<Batch<T>>(schema, writer, shared);
  const read = decoderOf<Batch<T>>(schema, reader, shared);
  const isOurs = (bytes: Uint8Array) => header.every((byte, index) => bytes[index] === byte);
  return {
    encode(records) {
      writer.reset();
      writer.raw(header);
      write({ records });
      return writer.take();
    },
    decode(bytes) {
      if (!isOurs(bytes)) return any.decode(bytes).records;
      try {
        reader.begin(bytes.subarray(header.length));
        const { records } = read();
        reader.end();
        return records;
      } catch (cause) {
        throw new SluiceError("DECODE_FAILED", `no ${nameOf(schema)}: ${messageOf(cause)}`, { cause });
      }
    },
  };
}

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

const nameOf = (schema: Schema): string => (schema as RecordSchema).name;

import type { Schema } from "avsc";
import { messageOf, SluiceError } from "../errors.ts";
import { AvroReader } from "./avro-reader.ts";
import { AvroWriter } from "./avro-writer.ts";
import { bareCodec, schemaHeader } from "./codec.ts";
import { decoderOf } from "./decoder.ts";
import { encoderOf } from "./encoder.ts";
import {
  type BatchSchema,
  batchSchemaOf,
  extended,
  fieldsUnknownTo,
  type SchemaField,
  unknownFields,
  unknownIn,
} from "./unknown-fields.ts";

// value => 0xC3 0x01 fingerprint body | 0x00 id body     fingerprint => u64le (codec.ts)     id => u32be, of a schema registry (Confluent)
const registryBytes = 5;
const ownBytes = 10;

/** A message of a topic, as far as records are concerned. */
export interface Framed {
  readonly value: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Many records as one message, and back. */
export interface MessageCodec<T> {
  encode(records: readonly T[]): Framed | Promise<Framed>;
  /** Fails with DECODE_FAILED for what nobody can ever read; with other errors for what may be read later. */
  decode(message: Framed): readonly T[] | Promise<readonly T[]>;
}

/** Where schemas are known by a number. */
export interface SchemaNumbers {
  /** Makes it known, if it is new. */
  numberOf(topic: string, schema: Schema): Promise<number>;
  /** Undefined: there is none of that number. */
  schemaOf(number: number): Promise<unknown>;
}

export interface FramedBatchesOptions {
  readonly schema: Schema;
  readonly topic: string;
  /** Records whose objects come again and never change, by name. */
  readonly shared: ReadonlySet<string>;
  /** With it messages are framed as Confluent's serializers do. Both framings are read in any case. */
  readonly registry?: SchemaNumbers;
}

interface Writer<T> {
  readonly header: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  write(records: readonly T[], header: Uint8Array): Uint8Array;
}

type Read<T> = (body: Uint8Array) => readonly T[];

/** Schemas of others that are kept; beyond it, they are forgotten. */
const mostSchemas = 64;
const mostSchemaText = 262_144;

/**
 * Batches of records with the schema of who wrote them. Without a registry its text is in a header of the message, so that a reader of
 * another version resolves it; what a newer version has more is carried along (unknown-fields.ts).
 */
export class FramedBatches<T extends object> implements MessageCodec<T> {
  readonly #schema: BatchSchema;
  readonly #options: FramedBatchesOptions;
  readonly #header: Uint8Array;
  readonly #own: Writer<T>;
  readonly #readOwn: Read<T>;
  readonly #writers = new Map<string, Writer<T>>();
  readonly #numbers = new Map<string, number>();
  readonly #byNumber = new Map<number, Read<T>>();
  readonly #byText = new Map<string, Read<T>>();

  constructor(options: FramedBatchesOptions) {
    this.#options = options;
    this.#schema = batchSchemaOf(options.schema);
    this.#header = schemaHeader(options.schema);
    this.#own = this.#ownWriter();
    this.#readOwn = this.#ownReader();
  }

  encode(records: readonly T[]): Framed | Promise<Framed> {
    const writer = this.#writerFor(unknownIn(records));
    if (this.#options.registry === undefined)
      return { value: writer.write(records, writer.header), headers: writer.headers };
    const number = this.#numbers.get(writer.headers["schema"] as string);
    if (number !== undefined) return { value: writer.write(records, numbered(number)) };
    return this.#register(writer).then((known) => ({ value: writer.write(records, numbered(known)) }));
  }

  decode({ value, headers }: Framed): readonly T[] | Promise<readonly T[]> {
    if (value[0] === 0 && value.length >= registryBytes) return this.#readNumbered(value);
    if (this.#header.every((byte, index) => value[index] === byte)) return this.#readOwn(value.subarray(ownBytes));
    const text = headers?.["schema"];
    if (text === undefined || value.length < ownBytes)
      throw failed(
        `${value.length} bytes do not begin with a schema known to this version, nor is there one in a header`,
      );
    return this.#readerOf(text, value)(value.subarray(ownBytes));
  }

  /** Of records that have these fields too. */
  #writerFor(fields: readonly SchemaField[]): Writer<T> {
    if (fields.length === 0) return this.#own;
    const key = JSON.stringify(fields);
    const known = this.#writers.get(key);
    if (known !== undefined) return known;
    const schema = extended(this.#schema, fields) as unknown as Schema;
    const codec = bareCodec<{ readonly records: readonly object[] }>(schema);
    const defaults = Object.fromEntries(fields.map((field) => [field.name, field.default]));
    const writer = {
      header: schemaHeader(schema),
      headers: { schema: textOf(schema) },
      write: (records: readonly T[], header: Uint8Array) =>
        Buffer.concat([header, codec.encode({ records: records.map((record) => ({ ...defaults, ...record })) })]),
    };
    bounded(this.#writers).set(key, writer);
    return writer;
  }

  async #register(writer: Writer<T>): Promise<number> {
    const { registry, topic } = this.#options;
    const text = writer.headers["schema"] as string;
    const number = await (registry as SchemaNumbers).numberOf(topic, JSON.parse(text) as Schema);
    this.#numbers.set(text, number);
    return number;
  }

  #readNumbered(value: Uint8Array): readonly T[] | Promise<readonly T[]> {
    const number = new DataView(value.buffer, value.byteOffset).getUint32(1);
    const known = this.#byNumber.get(number);
    return known === undefined ? this.#learn(number, value) : known(value.subarray(registryBytes));
  }

  async #learn(number: number, value: Uint8Array): Promise<readonly T[]> {
    const { registry } = this.#options;
    if (registry === undefined) throw failed(`its schema is ${number} of a schema registry: set schemaRegistry.url`);
    const schema = await registry.schemaOf(number);
    if (schema === undefined) throw failed(`the schema registry has no schema ${number}`);
    const read = this.#readerFor(schema);
    bounded(this.#byNumber).set(number, read);
    return read(value.subarray(registryBytes));
  }

  #readerOf(text: string, value: Uint8Array): Read<T> {
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    if (text.length > mostSchemaText) throw failed(`the schema in its header has ${text.length} letters`);
    const schema = parsed(text);
    const read = this.#readerFor(schema);
    const header = schemaHeader(schema as Schema);
    if (!header.every((byte, index) => value[index] === byte)) throw failed("the schema in its header is another one");
    bounded(this.#byText).set(text, read);
    return read;
  }

  /** Of what a schema of others wrote: older, newer, or ours with other documentation. */
  #readerFor(schema: unknown): Read<T> {
    const fields = guarded(() => fieldsUnknownTo(this.#schema, batchSchemaOf(schema)));
    try {
      return this.#readerWith(fields, schema as Schema);
    } catch {
      // A field that cannot stand in our schema (a type that is said elsewhere) is not carried along.
      return guarded(() => this.#readerWith([], schema as Schema));
    }
  }

  #readerWith(fields: readonly SchemaField[], schema: Schema): Read<T> {
    const ours = extended(this.#schema, fields) as unknown as Schema;
    const codec = bareCodec<{ readonly records: readonly T[] }>(ours, schema);
    return (body) => {
      const { records } = guarded(() => codec.decode(body));
      return fields.length === 0 ? records : records.map((record) => ({ ...record, [unknownFields]: fields }));
    };
  }

  #ownWriter(): Writer<T> {
    const writer = new AvroWriter();
    const write = encoderOf<{ readonly records: readonly T[] }>(this.#options.schema, writer, this.#options.shared);
    return {
      header: this.#header,
      headers: { schema: textOf(this.#options.schema) },
      write(records, header) {
        writer.reset();
        writer.raw(header);
        write({ records });
        return writer.take();
      },
    };
  }

  #ownReader(): Read<T> {
    const reader = new AvroReader();
    const read = decoderOf<{ readonly records: readonly T[] }>(this.#options.schema, reader, this.#options.shared);
    return (body) =>
      guarded(() => {
        reader.begin(body);
        const { records } = read();
        reader.end();
        return records;
      });
  }
}

/** Without what is for people, so that a message is not much longer by it. */
function textOf(schema: Schema): string {
  return JSON.stringify(schema, (name, value: unknown) => (name === "doc" ? undefined : value));
}

function numbered(number: number): Uint8Array {
  const header = new Uint8Array(registryBytes);
  new DataView(header.buffer).setUint32(1, number);
  return header;
}

function parsed(text: string): unknown {
  return guarded(() => JSON.parse(text) as unknown);
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw failed(messageOf(cause), cause);
  }
}

function failed(text: string, cause?: unknown): SluiceError {
  return new SluiceError("DECODE_FAILED", `no batch of records: ${text}`, cause === undefined ? {} : { cause });
}

function bounded<K, V>(map: Map<K, V>): Map<K, V> {
  if (map.size >= mostSchemas) map.clear();
  return map;
}

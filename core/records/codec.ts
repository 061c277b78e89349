import { readFileSync } from "node:fs";
import avro, { type Schema, type Type } from "avsc";
import { type Address, addressFromBytes, addressToBytes } from "../address.ts";
import { messageOf, SluiceError } from "../errors.ts";
import { type RuleId, ruleIdOf, ruleIdToBytes } from "../rule-id.ts";
import type { Flow } from "./flow.ts";
import type { Loss } from "./loss.ts";

// Single-object encoding (Avro specification 1.12, "Single object encoding"):
// message => 0xC3 0x01 fingerprint body     fingerprint => u64le, CRC-64-AVRO of the canonical schema     body => Avro binary
const marker = [0xc3, 0x01];
const headerBytes = 10;

/** Encodes with the current schema; decodes what any known schema wrote, filling what it lacked with defaults. */
export interface Codec<T> {
  encode(record: T): Uint8Array;
  /** Throws DECODE_FAILED, and nothing else, for bytes that are no such record. */
  decode(bytes: Uint8Array): T;
}

/** `older` holds every schema that ever wrote this record, so that archived bytes stay readable. */
export function codecOf<T>(schema: Schema, older: readonly Schema[] = []): Codec<T> {
  const type = parse(schema);
  const header = Buffer.from([...marker, ...fingerprintOf(type)]);
  const readers = new Map([[keyOf(header), { writer: type, resolver: type.createResolver(type) }]]);
  for (const past of older) {
    const writer = parse(past);
    readers.set(keyOf([...marker, ...fingerprintOf(writer)]), { writer, resolver: type.createResolver(writer) });
  }
  return {
    encode: (record) => Buffer.concat([header, type.toBuffer(record)]),
    decode(bytes) {
      const reader = readers.get(keyOf(bytes.subarray(0, headerBytes)));
      if (reader === undefined)
        throw new SluiceError(
          "DECODE_FAILED",
          `${bytes.length} bytes do not begin with a schema known to this version`,
        );
      return read<T>(type, reader.writer === type ? undefined : reader.resolver, bytes.subarray(headerBytes));
    },
  };
}

export const flowCodec = (): Codec<Flow> => codecOf<Flow>(schemaOf("flow"));
export const lossCodec = (): Codec<Loss> => codecOf<Loss>(schemaOf("loss"));

/** The Avro schema of a record as it stands in this folder. */
export function schemaOf(record: "flow" | "loss"): Schema {
  return JSON.parse(readFileSync(new URL(`./${record}.avsc`, import.meta.url), "utf8")) as Schema;
}

function read<T>(type: Type, resolver: ReturnType<Type["createResolver"]> | undefined, body: Uint8Array): T {
  try {
    return type.fromBuffer(Buffer.from(body.buffer, body.byteOffset, body.length), resolver) as T;
  } catch (cause) {
    throw new SluiceError("DECODE_FAILED", `no ${type.name ?? "record"}: ${messageOf(cause)}`, { cause });
  }
}

function keyOf(header: Iterable<number>): string {
  return Buffer.from([...header]).toString("hex");
}

/** An Address as 16 bytes. */
class AddressType extends avro.types.LogicalType {
  protected override _fromValue(value: unknown): Address {
    return addressFromBytes(value as Uint8Array, 0, 16);
  }
  protected override _toValue(value: unknown): Buffer {
    return Buffer.from(addressToBytes(value as Address));
  }
  protected override _resolve(type: Type): unknown {
    return type instanceof AddressType ? (value: unknown) => value : undefined;
  }
}

/** A RuleId as 8 bytes. */
class RuleIdType extends avro.types.LogicalType {
  protected override _fromValue(value: unknown): RuleId {
    return ruleIdOf(value as Uint8Array);
  }
  protected override _toValue(value: unknown): Buffer {
    return Buffer.from(ruleIdToBytes(value as RuleId));
  }
  protected override _resolve(type: Type): unknown {
    return type instanceof RuleIdType ? (value: unknown) => value : undefined;
  }
}

function parse(schema: Schema): Type {
  return avro.Type.forSchema(schema, {
    logicalTypes: { "sluice-address": AddressType, "sluice-rule-id": RuleIdType },
    wrapUnions: false,
  });
}

function fingerprintOf(type: Type): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, crc64(Buffer.from(JSON.stringify(type.schema()))), true);
  return bytes;
}

// CRC-64-AVRO, Avro specification 1.12, "Schema fingerprints".
const empty = 0xc15d213aa4d7a795n;
const table = Array.from({ length: 256 }, (_, i) => {
  let fingerprint = BigInt(i);
  for (let bit = 0; bit < 8; bit++)
    fingerprint = (fingerprint >> 1n) ^ (empty & -(fingerprint & 1n) & (2n ** 64n - 1n));
  return fingerprint;
});

function crc64(bytes: Uint8Array): bigint {
  return bytes.reduce((crc, byte) => (crc >> 8n) ^ (table[Number((crc ^ BigInt(byte)) & 0xffn)] as bigint), empty);
}

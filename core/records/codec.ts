import { readFileSync } from "node:fs";
import avro, { type Schema, type Type } from "avsc";
import { type Address, addressFromBytes, addressToBytes } from "../address.ts";
import { messageOf, SluiceError } from "../errors.ts";
import { type RuleId, ruleIdFromBytes, ruleIdToBytes } from "../rule-id.ts";
import { boundedType } from "./bounded-types.ts";
import type { ChangeRecord } from "./change.ts";
import type { DnsRecord } from "./dns.ts";
import type { EndpointTenure } from "./endpoint.ts";
import type { Flow } from "./flow.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { Loss } from "./loss.ts";
import type { ProgramRecord } from "./program.ts";

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
  const header = headerOf(type);
  const readers = new Map<bigint, Resolver | undefined>();
  for (const past of older) readers.set(wordOf(headerOf(parse(past))), type.createResolver(parse(past)));
  readers.set(wordOf(header), undefined); // its own schema needs no resolving
  return {
    encode: (record) => Buffer.concat([header, type.toBuffer(record)]),
    decode(bytes) {
      const word = isFramed(bytes) ? wordOf(bytes) : undefined;
      if (word !== undefined && readers.has(word)) return read<T>(type, readers.get(word), bytes.subarray(headerBytes));
      const message = `${bytes.length} bytes do not begin with a schema known to this version`;
      throw new SluiceError("DECODE_FAILED", message);
    },
  };
}

export const flowCodec = (): Codec<Flow> => codecOf<Flow>(schemaOf("flow"));
export const lossCodec = (): Codec<Loss> => codecOf<Loss>(schemaOf("loss"));
export const heartbeatCodec = (): Codec<Heartbeat> => codecOf<Heartbeat>(schemaOf("heartbeat"));
export const endpointCodec = (): Codec<EndpointTenure> => codecOf<EndpointTenure>(schemaOf("endpoint"));
export const programCodec = (): Codec<ProgramRecord> => codecOf<ProgramRecord>(schemaOf("program"));
export const changeCodec = (): Codec<ChangeRecord> => codecOf<ChangeRecord>(schemaOf("change"));
export const dnsCodec = (): Codec<DnsRecord> => codecOf<DnsRecord>(schemaOf("dns"));

export type RecordKind = "flow" | "loss" | "heartbeat" | "endpoint" | "program" | "change" | "dns";

/** What has a schema: a seal is told of the archive, and is not in it. */
export type SchemaName = RecordKind | "seal";

/** The Avro schema of a record as it stands in this folder. */
export function schemaOf(record: SchemaName): Schema {
  return JSON.parse(readFileSync(new URL(`./${record}.avsc`, import.meta.url), "utf8")) as Schema;
}

/** The first bytes of whatever is encoded with a schema. */
export function schemaHeader(schema: Schema): Uint8Array {
  return headerOf(parse(schema));
}

type Resolver = ReturnType<Type["createResolver"]>;

function read<T>(type: Type, resolver: Resolver | undefined, body: Uint8Array): T {
  try {
    return type.fromBuffer(Buffer.from(body.buffer, body.byteOffset, body.length), resolver) as T;
  } catch (cause) {
    throw new SluiceError("DECODE_FAILED", `no ${type.name ?? "record"}: ${messageOf(cause)}`, { cause });
  }
}

function isFramed(bytes: Uint8Array): boolean {
  return bytes.length >= headerBytes && marker.every((byte, index) => bytes[index] === byte);
}

/** The fingerprint in a header. */
function wordOf(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, headerBytes).getBigUint64(marker.length, true);
}

/** An Address as 16 bytes. */
class AddressType extends avro.types.LogicalType {
  protected override _fromValue(value: unknown): Address {
    return addressFromBytes(value as Uint8Array, 0, 16);
  }
  // Asked of every value of a union, also of null: an exception here would cost more than the rest of the record.
  protected override _toValue(value: unknown): Buffer | undefined {
    return typeof value === "string" ? Buffer.from(addressToBytes(value as Address).buffer) : undefined;
  }
  protected override _resolve(type: Type): unknown {
    return type instanceof AddressType ? (value: unknown) => value : undefined;
  }
}

/** A RuleId as 8 bytes. */
class RuleIdType extends avro.types.LogicalType {
  protected override _fromValue(value: unknown): RuleId {
    return ruleIdFromBytes(value as Uint8Array);
  }
  protected override _toValue(value: unknown): Buffer | undefined {
    return typeof value === "string" ? ruleIdToBytes(value as RuleId) : undefined;
  }
  protected override _resolve(type: Type): unknown {
    return type instanceof RuleIdType ? (value: unknown) => value : undefined;
  }
}

function parse(schema: Schema): Type {
  const registry: Record<string, Type> = {};
  const type = avro.Type.forSchema(schema, {
    logicalTypes: { "sluice-address": AddressType, "sluice-rule-id": RuleIdType },
    omitRecordMethods: true,
    registry,
    typeHook: boundedType,
    wrapUnions: false,
  });
  for (const named of Object.values(registry)) makePlain(named);
  return type;
}

/** avsc makes a class for each record; what we hand out is plain data, equal to any other of the same content. */
function makePlain(type: Type): void {
  if (!(type instanceof avro.types.RecordType)) return;
  const made = type.recordConstructor as { prototype: object };
  made.prototype = Object.prototype;
}

function headerOf(type: Type): Uint8Array {
  const bytes = Uint8Array.of(...marker, ...new Array<number>(8).fill(0));
  const canonical = Buffer.from(JSON.stringify(type.schema()));
  new DataView(bytes.buffer).setBigUint64(marker.length, crc64(canonical), true);
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

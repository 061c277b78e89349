import { addressToBytes, type Family, familyOf, parseAddress } from "../../core/address.ts";
import type { KnownNames } from "./messages.ts";

// As much of DNS (RFC 1035) as traffic of a lab needs: a query with one question, and an answer of addresses.
//
// message  => id u16  flags u16  questions u16  answers u16  authorities u16  additionals u16  question  answer*
// question => label* 0  type u16  class u16                  label => length u8, bytes
// answer   => a pointer to the question's name  type u16  class u16  ttl u32  length u16  address
const headerBytes = 12;
const recursionDesired = 0x0100;
const response = 0x8180;
const nameError = 3;
const types: Readonly<Record<Family, number>> = { 4: 1, 6: 28 };
const internet = 1;
const pointerToQuestion = 0xc000 | headerBytes;
const ttlSeconds = 30;

/** A query for the addresses of a name. */
export function queryFor(name: string, family: Family, id: number): Buffer {
  const labels = name.split(".").map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  const header = words(id & 0xffff, recursionDesired, 1, 0, 0, 0);
  return Buffer.concat([header, ...labels, Buffer.from([0]), words(types[family], internet)]);
}

/** The answer to a query; undefined for what is none. */
export function answerTo(query: Buffer, names: KnownNames): Buffer | undefined {
  const asked = questionOf(query);
  if (asked === undefined) return undefined;
  const family = asked.type === types[6] ? 6 : 4;
  const known = Object.hasOwn(names, asked.name) ? names[asked.name] : undefined;
  const addresses = (known ?? []).map(parseAddress).filter((address) => familyOf(address) === family);
  const flags = response | (known === undefined ? nameError : 0);
  const answers = addresses.map((address) => {
    const bytes = addressToBytes(address).subarray(family === 4 ? 12 : 0);
    return Buffer.concat([words(pointerToQuestion, asked.type, internet, 0, ttlSeconds, bytes.length), bytes]);
  });
  const header = words(query.readUInt16BE(0), flags, 1, answers.length, 0, 0);
  return Buffer.concat([header, query.subarray(headerBytes, asked.end), ...answers]);
}

function questionOf(query: Buffer): { readonly name: string; readonly type: number; readonly end: number } | undefined {
  if (query.length < headerBytes + 5 || query.readUInt16BE(4) !== 1 || query.readUInt16BE(2) & 0x8000) return undefined;
  const labels: string[] = [];
  let at = headerBytes;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += length + 1;
    if (length > 63 || at + 5 > query.length) return undefined;
  }
  return { name: labels.join(".").toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, index * 2);
  return bytes;
}

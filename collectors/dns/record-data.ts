import { type Address, addressFromBytes } from "../../core/address.ts";
import { Cursor, malformed } from "./cursor.ts";
import { readName } from "./name.ts";
import { typeNumber } from "./numbers.ts";

// Of a long text or an unknown record so many bytes are told.
const mostBytes = 128;

/** What a record says. */
export interface RecordData {
  /** As zone files have it (RFC 1035, 5.1; RFC 3597 for types unknown here). */
  readonly text: string;
  /** Of A and AAAA. */
  readonly address: Address | null;
  /** Of CNAME. */
  readonly target: string | null;
}

/** Reads the data from `start` to `end` of a record. Names in it may point to anywhere before in the message. */
export function readData(bytes: Uint8Array, type: number, start: number, end: number): RecordData {
  // Up to its end, so that nothing is taken for data that is another record's.
  const cursor = new Cursor(bytes.subarray(0, end), start);
  switch (type) {
    case typeNumber.A:
      return addressData(bytes, start, end, 4);
    case typeNumber.AAAA:
      return addressData(bytes, start, end, 16);
    case typeNumber.CNAME: {
      const target = readName(cursor);
      return { text: target, address: null, target };
    }
    case typeNumber.NS:
    case typeNumber.PTR:
    case typeNumber.DNAME:
      return plain(readName(cursor));
    case typeNumber.MX:
      return plain(`${cursor.u16()} ${readName(cursor)}`);
    case typeNumber.SRV:
      return plain(`${cursor.u16()} ${cursor.u16()} ${cursor.u16()} ${readName(cursor)}`);
    case typeNumber.TXT:
      return plain(textsIn(cursor, end));
    default:
      return plain(unknownData(bytes, start, end));
  }
}

const plain = (text: string): RecordData => ({ text, address: null, target: null });

function addressData(bytes: Uint8Array, start: number, end: number, length: 4 | 16): RecordData {
  if (end - start !== length) throw malformed(`an address of ${end - start} bytes`);
  const address = addressFromBytes(bytes, start, length);
  return { text: address, address, target: null };
}

/** texts => (length u8, so many bytes)* */
function textsIn(cursor: Cursor, end: number): string {
  const texts: string[] = [];
  let told = 0;
  while (cursor.at < end && told < mostBytes) {
    const size = cursor.u8();
    const at = cursor.take(size);
    const wanted = Math.min(size, mostBytes - told);
    texts.push(quotedText(cursor.bytes.subarray(at, at + wanted), wanted < size));
    told += wanted + 1;
  }
  return texts.join(" ");
}

function quotedText(bytes: Uint8Array, isCut: boolean): string {
  let text = "";
  for (const byte of bytes) {
    if (byte === 0x22 || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`;
    else text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, "0")}`;
  }
  return isCut ? `"${text}..."` : `"${text}"`;
}

function unknownData(bytes: Uint8Array, start: number, end: number): string {
  const told = Buffer.from(bytes.subarray(start, Math.min(end, start + mostBytes))).toString("hex");
  return `\\# ${end - start} ${told}${end - start > mostBytes ? "..." : ""}`.trimEnd();
}

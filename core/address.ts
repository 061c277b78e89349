import { SluiceError } from "./errors.ts";

/**
 * An IPv4 or IPv6 address in canonical text (RFC 5952; IPv4-mapped IPv6 is written as IPv4).
 * Two addresses are equal if and only if their texts are, so an Address is a key of a Map.
 */
export type Address = string & { readonly __address: never };
export type Family = 4 | 6;

/** An address prefix with its host bits cleared. Two are equal if and only if their texts are. */
export interface Cidr {
  readonly family: Family;
  /** The first address, as a number of 32 or 128 bits. */
  readonly base: bigint;
  /** Prefix length in bits. */
  readonly bits: number;
  /** Canonical text, e.g. `10.0.0.0/8`. */
  readonly text: string;
}

export const widthOf = (family: Family): 32 | 128 => (family === 4 ? 32 : 128);

export function familyOf(address: Address): Family {
  return address.includes(":") ? 6 : 4;
}

/** Parses `10.0.0.1` or `fd00::1`. Throws ADDRESS_INVALID; no zone ids, no leading zeros in IPv4. */
export function parseAddress(text: string): Address {
  const parsed = tryParseAddress(text);
  if (parsed === undefined) throw new SluiceError("ADDRESS_INVALID", `"${text}" is no IP address`);
  return parsed;
}

export function tryParseAddress(text: string): Address | undefined {
  const four = tryParseFour(text);
  if (four !== undefined) return fourOf(four) as Address;
  const six = parseSix(text);
  return six === undefined ? undefined : (sixOf(six) as Address);
}

/**
 * Parses `10.0.0.0/8`, or a bare address as a prefix of full length. Host bits are cleared. Like addresses, prefixes of
 * IPv4-mapped IPv6 become IPv4: `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
 */
export function parseCidr(text: string): Cidr {
  const slash = text.indexOf("/");
  const address = tryParseAddress(slash < 0 ? text : text.slice(0, slash));
  const length = slash < 0 ? undefined : text.slice(slash + 1);
  if (address === undefined || (length !== undefined && !/^(0|[1-9]\d{0,2})$/.test(length)))
    throw new SluiceError("ADDRESS_INVALID", `"${text}" is no CIDR; write it as 10.0.0.0/8 or fd00::/64`);
  if (length === undefined) return cidrOf(address, widthOf(familyOf(address)));
  const written = text.includes(":") ? 6 : 4;
  if (Number(length) > widthOf(written))
    throw new SluiceError("ADDRESS_INVALID", `"${text}" has a prefix longer than ${widthOf(written)} bits`);
  return written === familyOf(address) ? cidrOf(address, Number(length)) : mappedCidr(address, Number(length));
}

/** The CIDR of an IPv4-mapped address with a prefix length that counts from the start of the IPv6 address. */
function mappedCidr(address: Address, bits: number): Cidr {
  if (bits >= 96) return cidrOf(address, bits - 96);
  return cidrOfValue(6, (0xffffn << 32n) | addressValue(address), bits);
}

export function cidrOf(address: Address, bits: number): Cidr {
  return cidrOfValue(familyOf(address), addressValue(address), bits);
}

function cidrOfValue(family: Family, value: bigint, bits: number): Cidr {
  const width = widthOf(family);
  if (!(Number.isInteger(bits) && bits >= 0 && bits <= width))
    throw new SluiceError("ADDRESS_INVALID", `a prefix of ${bits} bits is none of IPv${family}`);
  const host = BigInt(width - bits);
  const base = (value >> host) << host;
  return { family, base, bits, text: `${formatAddress(family, base)}/${bits}` };
}

export function cidrContains(cidr: Cidr, address: Address): boolean {
  if (familyOf(address) !== cidr.family) return false;
  const host = BigInt(widthOf(cidr.family) - cidr.bits);
  return addressValue(address) >> host === cidr.base >> host;
}

/** True if every address of the other prefix is one of this one. */
export function cidrCovers(cidr: Cidr, other: Cidr): boolean {
  return cidr.bits <= other.bits && cidrContains(cidr, formatAddress(other.family, other.base));
}

/** The address as a number of 32 or 128 bits. */
export function addressValue(address: Address): bigint {
  if (familyOf(address) === 4) return BigInt(tryParseFour(address) as number);
  return (parseSix(address) as readonly number[]).reduce<bigint>((value, group) => (value << 16n) | BigInt(group), 0n);
}

/** The same for IPv4 only, where it costs less; -1 of an IPv6 address. */
export function fourValue(address: Address): number {
  let value = 0;
  let part = 0;
  for (let i = 0; i < address.length; i++) {
    const digit = address.charCodeAt(i) - zero;
    if (digit >= 0 && digit <= 9) part = part * 10 + digit;
    else if (digit === dot) {
      value = (value << 8) | part;
      part = 0;
    } else return -1;
  }
  return ((value << 8) | part) >>> 0;
}

/** Canonical text of a number of 32 (family 4) or 128 bits (family 6). */
export function formatAddress(family: Family, value: bigint): Address {
  if (family === 4) return fourOf(Number(value)) as Address;
  const groups: number[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(Number((value >> shift) & 0xffffn));
  return sixOf(groups) as Address;
}

/** Reads an address of 4 or 16 bytes in network order. */
export function addressFromBytes(bytes: Uint8Array, offset: number, length: 4 | 16): Address {
  if (offset < 0 || offset + length > bytes.length)
    throw new SluiceError("ADDRESS_INVALID", `an address of ${length} bytes does not fit at ${offset}`);
  const at = (i: number) => bytes[offset + i] as number;
  if (length === 4) return `${at(0)}.${at(1)}.${at(2)}.${at(3)}` as Address;
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((at(i) << 8) | at(i + 1));
  return sixOf(groups) as Address;
}

/** 16 bytes in network order; IPv4 as `::ffff:a.b.c.d`. */
export function addressToBytes(address: Address): Uint8Array {
  const bytes = new Uint8Array(16);
  const groups = familyOf(address) === 4 ? mappedGroups(tryParseFour(address) as number) : parseSix(address);
  for (const [i, group] of (groups as readonly number[]).entries()) {
    bytes[2 * i] = group >>> 8;
    bytes[2 * i + 1] = group & 255;
  }
  return bytes;
}

function mappedGroups(four: number): readonly number[] {
  return [0, 0, 0, 0, 0, 0xffff, four >>> 16, four & 0xffff];
}

/** Order for printing and hashing: IPv4 first, then by number. */
export function compareAddresses(a: Address, b: Address): number {
  const families = familyOf(a) - familyOf(b);
  if (families !== 0) return families;
  const [x, y] = [addressValue(a), addressValue(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

function fourOf(value: number): string {
  return `${(value >>> 24) & 255}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

/** IPv4 as a number of 32 bits. Four decimals without leading zeros, which some programs take for octal (RFC 6943 3.1.1). */
export function tryParseFour(text: string): number | undefined {
  if (text.length < 7 || text.length > 15) return undefined;
  let value = 0;
  let parts = 0;
  let part = -1; // no digit yet
  for (let i = 0; i <= text.length; i++) {
    const digit = i === text.length ? dot : text.charCodeAt(i) - zero;
    if (digit === dot) {
      if (part < 0) return undefined;
      value = value * 256 + part;
      parts += 1;
      part = -1;
    } else if (digit < 0 || digit > 9 || part === 0) return undefined;
    else {
      part = Math.max(part, 0) * 10 + digit;
      if (part > 255) return undefined;
    }
  }
  return parts === 4 ? value : undefined;
}

const zero = "0".charCodeAt(0);
const dot = ".".charCodeAt(0) - zero;

/** Eight groups of 16 bits. */
function parseSix(text: string): readonly number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2 || !text.includes(":")) return undefined;
  const head = parseGroups(halves[0] as string, halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] as string, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  return [...head, ...Array<number>(missing).fill(0), ...tail];
}

/** Groups of one side of `::`; the last may be an IPv4 address in dots where the text ends. */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    const four = last && index === parts.length - 1 && part.includes(".") ? tryParseFour(part) : undefined;
    if (four !== undefined) groups.push(four >>> 16, four & 0xffff);
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

function sixOf(groups: readonly number[]): string {
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return fourOf((groups[6] as number) * 65536 + (groups[7] as number));
  const run = longestZeroRun(groups);
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  if (run.length < 2) return hex(groups);
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let i = 0; i <= groups.length; i++) {
    if (i < groups.length && groups[i] === 0) continue;
    if (i - start > best.length) best = { start, length: i - start };
    start = i + 1;
  }
  return best;
}

import { type Address, type Family, familyOf, formatAddress, widthOf } from "../core/address.ts";
import { SluiceError } from "../core/errors.ts";

/**
 * One element of a set or map, in nft's syntax and in one canonical way, so that equal elements are equal texts. Only
 * this file makes them, from values checked here: what a cluster calls its things never gets into nft text.
 */
export type Element = string & { readonly __element: never };

export function addressElement(address: Address): Element {
  if (!isAddressText(address)) throw refused("address", address);
  return address as string as Element;
}

/** 2 to 45 of `0-9a-f.:`, as a loop: sets have hundreds of thousands of them. */
function isAddressText(text: string): boolean {
  if (text.length < 2 || text.length > 45) return false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    // `.`, `0` to `:` but for `/`, `a` to `f`
    if (code !== 0x2e && (code < 0x30 || code > 0x3a) && (code < 0x61 || code > 0x66)) return false;
  }
  return true;
}

/** All addresses from `first` to `last`; written as a prefix where they are one, as nft itself prints them. */
export function addressRangeElement(family: Family, first: bigint, last: bigint): Element {
  const width = widthOf(family);
  const size = last - first + 1n;
  const hostBits = size.toString(2).length - 1;
  const from = addressText(family, first);
  if (size === 1n) return from as Element;
  if (size === 1n << BigInt(hostBits) && first % size === 0n) return `${from}/${width - hostBits}` as Element;
  return `${from}-${addressText(family, last)}` as Element;
}

/** As IPv6 nft takes no IPv4, which is how an Address writes what is mapped into ::ffff:0:0/96 (RFC 4291, 2.5.5.2). */
function addressText(family: Family, value: bigint): string {
  const text = formatAddress(family, value);
  const isMapped = familyOf(text) !== family;
  return isMapped ? `::ffff:${((value >> 16n) & 0xffffn).toString(16)}:${(value & 0xffffn).toString(16)}` : text;
}

/** A protocol or port number. */
export function numberElement(value: number, max: 255 | 65_535): Element {
  if (!Number.isInteger(value) || value < 0 || value > max) throw refused(`number from 0 to ${max}`, String(value));
  return String(value) as Element;
}

export function portRangeElement(from: number, to: number): Element {
  const [first, last] = [numberElement(from, 65_535), numberElement(to, 65_535)];
  if (from > to) throw refused("port range", `${from}-${to}`);
  return from === to ? first : (`${first}-${last}` as Element);
}

/** Linux allows nearly any byte in a name; nft reads `*` as a wildcard, so what we accept is far less. */
export function interfaceElement(name: string): Element {
  if (!isInterfaceName(name)) throw refused("interface name", name);
  return `"${name}"` as Element;
}

export function concatenation(...parts: readonly Element[]): Element {
  return parts.join(" . ") as Element;
}

/** IFNAMSIZ (net/if.h) leaves 15 characters. */
export function isInterfaceName(name: string): boolean {
  return /^[A-Za-z0-9_.][A-Za-z0-9._@-]{0,14}$/.test(name);
}

function refused(what: string, value: string): SluiceError {
  return new SluiceError("NFT_FAILED", `${JSON.stringify(value.slice(0, 60))} is no ${what} that nft may see`);
}

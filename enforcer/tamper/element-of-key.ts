import { addressFromBytes } from "../../core/address.ts";
import type { NftElement } from "../../core/netlink/nft-event.ts";
import {
  addressElement,
  addressRangeElement,
  concatenation,
  type Element,
  interfaceElement,
  isInterfaceName,
  numberElement,
  portRangeElement,
} from "../element.ts";
import type { DataType } from "../ruleset.ts";

// A key as the kernel keeps it (net/netfilter/nf_tables_api.c; nftables, src/netlink.c):
// key   => part*            each part of a concatenation is padded to a multiple of four bytes, a single one is not
// part  => address | port u16be | protocol u8 | name up to 16 bytes, NUL at its end
const bytesOf: Readonly<Record<DataType, number>> = {
  ifname: 16,
  ipv4_addr: 4,
  ipv6_addr: 16,
  inet_proto: 1,
  inet_service: 2,
  mark: 4,
};

/** The element with that key, as we would write it; undefined if it is none that we could have written. */
export function elementOfKey(key: Uint8Array, type: readonly DataType[]): Element | undefined {
  const parts: Element[] = [];
  let at = 0;
  for (const each of type) {
    const part = partOf(each, key.subarray(at, at + bytesOf[each]));
    if (part === undefined) return undefined;
    parts.push(part);
    at += type.length === 1 ? bytesOf[each] : (bytesOf[each] + 3) & ~3;
  }
  return at === key.length ? concatenation(...parts) : undefined;
}

function partOf(type: DataType, bytes: Uint8Array): Element | undefined {
  if (bytes.length !== bytesOf[type]) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (type) {
    case "ifname": {
      const name = Buffer.from(bytes).toString("latin1").replace(/\0.*$/s, "");
      return isInterfaceName(name) ? interfaceElement(name) : undefined;
    }
    case "ipv4_addr":
      return addressElement(addressFromBytes(bytes, 0, 4));
    case "ipv6_addr":
      return addressRangeElement(6, numberOf(bytes), numberOf(bytes));
    case "inet_proto":
      return numberElement(view.getUint8(0), 255);
    case "inet_service":
      return numberElement(view.getUint16(0), 65_535);
    case "mark":
      return undefined;
  }
}

/**
 * Intervals as they are written. The kernel keeps where each begins and the first value after it, and tells them in any
 * order; what is alone here has its other half in what was there before, so it is told by where it begins or ends.
 */
export function intervalsOfKeys(elements: readonly NftElement[], type: DataType): readonly string[] {
  // The kernel marks the end of nothing at zero in a set that has intervals.
  const real = elements.filter(({ key, isEnd }) => !isEnd || key.some((byte) => byte !== 0));
  const sorted = real.toSorted((a, b) => Buffer.compare(a.key, b.key) || Number(b.isEnd) - Number(a.isEnd));
  const texts: string[] = [];
  for (let at = 0; at < sorted.length; at++) {
    const [one, next] = [sorted[at] as NftElement, sorted[at + 1]];
    const isWhole = !one.isEnd && next?.isEnd === true;
    texts.push((isWhole ? range(type, one.key, next.key) : undefined) ?? half(one, type));
    if (isWhole) at++;
  }
  return texts;
}

function range(type: DataType, first: Uint8Array, after: Uint8Array): string | undefined {
  if (first.length !== bytesOf[type] || after.length !== bytesOf[type]) return undefined;
  if (type === "inet_service") return portRangeElement(Number(numberOf(first)), Number(numberOf(after)) - 1);
  if (type !== "ipv4_addr" && type !== "ipv6_addr") return undefined;
  return addressRangeElement(type === "ipv4_addr" ? 4 : 6, numberOf(first), numberOf(after) - 1n);
}

/** Of an interval that has no end, as it reaches the last value; undefined of a type of which we make none. */
export function intervalToLast({ key }: NftElement, type: DataType): string | undefined {
  const last = 2n ** BigInt(8 * bytesOf[type]) - 1n;
  if (key.length !== bytesOf[type]) return undefined;
  if (type === "inet_service") return portRangeElement(Number(numberOf(key)), Number(last));
  if (type !== "ipv4_addr" && type !== "ipv6_addr") return undefined;
  return addressRangeElement(type === "ipv4_addr" ? 4 : 6, numberOf(key), last);
}

const numberOf = (bytes: Uint8Array) => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

function half({ key, isEnd }: NftElement, type: DataType): string {
  const text = elementOfKey(key, [type]) ?? Buffer.from(key).toString("hex");
  return isEnd ? `up to ${text}` : `from ${text}`;
}

import { headerBytes } from "../../../core/netlink/message.ts";

// The same grammar as the decoders', read another way: slowly, by tables, to hold the decoders against it. A message is good if it is
// one that the kernel could have sent as far as its structure goes; what its numbers say is not judged, but for times.

/** What an attribute's value must be. */
type Value =
  | { readonly bytes: number; readonly time?: "stamp" | "logged" }
  /** Attributes; `needs` tells what must be among them. */
  | { readonly of: Grammar; readonly needs?: (found: Found) => boolean };
type Grammar = Readonly<Record<number, Value>>;
/** Value of the last attribute of each type. */
type Found = ReadonlyMap<number, Uint8Array>;

const ipFour = [1, 2];
const ipSix = [3, 4];
const address = {
  of: { 1: { bytes: 4 }, 2: { bytes: 4 }, 3: { bytes: 16 }, 4: { bytes: 16 } },
  needs: (found: Found) => !(hasAny(found, ipFour) && hasAny(found, ipSix)),
} as const;
const [portAttributes, icmpFour, icmpSix] = [
  [2, 3],
  [4, 5, 6],
  [7, 8, 9],
] as const;
const protocol = {
  of: {
    ...{ 1: { bytes: 1 }, 2: { bytes: 2 }, 3: { bytes: 2 }, 4: { bytes: 2 }, 5: { bytes: 1 }, 6: { bytes: 1 } },
    ...{ 7: { bytes: 2 }, 8: { bytes: 1 }, 9: { bytes: 1 } },
  },
  needs(found: Found) {
    const number = found.get(1)?.[0] ?? -1;
    if ([6, 17, 47, 132, 136].includes(number)) return portAttributes.every((part) => found.has(part));
    if (![1, 58].includes(number)) return true;
    // Each part may come by its name of either family.
    return icmpFour.every((part, at) => found.has(part) || found.has(icmpSix[at] as number));
  },
} as const;
const tuple = {
  of: { 1: address, 2: protocol, 3: { bytes: 2 } },
} as const;
const counters = { of: { 1: { bytes: 8 }, 2: { bytes: 8 } } } as const;
const entry: Grammar = {
  1: tuple,
  2: tuple,
  3: { bytes: 4 },
  4: { of: { 1: { of: { 1: { bytes: 1 }, 4: { bytes: 2 }, 5: { bytes: 2 } } }, 3: { of: { 1: { bytes: 1 } } } } },
  7: { bytes: 4 },
  8: { bytes: 4 },
  9: counters,
  10: counters,
  12: { bytes: 4 },
  14: tuple,
  18: { bytes: 2 },
  20: { of: { 1: { bytes: 8, time: "stamp" }, 2: { bytes: 8, time: "stamp" } } },
  22: { bytes: 16 },
  27: { bytes: 8, time: "stamp" },
};
const log: Grammar = {
  1: { bytes: 4 },
  2: { bytes: 4 },
  3: { bytes: 16, time: "logged" },
  4: { bytes: 4 },
  5: { bytes: 4 },
  11: { bytes: 4 },
  12: { bytes: 4 },
  14: { bytes: 4 },
};

/** Whether the message, header included, tells of a connection. */
export function isEntry(message: Uint8Array): boolean {
  const type = viewOf(message).getUint16(4, true);
  if (type !== 0x100 && type !== 0x102) return false;
  const found = attributesOf(message.subarray(headerBytes + 4), entry, message.length >= headerBytes + 4);
  if (found === undefined || !found.has(12)) return false;
  const tuples = [1, 2, 14].map((part) => found.get(part));
  if (tuples[0] === undefined || tuples[1] === undefined) return false;
  return protocolOf(tuples[0]) === protocolOf(tuples[1]);
}

/** Whether the message, header included, tells of a logged packet. */
export function isLoggedPacket(message: Uint8Array): boolean {
  if (viewOf(message).getUint16(4, true) !== 0x400) return false;
  const found = attributesOf(message.subarray(headerBytes + 4), log, message.length >= headerBytes + 4);
  if (found === undefined) return false;
  const etherType = found.get(1);
  if (etherType !== undefined && ![0x0800, 0x86dd].includes(viewOf(etherType).getUint16(0))) return true;
  const packet = found.get(9) ?? new Uint8Array();
  const version = (packet[0] ?? 0) >> 4;
  if (version === 4) return packet.length >= 20 && ((packet[0] ?? 0) & 0xf) >= 5;
  return version === 6 && packet.length >= 40;
}

/** The attributes, or undefined if they are malformed or not what the grammar wants. */
function attributesOf(bytes: Uint8Array, grammar: Grammar, isThere = true): Found | undefined {
  if (!isThere) return undefined;
  const found = new Map<number, Uint8Array>();
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < 4) return undefined;
    const length = (bytes[at] ?? 0) + (bytes[at + 1] ?? 0) * 256;
    const type = ((bytes[at + 2] ?? 0) + (bytes[at + 3] ?? 0) * 256) % 0x4000;
    if (length < 4 || at + length > bytes.length) return undefined;
    const value = bytes.subarray(at + 4, at + length);
    const wanted = grammar[type];
    if (wanted !== undefined && !fits(value, wanted)) return undefined;
    found.set(type, value);
    at += Math.ceil(length / 4) * 4;
  }
  return found;
}

function fits(value: Uint8Array, wanted: Value): boolean {
  if ("bytes" in wanted) return value.length === wanted.bytes && isTime(value, wanted.time);
  const found = attributesOf(value, wanted.of);
  if (found === undefined || wanted.needs?.(found) === false) return false;
  return wanted !== tuple || isTuple(value);
}

/** What a tuple says may be said twice; the last word counts, for each part alone. */
function isTuple(value: Uint8Array): boolean {
  const parts = nestedOf(value);
  const [ends, kinds] = [parts.filter(({ type }) => type === 1), parts.filter(({ type }) => type === 2)];
  const told = (of: typeof parts, ...types: readonly number[]) =>
    of.some(({ value }) => nestedOf(value).some(({ type }) => types.includes(type)));
  return told(ends, 1, 3) && told(ends, 2, 4) && told(kinds, 1);
}

function protocolOf(value: Uint8Array): number {
  const told = nestedOf(value)
    .filter(({ type }) => type === 2)
    .flatMap(({ value }) => nestedOf(value))
    .filter(({ type }) => type === 1);
  return told.at(-1)?.value[0] ?? -1;
}

function nestedOf(bytes: Uint8Array): readonly { readonly type: number; readonly value: Uint8Array }[] {
  const all = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const view = viewOf(bytes);
    const length = view.getUint16(at, true);
    if (length < 4) break;
    all.push({ type: view.getUint16(at + 2, true) % 0x4000, value: bytes.subarray(at + 4, at + length) });
    at += Math.ceil(length / 4) * 4;
  }
  return all;
}

function isTime(value: Uint8Array, kind: "stamp" | "logged" | undefined): boolean {
  if (kind === undefined) return true;
  const view = viewOf(value);
  if (kind === "stamp") return view.getBigUint64(0) < 0x64c0_0000n << 32n;
  return view.getBigUint64(0) < 7_258_118_400n && view.getBigUint64(8) < 1_000_000n;
}

const hasAny = (found: Found, types: readonly number[]) => types.some((type) => found.has(type));
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

import { headerBytes } from "../../../core/netlink/message.ts";

// Netlink messages as they should not be. A message is a copy in a buffer of the caller's; every change is within its bytes.

/** A number below a limit. */
export type Below = (limit: number) => number;

const interesting = [0, 1, 3, 4, 5, 7, 8, 16, 0x7f, 0x80, 0xff] as const;
const interesting16 = [0, 1, 3, 4, 5, 0x7fff, 0x8000, 0xfffc, 0xffff] as const;

type Change = (bytes: Uint8Array, length: number, below: Below) => number;

const flipBit: Change = (bytes, length, below) => {
  const at = below(length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
  return length;
};

const setByte: Change = (bytes, length, below) => {
  bytes[below(length)] = below(2) === 0 ? below(256) : (interesting[below(interesting.length)] as number);
  return length;
};

/** A length or type of an attribute, which stand at multiples of four. */
const setWord: Change = (bytes, length, below) => {
  const at = below(length >> 2) * 4 + below(2) * 2;
  const value = below(2) === 0 ? below(64) : (interesting16[below(interesting16.length)] as number);
  bytes[at] = value & 0xff;
  bytes[at + 1] = value >> 8;
  return length;
};

const cut: Change = (_bytes, length, below) => headerBytes + below(length - headerBytes + 1);

const zero: Change = (bytes, length, below) => {
  const at = below(length);
  bytes.fill(0, at, Math.min(length, at + 1 + below(16)));
  return length;
};

/** Attributes twice, or in another place. */
const copyWithin: Change = (bytes, length, below) => {
  const [from, to] = [below(length >> 2) * 4, below(length >> 2) * 4];
  bytes.copyWithin(to, from, Math.min(from + 4 + below(64), length - Math.max(0, to - from)));
  return length;
};

/** Something between attributes, or within one. */
const insert: Change = (bytes, length, below) => {
  const size = 4 * (1 + below(8));
  if (length + size > bytes.length) return length;
  const at = headerBytes + below((length - headerBytes + 4) >> 2) * 4;
  if (at > length) return length;
  bytes.copyWithin(at + size, at, length);
  for (let i = at; i < at + size; i++) bytes[i] = below(3) === 0 ? below(256) : 0;
  return length + size;
};

const remove: Change = (bytes, length, below) => {
  const at = headerBytes + below((length - headerBytes + 4) >> 2) * 4;
  const size = Math.min(4 * (1 + below(8)), length - at);
  if (size <= 0) return length;
  bytes.copyWithin(at, at + size, length);
  return length - size;
};

const changes: readonly Change[] = [flipBit, setByte, setByte, setWord, setWord, cut, zero, copyWithin, insert, remove];

/** Changes a message up to three times, mostly once; how long it is then. Its header's length is made to fit in nine of ten cases. */
export function mutate(bytes: Uint8Array, length: number, below: Below): number {
  let now = length;
  for (let left = below(4) === 0 ? below(4) : 1; left > 0; left--)
    now = Math.max(headerBytes, (changes[below(changes.length)] as Change)(bytes, now, below));
  if (below(10) > 0) new DataView(bytes.buffer, bytes.byteOffset, bytes.length).setUint32(0, now, true);
  return now;
}

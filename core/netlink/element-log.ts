import { Attributes } from "./attributes.ts";
import { aligned, Messages } from "./message.ts";
import { MessageRoom } from "./message-room.ts";
import { MessageWriter } from "./message-writer.ts";
import { netfilterHeaderBytes } from "./netfilter.ts";

// Messages that add elements to a set and take some away, as nf-sets.ts writes them.
//
// NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM => nlmsghdr nfgenmsg 1:table 2:set 3:list
const added = 12;
const list = 3;
const elementFlags = 3;
const attributeHeaderBytes = 4;
const flagsBytes = 8;
// As much as fits into an attribute, less the longest element of ours.
const listBytes = 64_000;

/** A key, and whether it ends an interval: what no two elements of a set have in common. */
type Identity = number | string;

/**
 * Fewer messages that leave a set with the same elements: those that add what is there at the end. 55 ms for 250,000 addresses of
 * IPv4. The kernel does not always find an interval that the same batch has added (nft_rbtree_deactivate), so what was taken away
 * cannot simply be told again.
 */
export function compacted(log: readonly Uint8Array[]): Uint8Array {
  const bytes = Buffer.concat(log);
  // Where each element begins.
  const elements = new Map<Identity, number>();
  const messages = new Messages(bytes);
  const a = new Attributes("nftables elements", bytes);
  let head: { readonly type: number; readonly flags: number; readonly bytes: Uint8Array } | undefined;
  while (messages.next()) {
    const { type, flags, start } = messages;
    const adds = (type & 0xff) === added;
    a.reset(start + netfilterHeaderBytes, messages.end);
    while (a.next() && a.type !== list);
    if (a.type === list) follow(elements, bytes, a.start, a.start + a.length, adds);
    a.finish();
    if (adds) head ??= { type, flags, bytes: bytes.subarray(start, a.start - attributeHeaderBytes) };
  }
  messages.finish();
  if (head === undefined) return new Uint8Array();
  const { type, flags, bytes: table } = head;
  return written(bytes, [...elements.values()], (room) => new MessageWriter(type, flags, room).raw(table));
}

function follow(elements: Map<Identity, number>, bytes: Buffer, from: number, to: number, adds: boolean): void {
  for (let at = from; at < to; at += aligned(bytes.readUInt16LE(at))) {
    const identity = identityOf(bytes, at + attributeHeaderBytes);
    if (adds) elements.set(identity, at);
    else elements.delete(identity);
  }
}

/** Of an element whose attributes begin there: perhaps that it ends an interval, and the key. Most keys are addresses of IPv4. */
function identityOf(bytes: Buffer, at: number): Identity {
  const isEnd = (bytes.readUInt16LE(at + 2) & 0xff) === elementFlags;
  const value = (isEnd ? at + flagsBytes : at) + attributeHeaderBytes;
  const key = value + attributeHeaderBytes;
  const length = bytes.readUInt16LE(value) - attributeHeaderBytes;
  if (length === 4) return isEnd ? -1 - bytes.readUInt32BE(key) : bytes.readUInt32BE(key);
  return `${isEnd ? "end " : ""}${bytes.toString("latin1", key, key + length)}`;
}

function written(bytes: Buffer, elements: readonly number[], begin: (room: MessageRoom) => MessageWriter): Uint8Array {
  const room = new MessageRoom(4096);
  for (let next = 0; next < elements.length; ) {
    const message = begin(room);
    message.nested(list, () => {
      const limit = message.length + listBytes;
      for (; next < elements.length && message.length < limit; next++) {
        const from = elements[next] as number;
        const length = aligned(bytes.readUInt16LE(from));
        const to = room.reserve(length);
        bytes.copy(room.bytes, to, from, from + length);
      }
    });
    message.finish(0);
  }
  return Uint8Array.from(room.bytes.subarray(0, room.length));
}

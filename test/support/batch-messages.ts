import { aligned } from "../../core/netlink/message.ts";
import type { TableChanges } from "../../core/netlink/nf-tables.ts";

/** The messages of a batch that is not sent yet, less the one that begins it. */
export function messagesOf({ batch }: TableChanges): readonly Buffer[] {
  const bytes = Buffer.from(batch.slice(0, batch.length));
  const messages: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += aligned(bytes.readUInt32LE(at)))
    messages.push(bytes.subarray(at, at + bytes.readUInt32LE(at)));
  return messages.slice(1);
}

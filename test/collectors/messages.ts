import type { EntryKind } from "../../core/conntrack/entry.ts";
import { writeTuple } from "../../core/conntrack/tuple.ts";
import { messageFlag } from "../../core/netlink/message.ts";
import { MessageWriter } from "../../core/netlink/message-writer.ts";
import { netfilterHeader, netfilterType, subsystem } from "../../core/netlink/netfilter.ts";
import { tuple } from "./entries.ts";

/** What a message of conntrack's says; times are microseconds. Null: it does not. */
export interface Said {
  readonly kind: EntryKind;
  readonly id: number;
  /** Client, what it wrote to, and who answered whom: `address port`. */
  readonly ends: readonly [string, string, string, string];
  readonly protocol: number;
  readonly status: number;
  readonly label: readonly [bigint, bigint] | null;
  readonly counters: readonly [number, number, number, number] | null;
  readonly startedAt: number | null;
  readonly stoppedAt: number | null;
  readonly happenedAt: number | null;
  readonly tcpState: number | null;
  readonly timeout: number | null;
  readonly mark: number;
  readonly zone: number;
  /** Netlink port of who caused it. */
  readonly port: number;
}

const CTA = {
  original: 1,
  reply: 2,
  status: 3,
  info: 4,
  timeout: 7,
  mark: 8,
  counted: 9,
  countedBack: 10,
  use: 11,
} as const;
const [CTA_ID, CTA_ZONE, CTA_TIMESTAMP, CTA_LABELS, CTA_TIMESTAMP_EVENT] = [12, 18, 20, 22, 27];
const icmp = 1;

/** The message as the kernel writes it, header included. */
export function messageOf(said: Said): Buffer {
  const { kind, ends, protocol, counters, startedAt, stoppedAt } = said;
  const over = protocol === icmp ? { icmpType: 8, icmpCode: 0, icmpId: 7, protocol } : { protocol };
  const flags = { new: messageFlag.create, update: 0, destroy: 0, dump: messageFlag.multi };
  const writer = new MessageWriter(netfilterType(subsystem.conntrack, kind === "destroy" ? 2 : 0), flags[kind]);
  writer.raw(netfilterHeader(ends[0].includes(":") ? 10 : 2));
  writer.nested(CTA.original, () => writeTuple(writer, tuple(ends[0], ends[1], over)));
  writer.nested(CTA.reply, () => writeTuple(writer, tuple(ends[2], ends[3], over)));
  if (said.zone !== 0) writer.u16be(CTA_ZONE, said.zone);
  writer.u32be(CTA_ID, said.id).u32be(CTA.status, said.status);
  if (said.timeout !== null) writer.u32be(CTA.timeout, said.timeout);
  if (counters !== null) {
    count(writer, CTA.counted, counters[0], counters[1]);
    count(writer, CTA.countedBack, counters[2], counters[3]);
  }
  if (startedAt !== null)
    writer.nested(CTA_TIMESTAMP, () => {
      writer.u64be(1, nanoseconds(startedAt));
      if (stoppedAt !== null) writer.u64be(2, nanoseconds(stoppedAt));
    });
  if (said.happenedAt !== null) writer.u64be(CTA_TIMESTAMP_EVENT, nanoseconds(said.happenedAt));
  const { tcpState } = said;
  if (tcpState !== null) writer.nested(CTA.info, () => writer.nested(1, () => writeState(writer, kind, tcpState)));
  if (said.mark !== 0) writer.u32be(CTA.mark, said.mark);
  if (said.label !== null) writer.value(CTA_LABELS, labelOf(said.label));
  const bytes = Buffer.from(writer.u32be(CTA.use, 1).finish(0));
  bytes.writeUInt32LE(said.port, 12);
  return bytes;
}

const nanoseconds = (us: number) => BigInt(us) * 1000n + 999n;

function count(writer: MessageWriter, type: number, packets: number, bytes: number): void {
  writer.nested(type, () => void writer.u64be(1, BigInt(packets)).u64be(2, BigInt(bytes)));
}

function writeState(writer: MessageWriter, kind: EntryKind, state: number): void {
  writer.u8(1, state);
  if (kind !== "destroy") writer.u8(2, 7).u8(3, 7).value(4, Uint8Array.of(10, 0)).value(5, Uint8Array.of(10, 0));
}

function labelOf([egress, ingress]: readonly [bigint, bigint]): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(egress, 0);
  bytes.writeBigUInt64LE(ingress, 8);
  return bytes;
}

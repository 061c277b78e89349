// Puts connections into the kernel's table without any traffic. To be run inside a network namespace, with a JSON array of Insertion
// on its standard input.
import { readFileSync } from "node:fs";
import { familyOf } from "../../core/address.ts";
import { type Tuple, writeTuple } from "../../core/conntrack/tuple.ts";
import { errnoName } from "../../core/netlink/libc.ts";
import { messageFlag } from "../../core/netlink/message.ts";
import { MessageWriter } from "../../core/netlink/message-writer.ts";
import {
  NETLINK_NETFILTER,
  netfilterFamily,
  netfilterHeader,
  netfilterType,
  subsystem,
} from "../../core/netlink/netfilter.ts";
import { NetlinkSocket } from "../../core/netlink/socket.ts";

export interface Insertion {
  readonly zone: number;
  readonly original: Tuple;
  readonly reply: Tuple;
  /** enum tcp_conntrack; null for other protocols. */
  readonly tcpState: number | null;
}

// include/uapi/linux/netfilter/nfnetlink_conntrack.h
const IPCTNL_MSG_CT_NEW = 0;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_PROTOINFO = 4;
const CTA_TIMEOUT = 7;
const CTA_ZONE = 18;
const CTA_PROTOINFO_TCP = 1;
const CTA_PROTOINFO_TCP_STATE = 1;
const perDatagram = 64;

function insertRequest({ zone, original, reply, tcpState }: Insertion, acknowledge: boolean): MessageWriter {
  const family = familyOf(original.source) === 4 ? netfilterFamily.ipv4 : netfilterFamily.ipv6;
  const flags = messageFlag.request | messageFlag.create | messageFlag.exclusive;
  const type = netfilterType(subsystem.conntrack, IPCTNL_MSG_CT_NEW);
  const writer = new MessageWriter(type, flags | (acknowledge ? messageFlag.ack : 0)).raw(netfilterHeader(family));
  writer
    .nested(CTA_TUPLE_ORIG, () => writeTuple(writer, original))
    .nested(CTA_TUPLE_REPLY, () => writeTuple(writer, reply))
    .u32be(CTA_TIMEOUT, 3_600);
  if (zone !== 0) writer.u16be(CTA_ZONE, zone);
  if (tcpState === null) return writer;
  return writer.nested(CTA_PROTOINFO, () =>
    writer.nested(CTA_PROTOINFO_TCP, () => writer.u8(CTA_PROTOINFO_TCP_STATE, tcpState)),
  );
}

const insertions = JSON.parse(readFileSync(0, "utf8")) as readonly Insertion[];
const socket = NetlinkSocket.open(NETLINK_NETFILTER);
for (let at = 0; at < insertions.length; at += perDatagram) {
  const some = insertions.slice(at, at + perDatagram);
  const answers = socket.transact(some.map((each, index) => insertRequest(each, index === some.length - 1)));
  const fault = answers.find(({ errno }) => errno !== 0);
  if (fault !== undefined) throw new Error(`${JSON.stringify(some[fault.sequence])}: ${errnoName(fault.errno)}`);
}

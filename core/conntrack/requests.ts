import { familyOf } from "../address.ts";
import { messageFlag } from "../netlink/message.ts";
import { MessageWriter } from "../netlink/message-writer.ts";
import { netfilterFamily, netfilterHeader, netfilterType, subsystem } from "../netlink/netfilter.ts";
import type { Entry } from "./entry.ts";
import { writeTuple } from "./tuple.ts";

const IPCTNL_MSG_CT_GET = 1;
const IPCTNL_MSG_CT_DELETE = 2;
const IPCTNL_MSG_CT_GET_STATS = 5;

const CTA_TUPLE_ORIG = 1;
const CTA_ID = 12;
const CTA_ZONE = 18;

/**
 * Multicast groups, enum nfnetlink_groups of include/uapi/linux/netfilter/nfnetlink.h. The group of UPDATE (2) is left
 * out: it tells of each change of TCP's state, five per connection against one NEW and one DESTROY, yet carries no
 * counters; whether there was an answer stands in DESTROY and dumps, a label set late in dumps.
 */
export const conntrackGroups = { new: 1, destroy: 3 } as const;

/** Asks for every entry of the table, IPv4 and IPv6. */
export function dumpRequest(): MessageWriter {
  return request(IPCTNL_MSG_CT_GET, messageFlag.request | messageFlag.dump);
}

/** Asks for the table's size: the smallest question that shows whether the kernel has ctnetlink, and loads it. */
export function statisticsRequest(): MessageWriter {
  return request(IPCTNL_MSG_CT_GET_STATS, messageFlag.request | messageFlag.ack);
}

/**
 * Deletes one entry; ENOENT if there is none with this tuple and id, so a later connection of the same tuple stays (unless it got
 * the same id, which is a hash of the tuple and of the entry's place in memory).
 */
export function deleteRequest(entry: Pick<Entry, "id" | "zone" | "original">, acknowledge: boolean): MessageWriter {
  const { id, zone, original } = entry;
  const family = familyOf(original.source) === 4 ? netfilterFamily.ipv4 : netfilterFamily.ipv6;
  const writer = request(IPCTNL_MSG_CT_DELETE, messageFlag.request | (acknowledge ? messageFlag.ack : 0), family);
  // What is a zone of one direction only, as `ct original zone` makes it, stands in the tuple; see EntryDecoder.
  if (zone !== original.zone) writer.u16be(CTA_ZONE, zone);
  return writer.nested(CTA_TUPLE_ORIG, () => writeTuple(writer, original)).u32be(CTA_ID, id);
}

function request(message: number, flags: number, family: number = netfilterFamily.unspecified): MessageWriter {
  const header = netfilterHeader(family);
  return new MessageWriter(netfilterType(subsystem.conntrack, message), flags).raw(header);
}

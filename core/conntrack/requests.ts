import { messageFlag } from "../netlink/message.ts";
import { MessageWriter } from "../netlink/message-writer.ts";
import { netfilterFamily, netfilterHeader, netfilterType, subsystem } from "../netlink/netfilter.ts";

const IPCTNL_MSG_CT_GET = 1;
const IPCTNL_MSG_CT_GET_STATS = 5;

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

function request(message: number, flags: number): MessageWriter {
  const header = netfilterHeader(netfilterFamily.unspecified);
  return new MessageWriter(netfilterType(subsystem.conntrack, message), flags).raw(header);
}

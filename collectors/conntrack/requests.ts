import { messageFlag } from "../../core/netlink/message.ts";
import { MessageWriter } from "../../core/netlink/message-writer.ts";
import { netfilterFamily, netfilterHeader, netfilterType, subsystem } from "../../core/netlink/netfilter.ts";

const IPCTNL_MSG_CT_GET = 1;
const IPCTNL_MSG_CT_GET_STATS = 5;

/** Multicast groups, enum nfnetlink_groups of include/uapi/linux/netfilter/nfnetlink.h. */
export const conntrackGroups = { new: 1, update: 2, destroy: 3 } as const;

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

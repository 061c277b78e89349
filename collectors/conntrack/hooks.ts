import { SluiceError } from "../../core/errors.ts";
import { Attributes } from "../../core/netlink/attributes.ts";
import { messageFlag } from "../../core/netlink/message.ts";
import { MessageWriter } from "../../core/netlink/message-writer.ts";
import {
  NETLINK_NETFILTER,
  netfilterFamily,
  netfilterHeader,
  netfilterHeaderBytes,
  netfilterType,
  subsystem,
} from "../../core/netlink/netfilter.ts";
import { NetlinkSocket } from "../../core/netlink/socket.ts";

// NFNL_MSG_HOOK_GET, dumped per family and hook => NFNLA_HOOK_FUNCTION_NAME text ...
// include/uapi/linux/netfilter/nfnetlink_hook.h; since Linux 5.14 with CONFIG_NETFILTER_NETLINK_HOOK
const NFNL_MSG_HOOK_GET = 0;
const NFNLA_HOOK_HOOKNUM = 1;
const NFNLA_HOOK_FUNCTION_NAME = 4;
const NF_INET_PRE_ROUTING = 0;

/** True if conntrack sees the packets of both families; false also where the kernel does not tell. */
export function conntrackIsHooked(): boolean {
  const socket = NetlinkSocket.open(NETLINK_NETFILTER);
  try {
    return [netfilterFamily.ipv4, netfilterFamily.ipv6].every((family) =>
      hookFunctions(socket, family).some((name) => name.endsWith("conntrack_in")),
    );
  } catch (thrown) {
    if (thrown instanceof SluiceError && thrown.code === "NETLINK_FAILED") return false;
    throw thrown;
  } finally {
    socket.close();
  }
}

function hookFunctions(socket: NetlinkSocket, family: number): readonly string[] {
  const request = new MessageWriter(
    netfilterType(subsystem.hook, NFNL_MSG_HOOK_GET),
    messageFlag.request | messageFlag.dump,
  )
    .raw(netfilterHeader(family))
    .u32be(NFNLA_HOOK_HOOKNUM, NF_INET_PRE_ROUTING);
  const names: string[] = [];
  socket.dump("netfilter hooks", request, (bytes, { start, end }) => {
    const a = new Attributes("netfilter hook", bytes, start + netfilterHeaderBytes, end);
    while (a.next()) if (a.type === NFNLA_HOOK_FUNCTION_NAME) names.push(a.text());
    a.finish();
  });
  return names;
}

import { SluiceError } from "../../core/errors.ts";
import type { NetlinkSocket } from "../../core/netlink/socket.ts";
import { boundGroups, holderOf } from "./holder.ts";
import { bindRequest } from "./requests.ts";

/** Felix reads 1 and 2, in its enterprise edition also 3 (felix/rules/rule_defs.go); ulogd's examples use 0 to 3 (ulogd.conf). */
const othersUse = 4;

/** Makes a socket the one that reads a group. Throws PORT_TAKEN, naming who does and which setting, if another socket has it. */
export function bindGroup(socket: NetlinkSocket, group: number, setting: string): void {
  try {
    socket.request(`bind NFLOG group ${group}`, bindRequest(group));
  } catch (thrown) {
    // EPERM here is not about capabilities, which joining groups asked for already: the group belongs to another socket
    // (net/netfilter/nfnetlink_log.c, nfulnl_recv_config).
    if (!(thrown instanceof SluiceError) || thrown.context["errno"] !== "EPERM") throw thrown;
    throw new SluiceError("PORT_TAKEN", takenText(group, setting), { cause: thrown });
  }
}

function takenText(group: number, setting: string): string {
  const bound = boundGroups();
  const port = bound.get(group);
  const holder = (port === undefined ? undefined : holderOf(port)) ?? "another program";
  let free = othersUse;
  while (bound.has(free) || free === group) free++;
  return `${holder} reads NFLOG group ${group}, and a group has one reader; stop it, or choose another group: --${setting} ${free}`;
}

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

// /proc/net/netfilter/nfnetlink_log => line*      net/netfilter/nfnetlink_log.c, seq_show: of the groups that are bound
//   line => group port queued mode range timeout uses
// /proc/net/netlink                 => line*      net/netlink/af_netlink.c, netlink_native_seq_show
//   line => address protocol port groups … inode, where protocol 12 is netfilter's
const groupLine = /^\s*(\d+)\s+(\d+)/;
const netfilterProtocol = "12";

/** Groups that somebody reads in the calling thread's network namespace, with the netlink port that does; empty where the kernel does not say. */
export function boundGroups(): ReadonlyMap<number, number> {
  const bound = new Map<number, number>();
  for (const line of linesOf("/proc/thread-self/net/netfilter/nfnetlink_log")) {
    const [, group, port] = groupLine.exec(line) ?? [];
    if (group !== undefined && port !== undefined) bound.set(Number(group), Number(port));
  }
  return bound;
}

/** Who has a netlink port open, as `ulogd (process 123)`; undefined if that is not to be seen, as from within a container. */
export function holderOf(port: number): string | undefined {
  const socket = linesOf("/proc/thread-self/net/netlink")
    .map((line) => line.trim().split(/\s+/))
    .find(([, protocol, at]) => protocol === netfilterProtocol && at === String(port));
  const inode = socket?.at(-1);
  const pid = inode === undefined ? undefined : processWith(`socket:[${inode}]`);
  return pid === undefined ? undefined : `${linesOf(`/proc/${pid}/comm`)[0] ?? "a program"} (process ${pid})`;
}

function processWith(link: string): string | undefined {
  return namesIn("/proc").find(
    (pid) => /^\d+$/.test(pid) && namesIn(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === link),
  );
}

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return [];
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

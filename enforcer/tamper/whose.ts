import { readdirSync, readlinkSync, statSync } from "node:fs";
import { type Read, readProc } from "./culprit.ts";

// Whether a change is our own. The kernel tells the id of the thread that made it, but as the machine's first pid namespace
// numbers it. In a container with pids of its own those numbers mean nothing, so there it is told by the socket.

/** The first pid namespace: PROC_PID_INIT_INO, include/linux/proc_ns.h. */
const firstPidNamespace = "pid:[4026531836]";
const NETLINK_NETFILTER = 12;

/** True if the kernel's process ids are those of this process's /proc. */
export const pidsAreOurs = readlinkSync("/proc/self/ns/pid") === firstPidNamespace;

/** `pid`: of the thread that made a change; `port`: of its netlink socket. In the namespace of the calling thread. */
export function isOurs(pid: number, port: number): boolean {
  return pidsAreOurs
    ? pid > 0 && statSync(`/proc/self/task/${pid}`, { throwIfNoEntry: false }) !== undefined
    : isOurPort(port);
}

function isOurPort(port: number): boolean {
  const inode = inodeOfPort(port, readProc);
  return inode !== undefined && ourSockets().has(inode);
}

// /proc/net/netlink => header (sk protocol port groups rmem wmem dump locks drops inode newline)*     net/netlink/af_netlink.c
function inodeOfPort(port: number, read: Read): string | undefined {
  const rows = (read("/proc/thread-self/net/netlink") ?? "").split("\n").map((line) => line.trim().split(/\s+/));
  return rows.find((row) => Number(row[1]) === NETLINK_NETFILTER && Number(row[2]) === port)?.[9];
}

function ourSockets(): ReadonlySet<string> {
  const links = readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? [];
    } catch {
      return []; // closed meanwhile
    }
  });
  return new Set(links);
}

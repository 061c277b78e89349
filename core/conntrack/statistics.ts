import { Attributes } from "../netlink/attributes.ts";
import { messageFlag } from "../netlink/message.ts";
import { MessageWriter } from "../netlink/message-writer.ts";
import {
  netfilterFamily,
  netfilterHeader,
  netfilterHeaderBytes,
  netfilterType,
  subsystem,
} from "../netlink/netfilter.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";

// IPCTNL_MSG_CT_GET_STATS_CPU, dumped => one message per processor, each nfgenmsg and CTA_STATS_* u32be, since the namespace was made
// (net/netfilter/nf_conntrack_netlink.c, ctnetlink_ct_stat_cpu_fill_info; struct ip_conntrack_stat)
const IPCTNL_MSG_CT_GET_STATS_CPU = 4;
const CTA_STATS = {
  invalid: 4,
  insertFailed: 9,
  drop: 10,
  earlyDrop: 11,
  error: 12,
  searchRestart: 13,
  clashResolve: 14,
  chainTooLong: 15,
} as const;

const wrap = 0x1_0000_0000;

/** What the connection table of a network namespace counts, of all processors. */
export interface TableStatistics {
  /** Packets that belong to no connection as they are. */
  readonly invalid: number;
  /** Connections that were there already when they were to be put into the table; their packet is dropped. */
  readonly insertFailed: number;
  /** Packets dropped because the table was full, or there was no memory. */
  readonly drop: number;
  /** Connections thrown out for others, since the table was full. */
  readonly earlyDrop: number;
  readonly error: number;
  /** Look-ups that began anew, since the table changed meanwhile. */
  readonly searchRestart: number;
  /** Of two packets that made the same connection, the second was put to the first's. */
  readonly clashResolve: number;
  /** Packets dropped because too many connections share a place in the table. */
  readonly chainTooLong: number;
}

const names = Object.keys(CTA_STATS) as readonly (keyof TableStatistics)[];
const none = Object.fromEntries(names.map((name) => [name, 0])) as unknown as TableStatistics;

export function readStatistics(socket: NetlinkSocket): TableStatistics {
  const sums = { ...none } as Record<keyof TableStatistics, number>;
  const request = new MessageWriter(
    netfilterType(subsystem.conntrack, IPCTNL_MSG_CT_GET_STATS_CPU),
    messageFlag.request | messageFlag.dump,
  ).raw(netfilterHeader(netfilterFamily.unspecified));
  socket.dump("conntrack statistics", request, (bytes, { start, end }) => {
    const a = new Attributes("conntrack statistics", bytes, start + netfilterHeaderBytes, end);
    while (a.next()) {
      const name = names.find((each) => CTA_STATS[each] === a.type);
      if (name !== undefined) sums[name] += a.u32be();
    }
    a.finish();
  });
  return sums;
}

/** What was counted between two readings; the kernel's counters wrap. */
export function countedBetween(before: TableStatistics, now: TableStatistics): TableStatistics {
  return Object.fromEntries(
    names.map((name) => [name, (now[name] - before[name] + wrap) % wrap]),
  ) as unknown as TableStatistics;
}

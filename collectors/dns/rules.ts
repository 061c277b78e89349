import { Attributes } from "../../core/netlink/attributes.ts";
import { messageFlag } from "../../core/netlink/message.ts";
import { MessageWriter } from "../../core/netlink/message-writer.ts";
import {
  netfilterFamily,
  netfilterHeader,
  netfilterHeaderBytes,
  netfilterType,
  subsystem,
} from "../../core/netlink/netfilter.ts";
import type { NetlinkSocket } from "../../core/netlink/socket.ts";
import { runNftScript } from "../nft-script.ts";

// Rules that copy DNS, in a table of our own: they have no verdict, so they decide nothing, whoever else has rules.
//
// - Every packet crosses one of input, forward and output; one by the loopback device two of them, so that is left out once.
// - Behind the filters of others (priority 0): what is denied is not told as asked or answered.
// - Which connection is DNS is told by the port that the client wrote: behind a Service it may be another. And what is an answer is
//   told by the direction of the connection: nobody can make up answers to others by sending from port 53. Untracked packets (a cache
//   on the node that leaves conntrack out, as NodeLocal DNSCache does) have the ports only.
// - Segments that are too short to hold a question are not copied: lengths of IP and TCP headers and 19 bytes.
const table = "sluice_dns";
const priority = 100;
export const prefixes = { query: "dns-query", answer: "dns-answer" } as const;
const beyondCounter = "beyond";

export interface CopyRules {
  readonly group: number;
  /** Packets per second; those beyond are counted. */
  readonly maxPerSecond: number;
  /** Bytes of each packet. */
  readonly copyRange: number;
}

const remove = `table inet ${table}\ndelete table inet ${table}\n`;

export function loadCopyRules({ group, maxPerSecond, copyRange }: CopyRules): void {
  const base = (hook: string, first = "") => `
  chain ${hook} {
    type filter hook ${hook} priority ${priority}; policy accept;
    ${first}
    meta l4proto udp ct original proto-dst 53 goto tracked
    meta l4proto tcp ct original proto-dst 53 goto segment
    ct state untracked meta l4proto { tcp, udp } goto untracked
  }`;
  const copy = (what: keyof typeof prefixes) => `
  chain ${what} {
    limit rate ${maxPerSecond}/second burst ${maxPerSecond} packets log prefix "${prefixes[what]}" group ${group} snaplen ${copyRange} return
    counter name ${beyondCounter}
  }`;
  const script = `${remove}
table inet ${table} {
  counter ${beyondCounter} {}
${copy("query")}
${copy("answer")}
  chain tracked {
    ct direction original goto query
    goto answer
  }
  chain segment {
    tcp flags & (syn | rst) != 0 return
    meta nfproto ipv4 meta length < 59 return
    meta nfproto ipv6 meta length < 79 return
    goto tracked
  }
  chain untracked {
    th dport 53 goto query
    th sport 53 goto answer
  }
${base("input", 'iifname "lo" return')}
${base("forward")}
${base("output")}
}
`;
  runNftScript(script, "the rules that copy DNS");
}

export function removeCopyRules(): void {
  runNftScript(remove, "the end of the rules that copy DNS");
}

// NFT_MSG_GETOBJ => nfgenmsg NFTA_OBJ_TABLE NFTA_OBJ_TYPE      include/uapi/linux/netfilter/nf_tables.h
// NFT_MSG_NEWOBJ => nfgenmsg attributes
//   NFTA_OBJ_NAME text   NFTA_OBJ_DATA => NFTA_COUNTER_BYTES u64be NFTA_COUNTER_PACKETS u64be
const NFT_MSG_NEWOBJ = 18;
const NFT_MSG_GETOBJ = 19;
const NFTA_OBJ_TABLE = 1;
const NFTA_OBJ_NAME = 2;
const NFTA_OBJ_TYPE = 3;
const NFTA_OBJ_DATA = 4;
const NFTA_COUNTER_PACKETS = 2;
const counterObject = 1;

/** Packets beyond `maxPerSecond` since the rules were loaded. */
export function readBeyond(socket: NetlinkSocket): number {
  const request = new MessageWriter(
    netfilterType(subsystem.nftables, NFT_MSG_GETOBJ),
    messageFlag.request | messageFlag.dump,
  )
    .raw(netfilterHeader(netfilterFamily.inet))
    .text(NFTA_OBJ_TABLE, table)
    .u32be(NFTA_OBJ_TYPE, counterObject);
  let beyond = 0;
  socket.dump("counters of DNS", request, (bytes, { type, start, end }) => {
    if (type !== netfilterType(subsystem.nftables, NFT_MSG_NEWOBJ)) return;
    const found = counterIn(new Attributes("nf_tables", bytes, start + netfilterHeaderBytes, end));
    if (found.name === beyondCounter) beyond = found.packets;
  });
  return beyond;
}

function counterIn(attributes: Attributes): { readonly name: string; readonly packets: number } {
  let name = "";
  let packets = 0;
  while (attributes.next())
    if (attributes.type === NFTA_OBJ_NAME) name = attributes.text();
    else if (attributes.type === NFTA_OBJ_DATA) {
      const data = attributes.nested();
      while (data.next()) if (data.type === NFTA_COUNTER_PACKETS) packets = data.u64be();
    }
  attributes.finish();
  return { name, packets };
}

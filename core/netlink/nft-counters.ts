import { SluiceError } from "../errors.ts";
import { Attributes } from "./attributes.ts";
import { controlType, type Messages, messageFlag } from "./message.ts";
import { MessageWriter } from "./message-writer.ts";
import { netfilterFamily, netfilterHeader, netfilterHeaderBytes, netfilterType, subsystem } from "./netfilter.ts";
import type { NetlinkSocket } from "./socket.ts";

// Named counters, asked of the kernel itself: `nft -j list counters` reads the whole table first.
// NFT_MSG_GETOBJ => nfgenmsg NFTA_OBJ_TABLE text, NFTA_OBJ_TYPE u32be      include/uapi/linux/netfilter/nf_tables.h
// NFT_MSG_NEWOBJ => nfgenmsg NFTA_OBJ_TABLE text, NFTA_OBJ_NAME text, NFTA_OBJ_TYPE u32be, NFTA_OBJ_DATA => NFTA_COUNTER_BYTES u64be
//                   NFTA_COUNTER_PACKETS u64be
const NFT_MSG_GETOBJ = 19;
const NFTA_OBJ_TABLE = 1;
const NFTA_OBJ_NAME = 2;
const NFTA_OBJ_TYPE = 3;
const NFTA_OBJ_DATA = 4;
const NFT_OBJECT_COUNTER = 1;
const NFTA_COUNTER_BYTES = 1;
const NFTA_COUNTER_PACKETS = 2;

// As in enforcer/text.ts.
const tableName = "sluice";

export interface Count {
  readonly packets: number;
  readonly bytes: number;
}

/** By name; none where there is no table. */
export type Counts = ReadonlyMap<string, Count>;

/** All counters of our table in the namespace of the socket (netlink protocol netfilter). */
export function dumpCounters(socket: NetlinkSocket): Counts {
  // A table that changes meanwhile shows some counters twice or not at all: then once more.
  for (let dump = 1; ; dump++) {
    const counts = new Map<string, Count>();
    const interrupted = socket.dump("dump counters", request(messageFlag.dump), (bytes, message) => {
      const { name, ...count } = decodeCounter(bytes, message);
      counts.set(name, count);
    });
    if (!interrupted || dump === maxDumps) return counts;
  }
}

const maxDumps = 3;

/** One counter of our table; undefined if it is not there. */
export function readCounter(socket: NetlinkSocket, name: string): Count | undefined {
  let found: Count | undefined;
  socket.ask([request(0).text(NFTA_OBJ_NAME, name)], (_, bytes, message) => {
    if (message.type === controlType.error) return;
    const { packets, bytes: octets } = decodeCounter(bytes, message);
    found = { packets, bytes: octets };
  });
  return found;
}

function request(flags: number): MessageWriter {
  const type = netfilterType(subsystem.nftables, NFT_MSG_GETOBJ);
  return new MessageWriter(type, messageFlag.request | flags)
    .raw(netfilterHeader(netfilterFamily.inet))
    .text(NFTA_OBJ_TABLE, tableName)
    .u32be(NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
}

function decodeCounter(bytes: Buffer, { start, end }: Pick<Messages, "start" | "end">): Count & { name: string } {
  const counter = { name: "", packets: 0, bytes: 0 };
  const a = new Attributes("counter", bytes, start + netfilterHeaderBytes, end);
  while (a.next())
    if (a.type === NFTA_OBJ_NAME) counter.name = a.text();
    else if (a.type === NFTA_OBJ_DATA) {
      const data = a.nested();
      while (data.next())
        if (data.type === NFTA_COUNTER_BYTES) counter.bytes = data.u64be();
        else if (data.type === NFTA_COUNTER_PACKETS) counter.packets = data.u64be();
    }
  a.finish();
  if (counter.name === "") throw new SluiceError("DECODE_FAILED", "counter: it has no name");
  return counter;
}

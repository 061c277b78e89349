import { SluiceError } from "../errors.ts";
import { messageFlag } from "./message.ts";
import { MessageWriter } from "./message-writer.ts";
import { netfilterFamily, netfilterHeader, netfilterType, subsystem } from "./netfilter.ts";
import { decodeNftEvent, type NftEvent } from "./nft-event.ts";
import type { NetlinkSocket } from "./socket.ts";

// Questions to nf_tables, include/uapi/linux/netfilter/nf_tables.h. Answers are the messages that tell of events: nft-event.ts.
const NFT_MSG_GETRULE = 7;
const NFT_MSG_GETGEN = 16;

/** How many transactions there have been, give or take where the kernel began to count: one more after each. */
export function askGeneration(socket: NetlinkSocket): number {
  let id: number | undefined;
  const type = netfilterType(subsystem.nftables, NFT_MSG_GETGEN);
  const request = new MessageWriter(type, messageFlag.request | messageFlag.ack);
  socket.dump("nftables generation", request.raw(netfilterHeader(netfilterFamily.unspecified)), (bytes, message) => {
    const event = decodeNftEvent(bytes, message);
    if (event?.what === "generation") id = event.id;
  });
  if (id === undefined) throw new SluiceError("NETLINK_FAILED", "nftables: the kernel tells no generation");
  return id;
}

/** The rules of a table in order, without what they say; nothing if there is no such table. */
export function askRules(
  socket: NetlinkSocket,
  table: string,
  family: keyof typeof netfilterFamily,
): readonly Extract<NftEvent, { what: "rule" }>[] {
  const type = netfilterType(subsystem.nftables, NFT_MSG_GETRULE);
  const request = new MessageWriter(type, messageFlag.request | messageFlag.dump);
  const rules: Extract<NftEvent, { what: "rule" }>[] = [];
  socket.dump(
    "nftables rules",
    request.raw(netfilterHeader(netfilterFamily[family])).text(1, table),
    (bytes, message) => {
      const event = decodeNftEvent(bytes, message);
      if (event?.what === "rule" && event.table === table) rules.push({ ...event, expressions: none });
    },
  );
  return rules;
}

const none = new Uint8Array();

/** The one after it: 32 bits, of which the kernel leaves out zero (nf_tables_commit). */
export const nextGeneration = (id: number) => (id === 0xffff_ffff ? 1 : id + 1);

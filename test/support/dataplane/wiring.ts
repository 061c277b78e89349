import { type Address, type Family, familyOf, widthOf } from "../../../core/address.ts";
import { messageFlag } from "../../../core/netlink/message.ts";
import { MessageWriter } from "../../../core/netlink/message-writer.ts";
import { addressBytes } from "./packet-bytes.ts";

// Requests to rtnetlink(7), include/uapi/linux/rtnetlink.h and if_link.h
// NEWLINK  => family pad type:u16 index:i32 flags:u32 change:u32 attribute*           IFLA_TXQLEN u32
// NEWROUTE => family bits source tos table protocol scope type flags:u32 attribute*   RTA_DST bytes, RTA_OIF u32
const type = { newLink: 16, newRoute: 24, deleteRoute: 25 } as const;
const AF = { 4: 2, 6: 10 } as const;
const IFF_UP = 1;
const IFLA_TXQLEN = 13;
const RTA_DST = 1;
const RTA_OIF = 4;
const RT_TABLE_MAIN = 254;
const RT_TABLE_LOCAL = 255;
const RTPROT_STATIC = 4;
const RT_SCOPE_LINK = 253;
const RT_SCOPE_HOST = 254;
const RTN_UNICAST = 1;
const RTN_LOCAL = 2;

export type Verb = "add" | "delete";

/** Brings a link up, with room for so many packets that go out through it. */
export function linkUp(index: number, queue: number): MessageWriter {
  const header = Buffer.alloc(16);
  header.writeInt32LE(index, 4);
  header.writeUInt32LE(IFF_UP, 8);
  header.writeUInt32LE(IFF_UP, 12);
  return request(type.newLink).raw(header).u32(IFLA_TXQLEN, queue);
}

/**
 * Makes an address one of the machine itself: by a route, since an IPv6 address that is added works only when a work queue of the kernel
 * has been there (net/ipv6/addrconf.c, addrconf_dad_work).
 */
export function ownAddress(verb: Verb, address: Address, loopback: number): MessageWriter {
  return addressRoute(verb, address, loopback, { table: RT_TABLE_LOCAL, scope: RT_SCOPE_HOST, type: RTN_LOCAL });
}

/** Sends what goes to the address out through the link. */
export function hostRoute(verb: Verb, address: Address, index: number): MessageWriter {
  return addressRoute(verb, address, index, throughLink);
}

/** Sends everything that has no other way out through the link. */
export function defaultRoute(family: Family, index: number): MessageWriter {
  return route("add", family, 0, throughLink).u32(RTA_OIF, index);
}

interface Kind {
  readonly table: number;
  readonly scope: number;
  readonly type: number;
}

const throughLink: Kind = { table: RT_TABLE_MAIN, scope: RT_SCOPE_LINK, type: RTN_UNICAST };

function addressRoute(verb: Verb, address: Address, index: number, kind: Kind): MessageWriter {
  const family = familyOf(address);
  return route(verb, family, widthOf(family), kind).value(RTA_DST, addressBytes(address)).u32(RTA_OIF, index);
}

function route(verb: Verb, family: Family, bits: number, { table, scope, type: kind }: Kind): MessageWriter {
  const header = Uint8Array.of(AF[family], bits, 0, 0, table, RTPROT_STATIC, scope, kind, 0, 0, 0, 0);
  const flags = verb === "add" ? messageFlag.create | messageFlag.replace : 0;
  return request(verb === "add" ? type.newRoute : type.deleteRoute, flags).raw(header);
}

function request(kind: number, flags = 0): MessageWriter {
  return new MessageWriter(kind, messageFlag.request | messageFlag.ack | flags);
}

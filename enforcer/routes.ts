import { type Address, addressFromBytes } from "../core/address.ts";
import { SluiceError } from "../core/errors.ts";
import { Attributes } from "../core/netlink/attributes.ts";

// Links, addresses and routes, as far as they tell which address is behind or on which interface; include/uapi/linux/rtnetlink.h
// NEWLINK  => family pad type index flags change attribute*        ifinfomsg, 16 bytes
//   index => i32    attribute 3 IFLA_IFNAME
// NEWADDR  => family prefix flags scope index attribute*         ifaddrmsg, 8 bytes
//   each u8, index => u32    attribute 1 IFA_ADDRESS, 2 IFA_LOCAL: where there is a peer, the former is the peer's
// NEWROUTE => family dst_len src_len tos table protocol scope type flags attribute*      rtmsg, 12 bytes
//   each u8, flags => u32    attribute 1 RTA_DST, 4 RTA_OIF, 5 RTA_GATEWAY, 18 RTA_VIA

export const request = { links: 18, addresses: 22, routes: 26 } as const;
const headerBytes = { links: 16, addresses: 8, routes: 12 } as const;
const [AF_INET, AF_INET6] = [2, 10];
const RT_TABLE_MAIN = 254;
const RTN_UNICAST = 1;

interface Framed {
  readonly start: number;
  readonly end: number;
}

export interface Link {
  readonly index: number;
  readonly name: string;
}

/** An address, and the interface that it is on or, of a route, directly behind. */
export interface Placed {
  readonly address: Address;
  readonly interface: number;
}

export function decodeLink(bytes: Buffer, framed: Framed): Link {
  demand(framed, headerBytes.links, "link");
  const attributes = new Attributes("link", bytes, framed.start + headerBytes.links, framed.end);
  let name = "";
  while (attributes.next()) if (attributes.type === 3) name = attributes.text();
  attributes.finish();
  return { index: bytes.readInt32LE(framed.start + 4), name };
}

/** Undefined for every other route: to networks, by a gateway, of other tables, local or unreachable ones. */
export function decodeHostRoute(bytes: Buffer, framed: Framed): Placed | undefined {
  demand(framed, headerBytes.routes, "route");
  const at = (offset: number) => bytes.readUInt8(framed.start + offset);
  const length = at(0) === AF_INET ? 4 : at(0) === AF_INET6 ? 16 : 0;
  if (length === 0 || at(1) !== length * 8 || at(4) !== RT_TABLE_MAIN || at(7) !== RTN_UNICAST) return undefined;
  return hostRoute(new Attributes("route", bytes, framed.start + headerBytes.routes, framed.end), length);
}

function hostRoute(attributes: Attributes, length: 4 | 16): Placed | undefined {
  let [address, index, direct]: [Address | undefined, number | undefined, boolean] = [undefined, undefined, true];
  while (attributes.next())
    switch (attributes.type) {
      case 1:
        if (attributes.has(length)) address = addressFromBytes(attributes.bytes, attributes.start, length);
        break;
      case 4:
        index = attributes.u32();
        break;
      case 5:
      case 18:
        direct = false;
        break;
    }
  attributes.finish();
  return direct && address !== undefined && index !== undefined ? { address, interface: index } : undefined;
}

/** Undefined for what is no IP address. */
export function decodeOwnAddress(bytes: Buffer, framed: Framed): Placed | undefined {
  demand(framed, headerBytes.addresses, "address");
  const family = bytes.readUInt8(framed.start);
  const length = family === AF_INET ? 4 : family === AF_INET6 ? 16 : 0;
  const attributes = new Attributes("address", bytes, framed.start + headerBytes.addresses, framed.end);
  let [address, local]: [Address | undefined, Address | undefined] = [undefined, undefined];
  while (attributes.next()) {
    const isWhole = (attributes.type === 1 || attributes.type === 2) && length > 0 && attributes.has(length);
    if (!isWhole) continue;
    const found = addressFromBytes(attributes.bytes, attributes.start, length as 4 | 16);
    if (attributes.type === 1) address = found;
    else local = found;
  }
  attributes.finish();
  const own = local ?? address;
  return own === undefined ? undefined : { address: own, interface: bytes.readUInt32LE(framed.start + 4) };
}

/** Payload of a dump request: a header of zeros, but for the family. */
export function dumpPayload(of: keyof typeof request, family: 4 | 6 | null): Uint8Array {
  const payload = new Uint8Array(headerBytes[of]);
  payload[0] = family === null ? 0 : family === 4 ? AF_INET : AF_INET6;
  return payload;
}

function demand({ start, end }: Framed, bytes: number, what: string): void {
  if (end - start < bytes) throw new SluiceError("DECODE_FAILED", `a ${what} of ${end - start} bytes`);
}

import { type Address, addressFromBytes } from "../core/address.ts";
import { SluiceError } from "../core/errors.ts";
import { Attributes } from "../core/netlink/attributes.ts";

// Links and routes, as far as they tell which address is behind which interface; include/uapi/linux/rtnetlink.h
// NEWLINK  => family pad type index flags change attribute*        ifinfomsg, 16 bytes
//   index => i32    attribute 3 IFLA_IFNAME
// NEWROUTE => family dst_len src_len tos table protocol scope type flags attribute*      rtmsg, 12 bytes
//   each u8, flags => u32    attribute 1 RTA_DST, 4 RTA_OIF, 5 RTA_GATEWAY, 18 RTA_VIA

export const request = { links: 18, routes: 26 } as const;
const linkHeaderBytes = 16;
const routeHeaderBytes = 12;
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

/** A route to a single address that is directly behind an interface. */
export interface HostRoute {
  readonly address: Address;
  readonly interface: number;
}

export function decodeLink(bytes: Buffer, framed: Framed): Link {
  demand(framed, linkHeaderBytes, "link");
  const attributes = new Attributes("link", bytes, framed.start + linkHeaderBytes, framed.end);
  let name = "";
  while (attributes.next()) if (attributes.type === 3) name = attributes.text();
  attributes.finish();
  return { index: bytes.readInt32LE(framed.start + 4), name };
}

/** Undefined for every other route: to networks, by a gateway, of other tables, local or unreachable ones. */
export function decodeHostRoute(bytes: Buffer, framed: Framed): HostRoute | undefined {
  demand(framed, routeHeaderBytes, "route");
  const at = (offset: number) => bytes.readUInt8(framed.start + offset);
  const length = at(0) === AF_INET ? 4 : at(0) === AF_INET6 ? 16 : 0;
  if (length === 0 || at(1) !== length * 8 || at(4) !== RT_TABLE_MAIN || at(7) !== RTN_UNICAST) return undefined;
  return hostRoute(new Attributes("route", bytes, framed.start + routeHeaderBytes, framed.end), length);
}

function hostRoute(attributes: Attributes, length: 4 | 16): HostRoute | undefined {
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

/** Payload of a dump request: a header of zeros, but for the family. */
export function dumpPayload(of: keyof typeof request, family: 4 | 6 | null): Uint8Array {
  const payload = new Uint8Array(of === "links" ? linkHeaderBytes : routeHeaderBytes);
  payload[0] = family === null ? 0 : family === 4 ? AF_INET : AF_INET6;
  return payload;
}

function demand({ start, end }: Framed, bytes: number, what: string): void {
  if (end - start < bytes) throw new SluiceError("DECODE_FAILED", `a ${what} of ${end - start} bytes`);
}

import { type Address, addressToBytes, familyOf, widthOf } from "../core/address.ts";
import { Attributes } from "../core/netlink/attributes.ts";
import { controlType, messageFlag } from "../core/netlink/message.ts";
import { MessageWriter } from "../core/netlink/message-writer.ts";
import { request } from "./routes.ts";

// By which interface the kernel sends to an address; include/uapi/linux/rtnetlink.h, as `ip route get` asks.
// GETROUTE => rtmsg attribute*       rtmsg => family dst_len src_len tos table protocol scope type flags      attribute 1 RTA_DST
// NEWROUTE => the same               attribute 4 RTA_OIF
const headerBytes = 12;
const [AF_INET, AF_INET6] = [2, 10];
const [RTA_DST, RTA_OIF] = [1, 4];
const RTN_UNICAST = 1;

export function linkQuestion(address: Address): MessageWriter {
  const family = familyOf(address);
  const header = new Uint8Array(headerBytes);
  header[0] = family === 4 ? AF_INET : AF_INET6;
  header[1] = widthOf(family);
  const bytes = addressToBytes(address).subarray(-widthOf(family) / 8);
  return new MessageWriter(request.routes, messageFlag.request).raw(header).value(RTA_DST, bytes);
}

/** Index of the interface; undefined: none leads to one machine of that address, or it is the node's own. */
export function linkAnswer(
  bytes: Buffer,
  { type, start, end }: { readonly type: number; readonly start: number; readonly end: number },
): number | undefined {
  if (type === controlType.error || end - start < headerBytes || bytes[start + 7] !== RTN_UNICAST) return undefined;
  const attributes = new Attributes("route", bytes, start + headerBytes, end);
  let index: number | undefined;
  while (attributes.next()) if (attributes.type === RTA_OIF) index = attributes.u32();
  attributes.finish();
  return index;
}

/** fe80::/10: every interface has such neighbours, and nothing in the address tells them apart. */
export function isLinkLocal(address: Address): boolean {
  return /^fe[89ab]/.test(address);
}

import { SluiceError } from "../errors.ts";
import { Attributes } from "./attributes.ts";
import { aligned, headerBytes, messageFlag } from "./message.ts";

// NLMSG_ERROR => error request attributes        include/uapi/linux/netlink.h, struct nlmsgerr
//   error => i32, 0 or -errno    request => nlmsghdr payload; only nlmsghdr if the flag `capped` is set
//   attributes => only if the flag `extended` is set: NLMSGERR_ATTR_MSG text, NLMSGERR_ATTR_OFFS u32
// NLMSG_DONE  => error attributes
const NLMSGERR_ATTR_MSG = 1;
const NLMSGERR_ATTR_OFFS = 2;

/** Far beyond what a request of ours has, and `aligned` is for numbers of 31 bits. */
const maxRequestBytes = 1 << 30;

/** What the kernel made of a request: `errno` is 0 for success. */
export interface Answer {
  readonly sequence: number;
  readonly errno: number;
  /** The kernel's own words (extended acknowledgement), often empty. */
  readonly message: string;
  /** Where in the request the kernel saw the fault, if it says. */
  readonly offset: number | null;
}

interface Framed {
  readonly flags: number;
  readonly sequence: number;
  readonly start: number;
  readonly end: number;
}

export function decodeError(bytes: Uint8Array, framed: Framed): Answer {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (framed.end - framed.start < 4 + headerBytes)
    throw new SluiceError("DECODE_FAILED", "netlink: an error message without the request it answers");
  const request = framed.start + 4;
  const length = view.getUint32(request, true);
  if (length > maxRequestBytes) throw new SluiceError("DECODE_FAILED", `netlink: an answer to ${length} bytes`);
  const repeated = framed.flags & messageFlag.capped ? headerBytes : aligned(length);
  return answer(bytes, framed, view.getInt32(framed.start, true), request + repeated);
}

export function decodeDone(bytes: Uint8Array, framed: Framed): Answer {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const error = framed.end - framed.start < 4 ? 0 : view.getInt32(framed.start, true);
  return answer(bytes, framed, error, framed.start + 4);
}

function answer(bytes: Uint8Array, framed: Framed, error: number, attributesAt: number): Answer {
  let message = "";
  let offset: number | null = null;
  if (framed.flags & messageFlag.extended && attributesAt <= framed.end) {
    const a = new Attributes("netlink acknowledgement", bytes, attributesAt, framed.end);
    while (a.next())
      if (a.type === NLMSGERR_ATTR_MSG) message = a.text();
      else if (a.type === NLMSGERR_ATTR_OFFS) offset = a.u32();
    a.finish();
  }
  return { sequence: framed.sequence, errno: error === 0 ? 0 : -error, message, offset };
}

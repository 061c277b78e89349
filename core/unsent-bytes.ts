import type { Socket } from "node:net";
import koffi from "koffi";
import { checked } from "./netlink/libc.ts";

const ioctl = koffi.load(null).func("int ioctl(int fd, unsigned long request, _Out_ int *value)");

/** tcp(7): what of the send queue the other end has not acknowledged. */
const SIOCOUTQ = 0x5411;

/** Bytes written to a TCP connection that the other end's kernel has not acknowledged; undefined if the socket has no descriptor any more. */
export function unsentBytes(socket: Socket): number | undefined {
  const { fd } = (socket as unknown as { readonly _handle?: { readonly fd?: number } | null })._handle ?? {};
  if (fd === undefined || fd < 0) return undefined;
  const value = [0];
  checked("ioctl SIOCOUTQ", ioctl(fd, SIOCOUTQ, value) as number);
  return value[0];
}

import { SluiceError } from "../errors.ts";
import { errorName, poll } from "./libc.ts";
import type { NetlinkSocket } from "./socket.ts";

// pollfd => fd events revents      poll(2)     fd => i32    events, revents => i16
const pollfdBytes = 8;
const POLLIN = 1;

/**
 * Blocks the calling thread until one of the sockets has something to read or has overrun, or the time is over. For worker
 * threads that do nothing else.
 */
export function waitForAny(sockets: readonly NetlinkSocket[], timeoutMs: number): void {
  const set = Buffer.alloc(pollfdBytes * sockets.length);
  for (const [index, { descriptor }] of sockets.entries()) {
    set.writeInt32LE(descriptor, pollfdBytes * index);
    set.writeInt16LE(POLLIN, pollfdBytes * index + 4);
  }
  if ((poll(set, sockets.length, timeoutMs) as number) >= 0) return;
  const errno = errorName();
  if (errno !== "EINTR") throw new SluiceError("NETLINK_FAILED", `poll: ${errno}`, { context: { errno } });
}

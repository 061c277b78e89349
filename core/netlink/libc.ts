import { constants } from "node:os";
import koffi from "koffi";
import { SluiceError } from "../errors.ts";

// The C library, of glibc or musl, as far as netlink needs it. See socket(7), netlink(7), setns(2), recvmmsg(2).
const libc = koffi.load(null);

export const socket = libc.func("int socket(int domain, int type, int protocol)");
export const bind = libc.func("int bind(int fd, const void *address, uint32 length)");
export const setsockopt = libc.func("int setsockopt(int fd, int level, int name, const void *value, uint32 length)");
export const getsockopt = libc.func("int getsockopt(int fd, int level, int name, void *value, void *length)");
export const sendto = libc.func(
  "int64 sendto(int fd, const void *data, size_t length, int flags, const void *to, uint32 toLength)",
);
export const recvmmsg = libc.func("int recvmmsg(int fd, void *vector, uint32 length, int flags, void *timeout)");
export const poll = libc.func("int poll(void *fds, unsigned long count, int timeoutMs)");
export const close = libc.func("int close(int fd)");
export const setns = libc.func("int setns(int fd, int type)");
export const open = libc.func("int open(const char *path, int flags)");
export const if_indextoname = libc.func("void *if_indextoname(uint32 index, void *name)");

// Where two names share a number (EAGAIN and EWOULDBLOCK) the first, which man pages use, comes last into the map.
const names = new Map(
  Object.entries(constants.errno)
    .map(([name, value]) => [value, name] as const)
    .reverse(),
);

/** Name of the last error of a call above on this thread, e.g. `ENOBUFS`. */
export function errorName(): string {
  return errnoName(koffi.errno());
}

/** Name of an error number (errno(3)). */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}

/** The result of a call, or NETLINK_FAILED naming the call when it is negative. */
export function checked(call: string, result: number): number {
  if (result >= 0) return result;
  const name = errorName();
  const code = name === "EPERM" || name === "EACCES" ? "PERMISSION_DENIED" : "NETLINK_FAILED";
  throw new SluiceError(code, `${call}: ${name}`, { context: { call, errno: name } });
}

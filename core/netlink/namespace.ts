import { stat } from "node:fs/promises";
import { SluiceError } from "../errors.ts";
import { checked, close, errorName, open, setns } from "./libc.ts";

const CLONE_NEWNET = 0x40000000;
const O_RDONLY_CLOEXEC = 0o2000000;

/** Where `ip netns` keeps its namespaces (ip-netns(8)). */
export function namespacePath(name: string): string {
  return `/run/netns/${name}`;
}

/**
 * Moves the calling thread, and only it, into a network namespace (setns(2)). For worker threads that open sockets.
 * Such a worker must use synchronous file access only, unless the main thread has started the thread pool of libuv before
 * (warmThreadPool): they share it, and a pool thread made here would be born in this namespace.
 */
export function enterNamespace(path: string): void {
  const fd = open(path, O_RDONLY_CLOEXEC) as number;
  if (fd < 0 && errorName() === "ENOENT")
    throw new SluiceError("DEPENDENCY_MISSING", `there is no network namespace ${path}`, { context: { path } });
  checked(`open ${path}`, fd);
  try {
    checked(`setns ${path}`, setns(fd, CLONE_NEWNET) as number);
  } finally {
    close(fd);
  }
}

/**
 * Starts libuv's thread pool in the calling thread's namespace: to be awaited on the main thread before a worker enters
 * another. The first use starts all threads of the pool at once (libuv, src/threadpool.c, init_threads).
 */
export async function warmThreadPool(): Promise<void> {
  await stat("/");
}

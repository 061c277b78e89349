import { readlinkSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import koffi from "koffi";
import { messageOf } from "../core/errors.ts";
import { checked } from "../core/netlink/libc.ts";

// A network namespace that nobody else has: it lives as long as this thread, and leaves nothing behind (unshare(2)).

const CLONE_NEWNET = 0x40000000;
const unshare = koffi.load(null).func("int unshare(int flags)");

// Without a listener the thread would end at once, and the namespace with it.
parentPort?.on("message", () => {});
try {
  checked("unshare CLONE_NEWNET", unshare(CLONE_NEWNET) as number);
  parentPort?.postMessage({ path: `/proc/${readlinkSync("/proc/thread-self")}/ns/net` });
} catch (thrown) {
  parentPort?.postMessage({ fault: messageOf(thrown) });
}

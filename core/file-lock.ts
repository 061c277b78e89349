import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import koffi from "koffi";
import { checked, errorName } from "./netlink/libc.ts";

const flock = koffi.load(null).func("int flock(int fd, int operation)");

// flock(2)
const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * Opens a file (making it if need be) and locks it for this process, or gives undefined if another one has it locked. The kernel gives
 * the lock up when the handle is closed or the process is gone, however it ended: no lock outlives its holder.
 */
export async function lockFile(path: string): Promise<FileHandle | undefined> {
  const file = await open(path, "a+", 0o644);
  const result: number = flock(file.fd, LOCK_EX | LOCK_NB);
  if (result >= 0) return file;
  const name = errorName();
  await file.close();
  if (name === "EAGAIN") return undefined;
  checked("flock", result);
  return undefined;
}

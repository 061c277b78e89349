import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { SluiceError } from "../core/errors.ts";
import { warmThreadPool } from "../core/netlink/namespace.ts";

/** An empty network namespace without a name, to try things in. */
export interface Scratch {
  /** For `NftAccess.in` and `print`. */
  readonly path: string;
  close(): Promise<void>;
}

/** Throws PERMISSION_DENIED without CAP_SYS_ADMIN. */
export async function openScratch(): Promise<Scratch> {
  await warmThreadPool();
  const worker = new Worker(new URL("./scratch-worker.ts", import.meta.url));
  const [answer] = (await once(worker, "message")) as [{ readonly path: string } | { readonly fault: string }];
  const close = async () => void (await worker.terminate());
  if ("path" in answer) return { path: answer.path, close };
  await close();
  const code = /EPERM|EACCES/.test(answer.fault) ? "PERMISSION_DENIED" : "NETLINK_FAILED";
  throw new SluiceError(code, `a network namespace to compare in cannot be made: ${answer.fault}`);
}

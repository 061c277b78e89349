import { spawnSync } from "node:child_process";
import { SluiceError } from "../core/errors.ts";

/** Has the program nft do all of a script, or nothing, in the calling thread's network namespace. `what`: for the message if it fails. */
export function runNftScript(script: string, what: string): void {
  const result = spawnSync("nft", ["-f", "-"], { input: script, encoding: "utf8" });
  if (result.error !== undefined)
    throw new SluiceError("DEPENDENCY_MISSING", `the program nft does not start: ${result.error.message}`, {
      cause: result.error,
    });
  if (result.status === 0) return;
  if (/Operation not permitted/.test(result.stderr))
    throw new SluiceError("PERMISSION_DENIED", `${what} cannot be loaded: CAP_NET_ADMIN is missing`);
  throw new SluiceError("NFT_FAILED", `${what} cannot be loaded: ${result.stderr.trim()}`);
}

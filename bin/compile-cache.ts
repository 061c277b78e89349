import { mkdirSync, realpathSync, statSync } from "node:fs";
import { constants, enableCompileCache } from "node:module";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { env, geteuid } from "node:process";

/**
 * From now on Node keeps what it makes of our modules, stripped of types and compiled, in the home of whoever runs us. The next process
 * begins in half the time, and without the stripper, with 35 MB less. What is not possible is left out: it is but a saving.
 */
export function keepCompiled(): void {
  // Then Node has seen to it.
  if (env["NODE_COMPILE_CACHE"] !== undefined) return;
  const folder = ownFolder(homeOfUser);
  if (folder === undefined || enableCompileCache(folder).status !== constants.compileCacheStatus.ENABLED) return;
  // By this threads and children know.
  env["NODE_COMPILE_CACHE"] = folder;
}

/** Not by HOME, which may name somebody else's. */
const homeOfUser = () => userInfo().homedir;

/** What lies there runs as we do, so it must be a folder that nobody but us (and root) can write to or put another in the place of. */
export function ownFolder(home: () => string): string | undefined {
  try {
    const folder = join(home(), ".cache", "sluice", "compiled");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = realpathSync(folder);
    return isOurs(path, false) ? path : undefined;
  } catch {
    return undefined;
  }
}

function isOurs(path: string, mayBeShared: boolean): boolean {
  const { uid, mode } = statSync(path);
  const isClosed = (mode & 0o022) === 0 || (mayBeShared && (mode & sticky) !== 0);
  if (!isClosed || (uid !== 0 && uid !== geteuid?.())) return false;
  const parent = dirname(path);
  return parent === path || isOurs(parent, true);
}

/** Of a folder as /tmp: others may not touch what is not theirs (inode(7)). */
const sticky = 0o1000;

import { readdir, readlink, stat } from "node:fs/promises";
import { namespacePath } from "../core/netlink/namespace.ts";
import { applyLinks } from "./command.ts";
import { namespacePrefix } from "./names.ts";

/** Removes every network namespace of a lab, whoever made it, and ends what runs inside. Links and routes go with them. */
export async function removeNamespaces(lab: string): Promise<void> {
  const names = await namespacesOf(lab);
  await endProcesses(names);
  await applyLinks({ namespace: null, lines: names.map((name) => `netns del ${name}`) });
}

/** Names of the network namespaces of a lab that exist now, sorted. */
async function namespacesOf(lab: string): Promise<string[]> {
  const all = await readdir("/run/netns").catch(() => []);
  return all.filter((name) => name.startsWith(namespacePrefix(lab))).sort();
}

/** Ends the processes whose main thread lives in one of these namespaces; without that the namespaces would stay, nameless. */
export async function endProcesses(namespaces: readonly string[]): Promise<void> {
  if (namespaces.length === 0) return;
  const inodes = new Set<string>();
  for (const name of namespaces) {
    const found = await stat(namespacePath(name)).catch(() => undefined);
    if (found !== undefined) inodes.add(`net:[${found.ino}]`);
  }
  for (const pid of await processIds()) if (inodes.has(await readlink(`/proc/${pid}/ns/net`).catch(() => ""))) end(pid);
}

async function processIds(): Promise<number[]> {
  return (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself in the meantime.
  }
}

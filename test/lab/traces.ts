import { readdir, readFile } from "node:fs/promises";
import { command } from "../../lab/command.ts";

/** What there is of a lab on this machine. */
export interface Traces {
  readonly namespaces: readonly string[];
  readonly files: readonly string[];
  readonly agents: readonly number[];
}

export async function tracesOf(lab: string): Promise<Traces> {
  const beginsWith = (start: string) => (name: string) => name.startsWith(start);
  return {
    namespaces: (await entries("/run/netns")).filter(beginsWith(`sluice-${lab}-`)),
    files: (await entries("/run/sluice-lab")).filter((name) => name === lab || name.startsWith(`${lab}.`)),
    agents: await agentsOf(lab),
  };
}

export const none: Traces = { namespaces: [], files: [], agents: [] };

/** Names of the links in the machine's own namespace, and its nft tables: the lab has no business there. */
export async function hostState(): Promise<string> {
  const links = await command("ip", ["-o", "-br", "link", "show"]);
  return `${links.replace(/ +\S*\n/g, "\n")}${await command("nft", ["list", "tables"])}`;
}

/** Agents know their lab by the cache that they share. */
async function agentsOf(lab: string): Promise<number[]> {
  const pids = (await entries("/proc")).filter((name) => /^\d+$/.test(name));
  const environments = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/environ`, "utf8").catch(() => "")));
  return pids.filter((_, index) => environments[index]?.includes(`/run/sluice-lab/${lab}/cache`)).map(Number);
}

async function entries(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

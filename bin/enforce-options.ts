import { type Command, InvalidArgumentError, Option } from "commander";
import type { Config } from "../core/config.ts";
import { SluiceError } from "../core/errors.ts";
import { namespacePath, warmThreadPool } from "../core/netlink/namespace.ts";
import { type NftAccess, openNft } from "../enforcer/nft-open.ts";
import { rights } from "./doctor/base.ts";
import { thisMachine } from "./doctor/machine.ts";
import { configOf } from "./options.ts";
import type { Rim } from "./rim.ts";

/** Options of every command of `sluice enforce` that is about one node. */
export interface NodeOptions {
  readonly node?: string;
  readonly namespace?: string;
  readonly config?: string;
}

export function addNodeOptions(command: Command): Command {
  return command
    .option("--node <name>", "which node of the objects; else that of the setting node.name")
    .option("--namespace <netns>", "the node's network namespace (ip netns), where it is not this process's")
    .option("--config <file>", "YAML file of settings (or SLUICE_CONFIG)");
}

export function nodeConfig({ config }: NodeOptions, { env }: Pick<Rim, "env">): Config {
  return configOf(config === undefined ? {} : { config }, env);
}

/** Null: this process's own. */
export function namespaceOf({ namespace }: NodeOptions): string | null {
  if (namespace === undefined) return null;
  if (namespace === "" || namespace.includes("/"))
    throw new SluiceError("USAGE", `--namespace ${namespace}: write a name as "ip netns list" prints it`);
  return namespacePath(namespace);
}

/** nftables of this machine for the time of some work. Throws PERMISSION_DENIED that says what is missing. */
export async function withNft<T>(config: Config, work: (access: NftAccess) => Promise<T>): Promise<T> {
  demandRights(config);
  await warmThreadPool();
  const access = await openNft();
  try {
    return await work(access);
  } finally {
    await access.close();
  }
}

function demandRights(config: Config): void {
  for (const { status, text, fix } of rights(thisMachine, config))
    if (status === "fail")
      throw new SluiceError(
        "PERMISSION_DENIED",
        `to ask the kernel, ${text}: ${fix}; "sluice enforce render" needs none`,
      );
}

export const limitOption = (): Option =>
  new Option("--limit <number>", "so many lines of each object are told").default(20).argParser((text) => {
    const limit = Number(text);
    if (/^\d+$/.test(text) && limit >= 1 && limit <= 1_000_000) return limit;
    throw new InvalidArgumentError("A number from 1 to 1000000 is needed.");
  });

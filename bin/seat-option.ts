import { Option } from "commander";
import { SluiceError } from "../core/errors.ts";
import { namespacePath } from "../core/netlink/namespace.ts";

/** A node of the cluster and where on this machine its network is. */
export interface Seat {
  readonly node: string;
  /** Null: this process's own network namespace. */
  readonly namespacePath: string | null;
}

export const seatOption = (): Option =>
  new Option("--seat <node=namespace>", "a node and its network namespace (ip netns); repeat it for several nodes")
    .argParser(addSeat)
    .default([], "the node of --node.name, in this process's namespace");

/** Those that were given; else this machine as one. */
export function seatsOf(given: readonly Seat[], node: string): readonly Seat[] {
  return given.length > 0 ? given : [{ node, namespacePath: null }];
}

function addSeat(text: string, seats: readonly Seat[]): readonly Seat[] {
  const [, node, namespace] = /^([a-z0-9](?:[-a-z0-9.]*[a-z0-9])?)=([^=/]+)$/.exec(text) ?? [];
  if (node === undefined || namespace === undefined)
    throw new SluiceError("USAGE", `--seat ${text}: write node=namespace, e.g. node-1=my-netns`);
  return [...seats, { node, namespacePath: namespacePath(namespace) }];
}

import type { Address } from "../core/address.ts";

/**
 * Which address is directly behind which interface of a node: the node's own view of where its pods are. A new Map if
 * anything changed since the last call, else the same one, so asking often is cheap.
 */
export interface Interfaces {
  read(): Promise<ReadonlyMap<Address, string>>;
}

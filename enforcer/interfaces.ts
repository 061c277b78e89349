import type { Address } from "../core/address.ts";

/** A node's own view of its links. */
export interface Links {
  /** Which address is directly behind which interface: where its pods are. */
  readonly behind: ReadonlyMap<Address, string>;
  /** Which of the node's own addresses is on which interface. */
  readonly own: ReadonlyMap<Address, string>;
}

export interface Interfaces {
  /** A new object if anything changed since the last call, else the same one, so asking often is cheap. */
  read(): Promise<Links>;
}

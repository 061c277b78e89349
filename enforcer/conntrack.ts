import type { Address } from "../core/address.ts";
import type { Tuple } from "../core/conntrack/tuple.ts";

/** A connection that the kernel follows, as far as it matters whether it may go on. */
export interface Connection {
  readonly id: number;
  readonly zone: number;
  /** As who opened it sent it, before any translation. */
  readonly original: Tuple;
  /** Who answers whom, after all translations. */
  readonly reply: Pick<Tuple, "source" | "sourcePort" | "destination" | "destinationPort">;
  /** Interfaces behind which the node finds who opened it and who answers, by its routes; null: they are not told, or it is itself. */
  readonly sourceLink: string | null;
  readonly destinationLink: string | null;
  /** Another connection announced it (IPS_EXPECTED), so it was accepted for that one's sake. */
  readonly isExpected: boolean;
}

export interface Connections {
  /** Without those that are over and only remembered (TIME_WAIT and CLOSE of TCP): nothing passes any more. */
  readonly all: Iterable<Connection>;
  /** The node's own. */
  readonly localAddresses: ReadonlySet<Address>;
}

/** The connection table of one node. Implementations: conntrack-kernel.ts, and one in memory for tests. */
export interface Conntrack {
  /** `links`: also behind which interfaces their ends are, which takes a question to the kernel for each address. */
  list(wanted: { readonly links: boolean }): Promise<Connections>;
  /** Forgets these, if they are still there; how many were. */
  delete(connections: readonly Connection[]): Promise<number>;
}

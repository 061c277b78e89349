import { parseAddress } from "../../core/address.ts";
import type { SluiceError } from "../../core/errors.ts";
import type { Connection, Connections, Conntrack } from "../../enforcer/conntrack.ts";

/** A connection table in memory. */
export class ConntrackMemory implements Conntrack {
  readonly connections = new Set<Connection>();
  /** How often it was listed, and whether with links the last time. */
  lists = 0;
  links = false;
  /** The next calls fail with these, one each. */
  readonly failures: SluiceError[] = [];
  readonly #localAddresses;

  constructor(...localAddresses: readonly string[]) {
    this.#localAddresses = new Set(localAddresses.map(parseAddress));
  }

  async list({ links }: { readonly links: boolean }): Promise<Connections> {
    await this.#failIfDue();
    this.lists += 1;
    this.links = links;
    return { all: [...this.connections], localAddresses: this.#localAddresses };
  }

  async delete(connections: readonly Connection[]): Promise<number> {
    await this.#failIfDue();
    return connections.filter((connection) => this.connections.delete(connection)).length;
  }

  async #failIfDue(): Promise<void> {
    await Promise.resolve();
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
  }
}

import type { SetId } from "../program.ts";
import type { Atoms } from "./atoms.ts";
import type { ConnectionSets, Connections } from "./connections.ts";
import { membersOf, type Situation } from "./situation.ts";

export type End = "source" | "destination";

/** Atoms by index. */
export type AtomGroup = ReadonlySet<number>;

/** What the sets of a Program hold in one situation, in terms of atoms. */
export class SetAtoms {
  readonly #number: number;
  readonly #situation: Situation;
  readonly #atoms: Atoms;
  readonly #sets: ConnectionSets;
  readonly #ports: Record<End, Map<SetId, ReadonlyMap<number, Connections>>> = {
    source: new Map(),
    destination: new Map(),
  };
  readonly #groups = new Map<SetId, readonly AtomGroup[]>();

  constructor(number: number, situation: Situation, atoms: Atoms, sets: ConnectionSets) {
    this.#number = number;
    this.#situation = situation;
    this.#atoms = atoms;
    this.#sets = sets;
  }

  /** Atoms whose addresses are in the set. */
  members(id: SetId): AtomGroup {
    return this.#atoms.membersOf(this.#number, id);
  }

  /** Connections from or to the ports that the set has for atoms; those without any are left out. */
  ports(id: SetId, end: End): ReadonlyMap<number, Connections> {
    const found = this.#ports[end].get(id) ?? this.#portsOf(id, end);
    this.#ports[end].set(id, found);
    return found;
  }

  /** Atoms for which the set has the same ports. */
  portGroups(id: SetId): readonly AtomGroup[] {
    const ports = this.ports(id, "destination");
    const groups = () => [...Map.groupBy(ports.keys(), (atom) => ports.get(atom)).values()];
    const found = this.#groups.get(id) ?? groups().map((group) => new Set(group));
    this.#groups.set(id, found);
    return found;
  }

  #portsOf(id: SetId, end: End): ReadonlyMap<number, Connections> {
    const found = new Map<number, Connections>();
    for (const { address, protocol, port } of membersOf(this.#situation, id).ports) {
      const { index } = this.#atoms.atomOf(address);
      const range = { from: port, to: port };
      const atPort = end === "source" ? this.#sets.sourcePort(range) : this.#sets.destinationPort(range);
      const one = this.#sets.intersect(this.#sets.protocol(protocol), atPort);
      found.set(index, this.#sets.union(found.get(index) ?? this.#sets.none, one));
    }
    return found;
  }
}

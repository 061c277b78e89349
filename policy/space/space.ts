import type { Address } from "../../core/address.ts";
import { hasPorts } from "../protocol.ts";
import type { Packet } from "../verdict.ts";
import { type Atom, Atoms } from "./atoms.ts";
import { ConnectionSets, type Connections, holdsConnection, isIcmp } from "./connections.ts";
import { Rows } from "./rows.ts";
import type { Situation } from "./situation.ts";

/**
 * All connections there can be, decided at once: every pair of atoms with the set of connections that is allowed between them, in each
 * of some situations. Exact, by set algebra; evaluate.ts decides the same, packet by packet.
 */
export class Space {
  readonly atoms: Atoms;
  readonly sets = new ConnectionSets();
  readonly #rows: Rows;

  constructor(...situations: readonly Situation[]) {
    this.atoms = new Atoms(situations);
    this.#rows = new Rows(situations, this.atoms, this.sets);
  }

  /**
   * What is allowed between those of the atoms that are not exempt from policy (a pod to itself, a node to its pods). Between atoms of
   * one address also if they are.
   */
  allowed(situation: number, source: Atom, destination: Atom): Connections {
    const [from, to] = [source.addresses[0], destination.addresses[0]];
    const exemption =
      (source.isSingle || destination.isSingle) && from !== undefined && to !== undefined
        ? this.#exemption(situation, from, to)
        : null;
    return this.#between(situation, source, destination, exemption);
  }

  /** Whether a packet is allowed, as `evaluatorOf` has it. */
  allows(situation: number, packet: Packet): boolean {
    const [source, destination] = [this.atoms.atomOf(packet.source), this.atoms.atomOf(packet.destination)];
    const exemption = this.#exemption(situation, packet.source, packet.destination);
    const allowed = this.#between(situation, source, destination, exemption);
    return holdsConnection(allowed, packet.protocol, ...coordinatesOf(packet));
  }

  /** Pairs of atoms between which the first two situations may differ. */
  *suspects(): Generator<readonly [source: Atom, destination: Atom]> {
    for (const family of [4, 6] as const) {
      const atoms = this.atoms.all.filter((atom) => atom.family === family);
      const suspected = new Set(atoms.filter((atom) => atom.isSingle || this.#hasChanged("ingress", atom)));
      for (const source of atoms) {
        const all = source.isSingle || this.#hasChanged("egress", source);
        for (const destination of all ? atoms : suspected) yield [source, destination];
      }
    }
  }

  /** Two addresses of the atoms that are not exempt in any situation; undefined if there are none. */
  pairOf(source: Atom, destination: Atom): readonly [Address, Address] | undefined {
    const [from, to] = [this.#addressesOf(source), this.#addressesOf(destination)];
    if (source.isSingle || destination.isSingle) return [from[0] as Address, to[0] as Address];
    for (const one of from)
      for (const other of to)
        if (this.atoms.owners.every((owners) => !owners.exemption(one, other))) return [one, other];
    return undefined;
  }

  #addressesOf(atom: Atom): readonly Address[] {
    return atom.addresses.length > 0 ? atom.addresses : [this.atoms.exampleOf(atom)];
  }

  #hasChanged(direction: "egress" | "ingress", atom: Atom): boolean {
    return this.#rows.of(0, direction, atom) !== this.#rows.of(1, direction, atom);
  }

  #exemption(situation: number, from: Address, to: Address): "self" | "own-node" | null {
    return this.atoms.owners[situation]?.exemption(from, to) ?? null;
  }

  #between(situation: number, source: Atom, destination: Atom, exemption: "self" | "own-node" | null): Connections {
    if (exemption === "self") return this.sets.all;
    const egress = this.#rows.of(situation, "egress", source).with(destination);
    if (exemption === "own-node") return egress;
    return this.sets.intersect(egress, this.#rows.of(situation, "ingress", destination).with(source));
  }
}

/** A packet's last two coordinates. */
function coordinatesOf({ protocol, sourcePort, destinationPort, icmp }: Packet): readonly [number, number] {
  if (hasPorts(protocol)) return [sourcePort, destinationPort];
  return isIcmp(protocol) && icmp !== null ? [icmp.type, icmp.code] : [0, 0];
}

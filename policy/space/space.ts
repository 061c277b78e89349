import type { Address } from "../../core/address.ts";
import { hasPorts } from "../protocol.ts";
import type { Packet } from "../verdict.ts";
import { type Atom, Atoms } from "./atoms.ts";
import { ConnectionSets, type Connections, holdsConnection, isIcmp } from "./connections.ts";
import type { Patience } from "./patience.ts";
import { Rows } from "./rows.ts";
import type { End } from "./set-atoms.ts";
import { meeting, type Share, type Shares } from "./shares.ts";
import type { Situation } from "./situation.ts";
import type { Ways } from "./ways.ts";

/**
 * All connections there can be, decided at once: every pair of atoms with the set of connections that is allowed between them, in each
 * of some situations. Exact, by set algebra; evaluate.ts decides the same, packet by packet.
 */
export class Space {
  readonly atoms: Atoms;
  readonly sets = new ConnectionSets();
  readonly #rows: Rows;
  /** By situation and index of an atom: the node, if there are host endpoints. */
  readonly #nodes: readonly (readonly (string | null)[])[];
  readonly #hasGuards: boolean;

  constructor(...situations: readonly Situation[]) {
    this.atoms = new Atoms(situations);
    this.#rows = new Rows(situations, this.atoms, this.sets);
    this.#nodes = this.atoms.ways.map((ways) =>
      this.atoms.all.map(({ addresses: [address] }) => (address === undefined ? null : ways.guardedNode(address))),
    );
    this.#hasGuards = this.#nodes.some((nodes) => nodes.some((node) => node !== null));
  }

  /**
   * What is met between those of the atoms that are not exempt from policy (a pod to itself, a node to its pods). Between atoms of
   * one address also if they are.
   */
  course(situation: number, source: Atom, destination: Atom): Course {
    const pair = this.#mayBeNear(situation, source, destination) ? this.pairOf(source, destination) : undefined;
    if (pair === undefined) return this.#afar(situation, source, destination);
    return this.#between(situation, [source, destination], pair);
  }

  /** The connections that all allow. */
  allowed(course: Course): Connections {
    return course.reduce((all, { allowed }) => this.sets.intersect(all, allowed), this.sets.all);
  }

  /** Who decides, in the end. Courses that are the same shares give the same. */
  decided(course: Course): readonly Share[] {
    const [first, ...rest] = course.map(({ all }) => all);
    if (first === undefined) return [{ connections: this.sets.all, action: "allow", by: [] }];
    return rest.reduce((shares, next) => meeting(shares, next, this.sets), first);
  }

  /** Both courses for those connections only that may be decided by other rules; undefined if there are none. */
  changed(before: Course, after: Course): readonly [Course, Course] | undefined {
    const connections = this.sets.intersect(this.#changedConnections(before, after), this.sets.usable);
    if (connections === this.sets.none) return undefined;
    const within = (shares: Shares) => shares.within(connections);
    return [before.map(within), after.map(within)];
  }

  /** All, where the courses cannot be compared. */
  #changedConnections(before: Course, after: Course): Connections {
    if (before.length !== after.length) return this.sets.all;
    return after.reduce(
      (changed, shares, at) => this.sets.union(changed, shares.changedFrom(before[at] as Shares)),
      this.sets.none,
    );
  }

  /** Whether a packet is allowed, as `evaluatorOf` has it. */
  allows(situation: number, packet: Packet): boolean {
    const pair = [packet.source, packet.destination] as const;
    const atoms = [this.atoms.atomOf(packet.source), this.atoms.atomOf(packet.destination)] as const;
    const allowed = this.allowed(this.#between(situation, atoms, pair));
    return holdsConnection(allowed, packet.protocol, ...coordinatesOf(packet));
  }

  /**
   * Visits each pair of atoms between which the first two situations allow different connections, until a visit returns true. What it is
   * given is as `course` has it: where all of a pair are exempt (`pairOf` finds none), it says what would be if they were not.
   */
  eachDifference(visit: Visitor<Connections>, patience?: Patience): void {
    this.eachChange((source, destination, before, after) => {
      patience?.check();
      const [was, is] = [this.allowed(before), this.allowed(after)];
      return was !== is && visit(source, destination, was, is);
    });
  }

  /** The same with each pair of atoms between which other rules have something to say. */
  eachChange(visit: Visitor<Course>): void {
    for (const family of [4, 6] as const) {
      const atoms = this.atoms.all.filter((atom) => atom.family === family);
      const changed = atoms.filter((atom) => this.#hasChanged("destination", atom));
      const neighbours = this.#neighbours(atoms);
      for (const source of atoms) {
        const near = this.#guardedNodes(source).flatMap((node) => neighbours.get(node) ?? []);
        const rest = near.length === 0 ? changed : [...new Set([...changed, ...near])];
        if (this.#compare(source, this.#hasChanged("source", source) ? atoms : rest, visit)) return;
      }
    }
  }

  /** True if a visit ended it. */
  #compare(source: Atom, destinations: readonly Atom[], visit: Visitor<Course>): boolean {
    return destinations.some((destination) =>
      visit(source, destination, this.course(0, source, destination), this.course(1, source, destination)),
    );
  }

  /** Two addresses of the atoms that are not exempt in any situation; undefined if there are none. */
  pairOf(source: Atom, destination: Atom): readonly [Address, Address] | undefined {
    const [from, to] = [this.#addressesOf(source), this.#addressesOf(destination)];
    if (source.isSingle || destination.isSingle) return [from[0] as Address, to[0] as Address];
    for (const one of from)
      for (const other of to) if (this.atoms.ways.every((ways) => !ways.exemption(one, other))) return [one, other];
    return undefined;
  }

  #addressesOf(atom: Atom): readonly Address[] {
    return atom.addresses.length > 0 ? atom.addresses : [this.atoms.exampleOf(atom)];
  }

  #hasChanged(end: End, atom: Atom): boolean {
    return atom.isSingle || this.#rows.of(0, end, atom) !== this.#rows.of(1, end, atom);
  }

  /** By nodes with host endpoints: what stays on one goes a way of its own. */
  #neighbours(atoms: readonly Atom[]): ReadonlyMap<string, readonly Atom[]> {
    const placed = atoms.flatMap((atom) => this.#guardedNodes(atom).map((node) => ({ node, atom })));
    const groups = Map.groupBy(placed, ({ node }) => node);
    return new Map([...groups].map(([node, members]) => [node, members.map(({ atom }) => atom)]));
  }

  #guardedNodes({ index }: Atom): readonly string[] {
    return [...new Set(this.#nodes.map((nodes) => nodes[index] ?? null))].filter((node) => node !== null);
  }

  /** Whether some of the pairs may be on one node, where that matters; then either all are or none is. */
  #mayBeNear(situation: number, source: Atom, destination: Atom): boolean {
    if (source.isSingle || destination.isSingle) return source.addresses.length > 0 && destination.addresses.length > 0;
    if (!this.#hasGuards) return false;
    const nodes = this.#nodes[situation] as readonly (string | null)[];
    const node = nodes[source.index] as string | null;
    return node !== null && node === nodes[destination.index];
  }

  #afar(situation: number, source: Atom, destination: Atom): Course {
    const departing = this.#rows.of(situation, "source", source).with(destination);
    return [departing, this.#rows.of(situation, "destination", destination).with(source)];
  }

  #between(
    situation: number,
    [source, destination]: readonly [Atom, Atom],
    [from, to]: readonly [Address, Address],
  ): Course {
    const ways = this.atoms.ways[situation] as Ways;
    if (ways.exemption(from, to) !== null) return [];
    if (!ways.areOnOneNode(from, to)) return this.#afar(situation, source, destination);
    return [this.#rows.along(situation, "source", source, ways.way(from, to)).with(destination)];
  }
}

/** What packets between two addresses meet, in order: at the one end, then at the other; nobody where they are exempt. */
export type Course = readonly Shares[];

/** Told of two atoms and what is between them in either situation; true ends it. */
type Visitor<Between> = (source: Atom, destination: Atom, before: Between, after: Between) => boolean;

/** A packet's last two coordinates. */
function coordinatesOf({ protocol, sourcePort, destinationPort, icmp }: Packet): readonly [number, number] {
  if (hasPorts(protocol)) return [sourcePort, destinationPort];
  return isIcmp(protocol) && icmp !== null ? [icmp.type, icmp.code] : [0, 0];
}

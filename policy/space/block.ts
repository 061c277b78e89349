import type { Instruction, Match, SetId } from "../program.ts";
import type { Atom } from "./atoms.ts";
import type { ConnectionSets, Connections } from "./connections.ts";

/** The instructions of a block, ready to be asked about pairs of atoms. */
export interface Block {
  readonly instructions: readonly ReadyInstruction[];
  /** Groups of atoms that the instructions tell apart, at the other end and at this one. */
  readonly peerTests: readonly PeerTest[];
  readonly ownTests: readonly PeerTest[];
}

export type PeerTest = ReadonlySet<number>;

export interface ReadyInstruction {
  readonly verdict: Instruction["verdict"];
  /** The connections between two atoms that it is about. */
  readonly about: (ends: { readonly own: Atom; readonly peer: Atom }) => Connections;
}

/** What the sets of a Program hold in one situation, in terms of atoms. */
export interface SetMembers {
  readonly members: (id: SetId) => ReadonlySet<number>;
  /** Connections to (or from) the ports that the set has for an atom; none if it has none. */
  readonly ports: (id: SetId, end: "source" | "destination") => ReadonlyMap<number, Connections>;
}

type Side = "own" | "peer";
type Test = (ends: { readonly own: Atom; readonly peer: Atom }) => boolean;

export function readyBlock(
  instructions: readonly Instruction[],
  ownEnd: "source" | "destination",
  known: SetMembers,
  sets: ConnectionSets,
): Block {
  const sideOf = (end: "source" | "destination"): Side => (end === ownEnd ? "own" : "peer");
  const tests: Record<Side, Set<PeerTest>> = { own: new Set(), peer: new Set() };
  const ready = instructions.map(({ when, verdict }) => {
    const parts = when.map((match) => readyMatch(match, { sideOf, tests, known, sets }));
    return { verdict, about: conjunction(parts, sets) };
  });
  return { instructions: ready, peerTests: [...tests.peer], ownTests: [...tests.own] };
}

/** A match as a question about the two atoms, as a fixed set of connections, or as one that depends on an atom's named ports. */
type ReadyMatch =
  | { readonly test: Test }
  | { readonly fixed: Connections }
  | { readonly varying: (ends: { readonly own: Atom; readonly peer: Atom }) => Connections };

interface Surroundings {
  readonly sideOf: (end: "source" | "destination") => Side;
  /** Collects what tells atoms apart. */
  readonly tests: Record<Side, Set<PeerTest>>;
  readonly known: SetMembers;
  readonly sets: ConnectionSets;
}

function conjunction(parts: readonly ReadyMatch[], sets: ConnectionSets): ReadyInstruction["about"] {
  const tests = parts.flatMap((part) => ("test" in part ? [part.test] : []));
  const varying = parts.flatMap((part) => ("varying" in part ? [part.varying] : []));
  const fixed = parts
    .flatMap((part) => ("fixed" in part ? [part.fixed] : []))
    .reduce((all, one) => sets.intersect(all, one), sets.all);
  return (ends) => {
    if (!tests.every((test) => test(ends))) return sets.none;
    return varying.reduce((all, one) => sets.intersect(all, one(ends)), fixed);
  };
}

function readyMatch(match: Match, { sideOf, tests, known, sets }: Surroundings): ReadyMatch {
  switch (match.field) {
    case "family":
      return { test: ({ peer }) => peer.family === match.is };
    case "protocol":
      return { fixed: negatedWithin(sets.all, sets.protocol(match.is), match.not, sets) };
    case "icmp":
      return { fixed: negatedWithin(sets.icmp, sets.icmpType(match.type, match.code), match.not, sets) };
    case "source":
    case "destination": {
      const side = sideOf(match.field);
      const members = known.members(match.in);
      tests[side].add(members);
      return { test: (ends) => members.has(ends[side].index) !== match.not };
    }
    case "sourcePort":
    case "destinationPort":
      return readyPorts(match, { sideOf, tests, known, sets });
  }
}

type PortMatch = Extract<Match, { field: "sourcePort" | "destinationPort" }>;

function readyPorts(
  { field, ranges, named, not }: PortMatch,
  { sideOf, tests, known, sets }: Surroundings,
): ReadyMatch {
  const end = field === "sourcePort" ? "source" : "destination";
  const side = sideOf(end);
  const numbered = ranges.map((range) => sets[field](range)).reduce((all, one) => sets.union(all, one), sets.none);
  if (named.length === 0) return { fixed: negatedWithin(sets.withPorts, numbered, not, sets) };
  const ports = named.map((id) => known.ports(id, end));
  for (const byAtom of ports)
    for (const group of Map.groupBy(byAtom.keys(), (atom) => byAtom.get(atom)).values())
      tests[side].add(new Set(group));
  return {
    varying: (ends) => {
      const own = ports.map((byAtom) => byAtom.get(ends[side].index) ?? sets.none);
      const found = own.reduce((all, one) => sets.union(all, one), numbered);
      return negatedWithin(sets.withPorts, found, not, sets);
    },
  };
}

function negatedWithin(all: Connections, found: Connections, not: boolean, sets: ConnectionSets): Connections {
  return not ? sets.subtract(all, found) : found;
}

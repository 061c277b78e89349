import type { Instruction, Match, SetId } from "../program.ts";
import type { Atom } from "./atoms.ts";
import type { ConnectionSets, Connections } from "./connections.ts";
import type { AtomGroup, End, SetAtoms } from "./set-atoms.ts";

/** Two atoms as the policies of one end see them: themselves and whom they have to do with. */
export interface Ends {
  readonly own: Atom;
  readonly peer: Atom;
}

export interface ReadyInstruction {
  readonly id: Instruction["id"];
  readonly verdict: Instruction["verdict"];
  /** The connections between two atoms that it is about. */
  readonly about: (ends: Ends) => Connections;
}

interface Surroundings {
  /** At which end of a packet is whoever the block applies to. */
  readonly own: End;
  readonly known: SetAtoms;
  readonly sets: ConnectionSets;
}

/** A block in one situation. Most are never walked, so each part is made when it is asked for. */
export class Block {
  /** Blocks that do the same have the same. */
  readonly number: number;
  readonly #source: readonly Instruction[];
  readonly #around: Surroundings;
  #instructions: readonly ReadyInstruction[] | undefined;
  #ownGroups: readonly AtomGroup[] | undefined;
  #peerGroups: readonly AtomGroup[] | undefined;

  constructor(number: number, source: readonly Instruction[], around: Surroundings) {
    this.number = number;
    this.#source = source;
    this.#around = around;
  }

  get instructions(): readonly ReadyInstruction[] {
    this.#instructions ??= this.#source.map(({ id, when, verdict }) => ({
      id,
      verdict,
      about: conjunction(
        when.map((match) => readyMatch(match, this.#around)),
        this.#around.sets,
      ),
    }));
    return this.#instructions;
  }

  /** Groups of atoms that the instructions tell from others, at this end. */
  get ownGroups(): readonly AtomGroup[] {
    this.#ownGroups ??= this.#groupsAt(this.#around.own);
    return this.#ownGroups;
  }

  /** The same at the other end. */
  get peerGroups(): readonly AtomGroup[] {
    this.#peerGroups ??= this.#groupsAt(this.#around.own === "source" ? "destination" : "source");
    return this.#peerGroups;
  }

  #groupsAt(end: End): readonly AtomGroup[] {
    const { known } = this.#around;
    const matches = this.#source.flatMap(({ when }) => when);
    return [
      ...new Set(
        matches.flatMap((match) => {
          if (match.field === end) return [known.members(match.in)];
          return match.field === `${end}Port` ? namedIn(match).flatMap((id) => known.portGroups(id)) : [];
        }),
      ),
    ];
  }
}

function namedIn(match: Match): readonly SetId[] {
  return match.field === "sourcePort" || match.field === "destinationPort" ? match.named : [];
}

/** A match as a question about the two atoms, as a fixed set of connections, or as one that depends on an atom's named ports. */
type ReadyMatch =
  | { readonly test: (ends: Ends) => boolean }
  | { readonly fixed: Connections }
  | { readonly varying: (ends: Ends) => Connections };

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

function readyMatch(match: Match, { own, known, sets }: Surroundings): ReadyMatch {
  switch (match.field) {
    case "family":
      return { test: ({ peer }) => peer.family === match.is };
    case "protocol":
      return { fixed: negatedWithin(sets.all, sets.protocol(match.is), match.not, sets) };
    case "icmp":
      return { fixed: negatedWithin(sets.icmp, sets.icmpType(match.type, match.code), match.not, sets) };
    case "source":
    case "destination": {
      const side = match.field === own ? "own" : "peer";
      const members = known.members(match.in);
      return { test: (ends) => members.has(ends[side].index) !== match.not };
    }
    case "sourcePort":
    case "destinationPort":
      return readyPorts(match, { own, known, sets });
  }
}

type PortMatch = Extract<Match, { field: "sourcePort" | "destinationPort" }>;

function readyPorts({ field, ranges, named, not }: PortMatch, { own, known, sets }: Surroundings): ReadyMatch {
  const end = field === "sourcePort" ? "source" : "destination";
  const side = end === own ? "own" : "peer";
  const numbered = ranges.map((range) => sets[field](range)).reduce((all, one) => sets.union(all, one), sets.none);
  if (named.length === 0) return { fixed: negatedWithin(sets.withPorts, numbered, not, sets) };
  const ports = named.map((id) => known.ports(id, end));
  return {
    varying: (ends) => {
      const named = ports.map((byAtom) => byAtom.get(ends[side].index) ?? sets.none);
      const found = named.reduce((all, one) => sets.union(all, one), numbered);
      return negatedWithin(sets.withPorts, found, not, sets);
    },
  };
}

function negatedWithin(all: Connections, found: Connections, not: boolean, sets: ConnectionSets): Connections {
  return not ? sets.subtract(all, found) : found;
}

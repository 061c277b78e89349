import type { Stage } from "../placement.ts";
import type { BlockId, Instruction, SetId } from "../program.ts";
import type { Hop, Visit } from "../route.ts";
import type { Atom, Atoms } from "./atoms.ts";
import { type Block, readyBlock } from "./block.ts";
import type { ConnectionSets, Connections } from "./connections.ts";
import { type ReadyHop, Row } from "./row.ts";
import { membersOf, type Situation, sameInstructions, sameMembers } from "./situation.ts";

interface NumberedBlock {
  readonly number: number;
  readonly block: Block;
  readonly instructions: readonly Instruction[];
}

export type End = "source" | "destination";

/**
 * The rows of all atoms in some situations. What does the same in two situations, as blocks and sets show it, is one Row: then nothing
 * is to be compared.
 */
export class Rows {
  readonly #situations: readonly Situation[];
  readonly #atoms: Atoms;
  readonly #sets: ConnectionSets;
  readonly #blocks: readonly Record<End, Map<BlockId, NumberedBlock>>[];
  readonly #rows = new Map<string, Row>();
  readonly #rowOf: readonly Record<End, Map<number, Row>>[];
  readonly #sameSets = new Map<string, boolean>();
  #count = 0;

  constructor(situations: readonly Situation[], atoms: Atoms, sets: ConnectionSets) {
    this.#situations = situations;
    this.#atoms = atoms;
    this.#sets = sets;
    this.#blocks = situations.map(() => ({ source: new Map(), destination: new Map() }));
    this.#rowOf = situations.map(() => ({ source: new Map(), destination: new Map() }));
  }

  /** What the policies that an atom's packets meet at its end make of connections with those who are elsewhere. */
  of(situation: number, end: End, atom: Atom): Row {
    const known = (this.#rowOf[situation] as Record<End, Map<number, Row>>)[end];
    const row = known.get(atom.index) ?? this.#usual(situation, end, atom);
    known.set(atom.index, row);
    return row;
  }

  /** The same along another way. */
  along(situation: number, end: End, atom: Atom, visits: readonly Visit[]): Row {
    const ready = visits.map((visit) => visit.map((hop) => this.#readyHop(situation, end, hop)));
    const key = `${end} ${ready.map((hops) => hops.map(({ key }) => key).join("+")).join("|")} ${ownKey(ready.flat(), atom)}`;
    const row = this.#rows.get(key) ?? new Row(atom, ready, this.#sets);
    this.#rows.set(key, row);
    return row;
  }

  #usual(situation: number, end: End, atom: Atom): Row {
    const [address, ways] = [atom.addresses[0], this.#atoms.ways[situation]];
    const none = address === undefined || ways === undefined;
    const visits = none ? [] : end === "source" ? ways.departure(address) : ways.arrival(address);
    return this.along(situation, end, atom, visits);
  }

  #readyHop(situation: number, end: End, { stages, list }: Hop) {
    const ready = stages.map((stage) => this.#readyStage(situation, end, stage));
    return { stages: ready, decides: list === "normal", key: ready.map(({ key }) => key).join(";") };
  }

  #readyStage(situation: number, end: End, { blocks, otherwise }: Stage) {
    const numbered = blocks.map(({ block }) => this.#block(situation, end, block));
    return {
      blocks: numbered.map(({ block }) => block),
      otherwise: otherwise.verdict,
      key: `${numbered.map(({ number }) => number).join()} ${otherwise.verdict}`,
    };
  }

  #block(situation: number, end: End, id: BlockId): NumberedBlock {
    const own = (this.#blocks[situation] as Record<End, Map<BlockId, NumberedBlock>>)[end];
    const found = own.get(id) ?? this.#sameBefore(situation, end, id) ?? this.#newBlock(situation, end, id);
    own.set(id, found);
    return found;
  }

  #newBlock(situation: number, end: End, id: BlockId): NumberedBlock {
    const instructions = this.#instructions(situation, id);
    const known = {
      members: (set: SetId) => this.#atoms.membersOf(situation, set),
      ports: (set: SetId, at: End) => this.#ports(situation, set, at),
    };
    const block = readyBlock(instructions, end, known, this.#sets);
    this.#count += 1;
    return { number: this.#count, block, instructions };
  }

  /** The block of that name of an earlier situation, if it does the same. */
  #sameBefore(situation: number, end: End, id: BlockId): NumberedBlock | undefined {
    const earlier = situation - 1;
    if (earlier < 0 || !this.#situations[earlier]?.program.blocks.has(id)) return undefined;
    const [mine, others] = [this.#instructions(situation, id), this.#instructions(earlier, id)];
    if (!sameInstructions(mine, others)) return undefined;
    if (!setsIn(mine).every((set) => this.#isSame(situation, set))) return undefined;
    return this.#block(earlier, end, id);
  }

  /** Whether a set has the same members as in the situation before. */
  #isSame(situation: number, id: SetId): boolean {
    const key = `${situation} ${id}`;
    const [now, earlier] = [this.#situations[situation], this.#situations[situation - 1]] as [Situation, Situation];
    const known = this.#sameSets.get(key) ?? sameMembers(membersOf(now, id), membersOf(earlier, id));
    this.#sameSets.set(key, known);
    return known;
  }

  #instructions(situation: number, id: BlockId): readonly Instruction[] {
    return this.#situations[situation]?.program.blocks.get(id) ?? [];
  }

  #ports(situation: number, id: SetId, end: End): ReadonlyMap<number, Connections> {
    const found = new Map<number, Connections>();
    for (const { address, protocol, port } of membersOf(this.#situations[situation] as Situation, id).ports) {
      const { index } = this.#atoms.atomOf(address);
      const range = { from: port, to: port };
      const atPort = end === "source" ? this.#sets.sourcePort(range) : this.#sets.destinationPort(range);
      const one = this.#sets.intersect(this.#sets.protocol(protocol), atPort);
      found.set(index, this.#sets.union(found.get(index) ?? this.#sets.none, one));
    }
    return found;
  }
}

/** What of an atom the stages look at. */
function ownKey(hops: readonly ReadyHop[], { index }: Atom): string {
  const blocks = hops.flatMap(({ stages }) => stages.flatMap((stage) => stage.blocks));
  const tests = blocks.flatMap(({ ownTests }) => ownTests);
  return tests.map((members) => (members.has(index) ? "1" : "0")).join("");
}

function setsIn(instructions: readonly Instruction[]): readonly SetId[] {
  return instructions.flatMap(({ when }) =>
    when.flatMap((match) => {
      if (match.field === "source" || match.field === "destination") return [match.in];
      return match.field === "sourcePort" || match.field === "destinationPort" ? match.named : [];
    }),
  );
}

import type { Stage } from "../placement.ts";
import type { BlockId, Direction, Instruction, SetId } from "../program.ts";
import type { Atom, Atoms } from "./atoms.ts";
import { type Block, readyBlock } from "./block.ts";
import type { ConnectionSets, Connections } from "./connections.ts";
import { Row } from "./row.ts";
import { membersOf, type Situation, sameInstructions, sameMembers } from "./situation.ts";

interface NumberedBlock {
  readonly number: number;
  readonly block: Block;
  readonly instructions: readonly Instruction[];
}

/**
 * The rows of all atoms in some situations. What does the same in two situations, as blocks and sets show it, is one Row: then nothing
 * is to be compared.
 */
export class Rows {
  readonly #situations: readonly Situation[];
  readonly #atoms: Atoms;
  readonly #sets: ConnectionSets;
  readonly #blocks: readonly Record<Direction, Map<BlockId, NumberedBlock>>[];
  readonly #rows = new Map<string, Row>();
  readonly #rowOf: readonly Record<Direction, Map<number, Row>>[];
  readonly #sameSets = new Map<string, boolean>();
  readonly #open: Row;
  #count = 0;

  constructor(situations: readonly Situation[], atoms: Atoms, sets: ConnectionSets) {
    this.#situations = situations;
    this.#atoms = atoms;
    this.#sets = sets;
    this.#blocks = situations.map(() => ({ egress: new Map(), ingress: new Map() }));
    this.#rowOf = situations.map(() => ({ egress: new Map(), ingress: new Map() }));
    this.#open = new Row(atoms.all[0] as Atom, [{ blocks: [], otherwise: "allow" }], sets);
  }

  /** What the policies of an atom (as source: egress) make of connections with others. */
  of(situation: number, direction: Direction, atom: Atom): Row {
    const known = this.#rowOf[situation] as Record<Direction, Map<number, Row>>;
    const row = known[direction].get(atom.index) ?? this.#make(situation, direction, atom);
    known[direction].set(atom.index, row);
    return row;
  }

  #make(situation: number, direction: Direction, atom: Atom): Row {
    const address = atom.addresses[0];
    const policyClass = address === undefined ? undefined : this.#atoms.owners[situation]?.classAt(address);
    const stages = policyClass?.[direction] ?? [];
    if (stages.length === 0) return this.#open;
    const ready = stages.map((stage) => this.#readyStage(situation, direction, stage));
    const key = `${direction} ${ready.map(({ key }) => key).join(";")} ${ownKey(ready, atom)}`;
    const row = this.#rows.get(key) ?? new Row(atom, ready, this.#sets);
    this.#rows.set(key, row);
    return row;
  }

  #readyStage(situation: number, direction: Direction, { blocks, otherwise }: Stage) {
    const numbered = blocks.map(({ block }) => this.#block(situation, direction, block));
    return {
      blocks: numbered.map(({ block }) => block),
      otherwise: otherwise.verdict,
      key: `${numbered.map(({ number }) => number).join()} ${otherwise.verdict}`,
    };
  }

  #block(situation: number, direction: Direction, id: BlockId): NumberedBlock {
    const own = (this.#blocks[situation] as Record<Direction, Map<BlockId, NumberedBlock>>)[direction];
    const found = own.get(id) ?? this.#sameBefore(situation, direction, id) ?? this.#newBlock(situation, direction, id);
    own.set(id, found);
    return found;
  }

  #newBlock(situation: number, direction: Direction, id: BlockId): NumberedBlock {
    const instructions = this.#instructions(situation, id);
    const known = {
      members: (set: SetId) => this.#atoms.membersOf(situation, set),
      ports: (set: SetId, end: "source" | "destination") => this.#ports(situation, set, end),
    };
    const block = readyBlock(instructions, direction, known, this.#sets);
    this.#count += 1;
    return { number: this.#count, block, instructions };
  }

  /** The block of that name of an earlier situation, if it does the same. */
  #sameBefore(situation: number, direction: Direction, id: BlockId): NumberedBlock | undefined {
    const earlier = situation - 1;
    if (earlier < 0 || !this.#situations[earlier]?.program.blocks.has(id)) return undefined;
    const [mine, others] = [this.#instructions(situation, id), this.#instructions(earlier, id)];
    if (!sameInstructions(mine, others)) return undefined;
    if (!setsIn(mine).every((set) => this.#isSame(situation, set))) return undefined;
    return this.#block(earlier, direction, id);
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

  #ports(situation: number, id: SetId, end: "source" | "destination"): ReadonlyMap<number, Connections> {
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
function ownKey(stages: readonly { readonly blocks: readonly Block[] }[], { index }: Atom): string {
  const tests = stages.flatMap(({ blocks }) => blocks.flatMap(({ ownTests }) => ownTests));
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

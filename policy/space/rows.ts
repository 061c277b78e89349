import type { Stage } from "../placement.ts";
import type { BlockId, Instruction, SetId } from "../program.ts";
import type { Hop, Visit } from "../route.ts";
import type { Atom, Atoms } from "./atoms.ts";
import { Block } from "./block.ts";
import type { ConnectionSets } from "./connections.ts";
import { Partition } from "./partition.ts";
import { type ReadyHop, Row } from "./row.ts";
import { type End, SetAtoms } from "./set-atoms.ts";
import { ShareBook } from "./shares.ts";
import { membersOf, type Situation, sameInstructions, sameMembers } from "./situation.ts";

/** What is ready of one situation, for packets that the endpoint sends or gets. */
interface Ready {
  readonly blocks: Map<BlockId, Block>;
  readonly lists: Map<readonly Stage[], NumberedList>;
  /** By index of an atom. */
  readonly rows: Row[];
}

interface Numbered {
  /** Those that do the same have the same. */
  readonly key: string;
}

type NumberedList = Numbered & Pick<ReadyHop, "stages">;
type NumberedHop = Numbered & ReadyHop;

/**
 * The rows of all atoms in some situations. What does the same in two situations by the same rules, as blocks and sets show it, is one
 * Row: then nothing is to be compared.
 */
export class Rows {
  readonly #situations: readonly Situation[];
  readonly #atoms: Atoms;
  readonly #sets: ConnectionSets;
  readonly #book: ShareBook;
  readonly #setAtoms: readonly SetAtoms[];
  readonly #ready: readonly Record<End, Ready>[];
  readonly #families: Partition;
  readonly #rows = new Map<string, Row>();
  readonly #sameSets = new Map<string, boolean>();
  #count = 0;

  constructor(situations: readonly Situation[], atoms: Atoms, sets: ConnectionSets) {
    this.#situations = situations;
    this.#atoms = atoms;
    this.#sets = sets;
    this.#book = new ShareBook(sets);
    this.#setAtoms = situations.map((situation, number) => new SetAtoms(number, situation, atoms, sets));
    this.#families = new Partition(atoms.all.length);
    this.#families.splitBy(atoms.all.map(({ family }) => family));
    const nothing = (): Ready => ({ blocks: new Map(), lists: new Map(), rows: [] });
    this.#ready = situations.map(() => ({ source: nothing(), destination: nothing() }));
  }

  /** What the policies that an atom's packets meet at its end make of connections with those who are elsewhere. */
  of(situation: number, end: End, atom: Atom): Row {
    const { rows } = this.#readyIn(situation, end);
    const row = rows[atom.index] ?? this.#usual(situation, end, atom);
    rows[atom.index] = row;
    return row;
  }

  /** The same along another way. */
  along(situation: number, end: End, atom: Atom, visits: readonly Visit[]): Row {
    const ready = visits.map((visit) => visit.map((hop) => this.#hop(situation, end, hop)));
    const lists = ready.map((hops) => hops.map(({ key }) => key).join("+")).join("|");
    const key = `${end} ${lists} ${ownKey(ready.flat(), atom)}`;
    const row = this.#rows.get(key) ?? new Row(atom, ready, this.#families, this.#book);
    this.#rows.set(key, row);
    return row;
  }

  #usual(situation: number, end: End, atom: Atom): Row {
    const [address, ways] = [atom.addresses[0], this.#atoms.ways[situation]];
    if (address === undefined || ways === undefined) return this.along(situation, end, atom, []);
    return this.along(situation, end, atom, [end === "source" ? ways.departure(address) : ways.arrival(address)]);
  }

  #readyIn(situation: number, end: End): Ready {
    return (this.#ready[situation] as Record<End, Ready>)[end];
  }

  #hop(situation: number, end: End, { stages, list, unless, sets, skips }: Hop): NumberedHop {
    const known = this.#list(situation, end, stages);
    const key = `${unless} ${sets} ${skips} ${known.key}`;
    return { stages: known.stages, decides: list === "normal", unless, sets, skips, key };
  }

  #list(situation: number, end: End, stages: readonly Stage[]): NumberedList {
    const { lists } = this.#readyIn(situation, end);
    const known = lists.get(stages);
    if (known !== undefined) return known;
    const ready = stages.map(({ blocks, otherwise }) => ({
      blocks: blocks.map(({ block }) => this.#block(situation, end, block)),
      otherwise,
    }));
    const keys = ready.map(
      ({ blocks, otherwise: { id, verdict } }) => `${blocks.map(({ number }) => number).join()} ${id} ${verdict}`,
    );
    const list = { stages: ready, key: keys.join(";") };
    lists.set(stages, list);
    return list;
  }

  #block(situation: number, end: End, id: BlockId): Block {
    const { blocks } = this.#readyIn(situation, end);
    const found = blocks.get(id) ?? this.#sameBefore(situation, end, id) ?? this.#newBlock(situation, end, id);
    blocks.set(id, found);
    return found;
  }

  #newBlock(situation: number, own: End, id: BlockId): Block {
    this.#count += 1;
    const known = this.#setAtoms[situation] as SetAtoms;
    return new Block(this.#count, this.#instructions(situation, id), { own, known, sets: this.#sets });
  }

  /** The block of that name of the situation before, if it does the same. */
  #sameBefore(situation: number, end: End, id: BlockId): Block | undefined {
    const earlier = situation - 1;
    if (earlier < 0 || !this.#situations[earlier]?.program.blocks.has(id)) return undefined;
    const [mine, others] = [this.#instructions(situation, id), this.#instructions(earlier, id)];
    if (!sameInstructions(mine, others)) return undefined;
    return setsIn(mine).every((set) => this.#isSame(situation, set)) ? this.#block(earlier, end, id) : undefined;
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
}

/** What of an atom the lists look at. */
function ownKey(hops: readonly ReadyHop[], { index }: Atom): string {
  const blocks = hops.flatMap(({ stages }) => stages.flatMap((stage) => stage.blocks));
  const groups = blocks.flatMap(({ ownGroups }) => ownGroups);
  return groups.map((group) => (group.has(index) ? "1" : "0")).join("");
}

function setsIn(instructions: readonly Instruction[]): readonly SetId[] {
  return instructions.flatMap(({ when }) =>
    when.flatMap((match) => {
      if (match.field === "source" || match.field === "destination") return [match.in];
      return match.field === "sourcePort" || match.field === "destinationPort" ? match.named : [];
    }),
  );
}

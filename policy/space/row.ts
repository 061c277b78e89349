import type { Stage } from "../placement.ts";
import type { Atom } from "./atoms.ts";
import type { Block, PeerTest } from "./block.ts";
import type { ConnectionSets, Connections } from "./connections.ts";
import { Partition } from "./partition.ts";

/** A stage whose blocks are ready to be walked. */
export interface ReadyStage {
  readonly blocks: readonly Block[];
  readonly otherwise: Stage["otherwise"]["verdict"];
}

/** What a walk through stages makes of all connections at once. */
export interface Outcome {
  readonly allowed: Connections;
  /** What no stage decided about. */
  readonly undecided: Connections;
}

/** What the policies of one end, in one direction, make of connections with everybody. */
export class Row {
  readonly #own: Atom;
  readonly #stages: readonly ReadyStage[];
  readonly #sets: ConnectionSets;
  readonly #outcomes = new Map<number, Outcome>();
  #peers: Partition | undefined;

  constructor(own: Atom, stages: readonly ReadyStage[], sets: ConnectionSets) {
    this.#own = own;
    this.#stages = stages;
    this.#sets = sets;
  }

  /** What is allowed with the peer. Peers that no rule tells apart share the answer. */
  with(peer: Atom): Connections {
    this.#peers ??= this.#dividePeers();
    const cell = this.#peers.cellOf(peer.index) * 2 + (peer.family === 4 ? 0 : 1);
    const known = this.#outcomes.get(cell);
    if (known !== undefined) return known.allowed;
    const outcome = walk(this.#stages, { own: this.#own, peer }, this.#sets);
    // The last stage's default neither passes nor logs (compile.ts), so connections that fall out mean a broken Program.
    if (outcome.undecided !== this.#sets.none) throw new Error("no stage decided");
    this.#outcomes.set(cell, outcome);
    return outcome.allowed;
  }

  #dividePeers(): Partition {
    const partition = new Partition();
    const tests = new Set<PeerTest>(this.#stages.flatMap(({ blocks }) => blocks.flatMap(({ peerTests }) => peerTests)));
    for (const group of tests) partition.split(group);
    return partition;
  }
}

export interface Ends {
  readonly own: Atom;
  readonly peer: Atom;
}

/** Takes all connections between two atoms through the stages; at each instruction those it is about leave or go on. */
function walk(stages: readonly ReadyStage[], ends: Ends, sets: ConnectionSets): Outcome {
  let [allowed, arriving] = [sets.none, sets.all];
  for (const { blocks, otherwise } of stages) {
    let [here, next] = [arriving, sets.none];
    for (const { instructions } of blocks)
      for (const instruction of instructions) {
        if (instruction.verdict === "log" || here === sets.none) continue;
        const hit = sets.intersect(here, instruction.about(ends));
        here = sets.subtract(here, hit);
        if (instruction.verdict === "allow") allowed = sets.union(allowed, hit);
        if (instruction.verdict === "next") next = sets.union(next, hit);
      }
    if (otherwise === "allow") allowed = sets.union(allowed, here);
    arriving = otherwise === "next" || otherwise === "log" ? sets.union(next, here) : next;
  }
  return { allowed, undecided: arriving };
}

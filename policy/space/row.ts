import type { Stage } from "../placement.ts";
import type { Atom } from "./atoms.ts";
import type { Block, Ends } from "./block.ts";
import type { ConnectionSets, Connections } from "./connections.ts";
import type { Partition } from "./partition.ts";

/** A stage whose blocks are ready to be walked. */
export interface ReadyStage {
  readonly blocks: readonly Block[];
  readonly otherwise: Stage["otherwise"]["verdict"];
}

/** What a walk through stages makes of all connections at once. */
interface Outcome {
  readonly allowed: Connections;
  /** What no stage decided about. */
  readonly undecided: Connections;
}

/** One list of an endpoint, ready to be walked. */
export interface ReadyHop {
  readonly stages: readonly ReadyStage[];
  /** The last of an endpoint that has the last word; others may leave connections to what comes after them. */
  readonly decides: boolean;
}

/** What the policies that packets meet at one end, list by list, make of connections with everybody. */
export class Row {
  readonly #own: Atom;
  readonly #visits: readonly (readonly ReadyHop[])[];
  readonly #families: Partition;
  readonly #sets: ConnectionSets;
  /** By cell of `#peers`. */
  readonly #allowed: Connections[] = [];
  #peers: Partition | undefined;

  /** `families` divides all atoms by family. */
  constructor(own: Atom, visits: readonly (readonly ReadyHop[])[], families: Partition, sets: ConnectionSets) {
    this.#own = own;
    this.#visits = visits;
    this.#families = families;
    this.#sets = sets;
  }

  /** What is allowed with the peer. Peers that no rule tells apart share the answer. */
  with(peer: Atom): Connections {
    this.#peers ??= this.#dividePeers();
    const cell = this.#peers.cellOf(peer.index);
    const known = this.#allowed[cell];
    if (known !== undefined) return known;
    const allowed = this.#meet({ own: this.#own, peer });
    this.#allowed[cell] = allowed;
    return allowed;
  }

  /** Every endpoint on the way must allow it. */
  #meet(ends: Ends): Connections {
    return this.#visits.reduce(
      (allowed, hops) => this.#sets.intersect(allowed, visit(hops, ends, this.#sets)),
      this.#sets.all,
    );
  }

  #dividePeers(): Partition {
    const partition = this.#families.copy();
    const blocks = this.#visits.flat().flatMap(({ stages }) => stages.flatMap(({ blocks }) => blocks));
    for (const group of new Set(blocks.flatMap(({ peerGroups }) => peerGroups))) partition.split(group);
    return partition;
  }
}

/** Of the lists of one endpoint the first that decides counts. What none decides about goes on. */
function visit(hops: readonly ReadyHop[], ends: Ends, sets: ConnectionSets): Connections {
  let [allowed, arriving] = [sets.none, sets.all];
  for (const { stages, decides } of hops) {
    const outcome = walk(stages, ends, sets);
    allowed = sets.union(allowed, sets.intersect(arriving, outcome.allowed));
    arriving = sets.intersect(arriving, outcome.undecided);
    // The last stage's default neither passes nor logs (compile.ts), so connections that fall out mean a broken Program.
    if (decides && arriving !== sets.none) throw new Error("no stage decided");
  }
  return sets.union(allowed, arriving);
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

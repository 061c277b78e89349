import type { RuleId } from "../../core/rule-id.ts";
import type { Stage } from "../placement.ts";
import type { Hop } from "../route.ts";
import type { Atom } from "./atoms.ts";
import type { Block, Ends } from "./block.ts";
import type { ConnectionSets, Connections } from "./connections.ts";
import type { Partition } from "./partition.ts";
import { only, type Share, type ShareBook, Shares, shareKey } from "./shares.ts";

/** A stage whose blocks are ready to be walked. */
export interface ReadyStage {
  readonly blocks: readonly Block[];
  readonly otherwise: Stage["otherwise"];
}

/** What a walk through stages makes of all connections at once. */
interface Outcome {
  readonly decided: readonly Share[];
  /** What no stage decided about. */
  readonly undecided: Connections;
}

/** One list of an endpoint, ready to be walked. */
export interface ReadyHop extends Pick<Hop, "unless" | "sets" | "skips"> {
  readonly stages: readonly ReadyStage[];
  /** The last of an endpoint that has the last word; others may leave connections to what comes after them. */
  readonly decides: boolean;
}

/** What the policies that packets meet at one end, list by list, make of connections with everybody. */
export class Row {
  readonly #own: Atom;
  readonly #visits: readonly (readonly ReadyHop[])[];
  readonly #families: Partition;
  readonly #book: ShareBook;
  /** By cell of `#peers`. */
  readonly #shares: Shares[] = [];
  #peers: Partition | undefined;

  /** `families` divides all atoms by family. */
  constructor(own: Atom, visits: readonly (readonly ReadyHop[])[], families: Partition, book: ShareBook) {
    this.#own = own;
    this.#visits = visits;
    this.#families = families;
    this.#book = book;
  }

  /** What they make of connections with the peer. Peers that no rule tells apart share the answer. */
  with(peer: Atom): Shares {
    this.#peers ??= this.#dividePeers();
    const cell = this.#peers.cellOf(peer.index);
    const known = this.#shares[cell];
    if (known !== undefined) return known;
    const shares = new Shares(this.#meet({ own: this.#own, peer }), this.#book);
    this.#shares[cell] = shares;
    return shares;
  }

  /** Every endpoint on the way must allow it. */
  #meet(ends: Ends): readonly Share[] {
    const { sets } = this.#book;
    const all: readonly Share[] = [{ connections: sets.all, action: "allow", by: [] }];
    return this.#visits.reduce((shares, hops) => visit(shares, hops, ends, sets), all);
  }

  #dividePeers(): Partition {
    const partition = this.#families.copy();
    const blocks = this.#visits.flat().flatMap(({ stages }) => stages.flatMap(({ blocks }) => blocks));
    for (const group of new Set(blocks.flatMap(({ peerGroups }) => peerGroups))) partition.split(group);
    return partition;
  }
}

/** Connections on their way through a visit, with the bits that are set for them (`Hop`). */
interface Going extends Share {
  readonly settled: number;
}

/** What the hops of a visit, one after the other, make of shares. */
function visit(
  shares: readonly Share[],
  hops: readonly ReadyHop[],
  ends: Ends,
  sets: ConnectionSets,
): readonly Share[] {
  let going = shares.map((share): Going => ({ ...share, settled: 0 }));
  for (const hop of hops) {
    const isAsked = ({ action, settled }: Going) => action === "allow" && (settled & hop.unless) === 0;
    const arriving = going.reduce((all, one) => (isAsked(one) ? sets.union(all, one.connections) : all), sets.none);
    if (arriving === sets.none) continue;
    const outcome = walk(hop.stages, arriving, ends, sets);
    // The last stage's default neither passes nor logs (compile.ts), so connections that fall out mean a broken Program.
    if (hop.decides && outcome.undecided !== sets.none) throw new Error("no stage decided");
    going = going.flatMap((one) => (isAsked(one) ? answered(one, hop, outcome, sets) : [one]));
  }
  return hops.length > 1 ? merged(going, sets) : going.map(withoutBits);
}

function answered(one: Going, hop: ReadyHop, { decided, undecided }: Outcome, sets: ConnectionSets): readonly Going[] {
  const parts = decided.map(({ connections, action, by }): Going => {
    if (action === "deny") return { connections, action, by, settled: 0 };
    return { connections, action, by: hop.skips ? one.by : [...one.by, ...by], settled: one.settled | hop.sets };
  });
  return [...parts, { ...one, connections: undecided }].flatMap((part) => only(part, one.connections, sets));
}

function withoutBits({ connections, action, by }: Going): Share {
  return { connections, action, by };
}

/** Those with one fate by the word of the same rules, whichever way they went. */
function merged(going: readonly Going[], sets: ConnectionSets): readonly Share[] {
  const byRules = new Map<string, Share>();
  for (const one of going) {
    const key = shareKey(one);
    const known = byRules.get(key);
    const connections = known === undefined ? one.connections : sets.union(known.connections, one.connections);
    byRules.set(key, { ...withoutBits(one), connections });
  }
  return [...byRules.values()];
}

/** Takes connections between two atoms through the stages; at each instruction those it is about leave or go on. */
function walk(stages: readonly ReadyStage[], all: Connections, ends: Ends, sets: ConnectionSets): Outcome {
  const decided = new Decided(sets);
  let arriving = all;
  for (const { blocks, otherwise } of stages) {
    let [here, next] = [arriving, sets.none];
    for (const { instructions } of blocks)
      for (const { id, verdict, about } of instructions) {
        if (verdict === "log" || here === sets.none) continue;
        const hit = sets.intersect(here, about(ends));
        here = sets.subtract(here, hit);
        if (verdict === "next") next = sets.union(next, hit);
        else decided.add(verdict, id, hit);
      }
    const { id, verdict } = otherwise;
    if (verdict === "allow" || verdict === "deny") decided.add(verdict, id, here);
    arriving = verdict === "next" || verdict === "log" ? sets.union(next, here) : next;
  }
  return { decided: decided.shares, undecided: arriving };
}

/** Gathers what rules decide about. Several instructions may be of one rule; they stand side by side. */
class Decided {
  readonly shares: Share[] = [];
  readonly #sets: ConnectionSets;

  constructor(sets: ConnectionSets) {
    this.#sets = sets;
  }

  add(action: Share["action"], rule: RuleId, hit: Connections): void {
    if (hit === this.#sets.none) return;
    const last = this.shares.at(-1);
    if (last === undefined || last.action !== action || last.by[0] !== rule)
      this.shares.push({ connections: hit, action, by: [rule] });
    else this.shares[this.shares.length - 1] = { ...last, connections: this.#sets.union(last.connections, hit) };
  }
}

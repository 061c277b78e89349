import { SortedMap } from "../core/sorted-map.ts";
import type { Placement } from "./placement.ts";
import type { BlockId, Instruction, Program } from "./program.ts";
import { servicesOf } from "./service-sets.ts";
import { Whereabouts } from "./whereabouts.ts";

/** The ports divided where a Program, or a port that somebody declares, may tell one from the next. */
export class PortIntervals {
  /** By port, the number of its interval. */
  readonly #intervals: Uint16Array;

  constructor(program: Program, { endpoints, members }: Placement) {
    const declared = [...Whereabouts.of(endpoints).declaredPorts()];
    for (const id of servicesOf(program)) for (const { port } of members.get(id)?.ports ?? []) declared.push(port);
    this.#intervals = intervalsOf(edgesOf(program.blocks), declared);
  }

  /** From 0 on, ascending. */
  of(port: number): number {
    return this.#intervals[port] as number;
  }
}

const ports = 65_536;

/** By port, how many edges are at or below it; each of `declared` is an interval of its own. */
function intervalsOf(edges: Uint32Array, declared: readonly number[]): Uint16Array {
  const also = new Set(declared.flatMap((port) => [port, port + 1]));
  const intervals = new Uint16Array(ports);
  let interval = 0;
  for (let port = 0; port < ports; port++) {
    if (edges[port] !== 0 || also.has(port)) interval += 1;
    intervals[port] = interval;
  }
  return intervals;
}

type Blocks = Program["blocks"];

/** Where the ranges of some blocks begin, and where what comes after them does: how many do, by port. */
interface Edges {
  readonly blocks: WeakRef<Blocks>;
  readonly counts: Uint32Array;
}

/** Those asked for last. A change of policies makes another Program, and few other blocks: these become those of the next. */
let latest: Edges | undefined;

function edgesOf(blocks: Blocks): Uint32Array {
  const before = latest?.blocks.deref();
  const counts = latest === undefined || before === undefined ? undefined : followed(latest.counts, before, blocks);
  latest = { blocks: new WeakRef(blocks), counts: counts ?? allEdges(blocks) };
  return latest.counts;
}

function allEdges(blocks: Blocks): Uint32Array {
  const counts = new Uint32Array(ports + 1);
  for (const block of blocks.values()) count(counts, block, 1);
  return counts;
}

/** Undefined if that would not be quick. */
function followed(counts: Uint32Array, before: Blocks, blocks: Blocks): Uint32Array | undefined {
  if (before === blocks) return counts;
  if (!(before instanceof SortedMap) || !(blocks instanceof SortedMap)) return undefined;
  for (const { before: was, after: is } of (blocks as SortedMap<BlockId, readonly Instruction[]>).differences(before)) {
    if (was !== undefined) count(counts, was, -1);
    if (is !== undefined) count(counts, is, 1);
  }
  return counts;
}

function count(counts: Uint32Array, block: readonly Instruction[], by: 1 | -1): void {
  for (const { when } of block)
    for (const match of when)
      if (match.field === "sourcePort" || match.field === "destinationPort")
        for (const { from, to } of match.ranges) {
          counts[from] = (counts[from] as number) + by;
          counts[to + 1] = (counts[to + 1] as number) + by;
        }
}

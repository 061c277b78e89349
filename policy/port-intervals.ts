import type { Placement } from "./placement.ts";
import type { Instruction, Program } from "./program.ts";
import { servicesOf } from "./service-sets.ts";
import { Whereabouts } from "./whereabouts.ts";

/** The ports divided where a Program, or a port that somebody declares, may tell one from the next. */
export class PortIntervals {
  /** By port, the number of its interval. */
  readonly #intervals = new Uint16Array(ports);

  constructor(program: Program, { endpoints, members }: Placement) {
    const edges = edgesOf(program).slice();
    const add = (port: number) => addEdges(edges, port, port);
    for (const port of Whereabouts.of(endpoints).declaredPorts()) add(port);
    for (const id of servicesOf(program)) for (const { port } of members.get(id)?.ports ?? []) add(port);
    let interval = 0;
    for (let port = 0; port < ports; port++) {
      interval += edges[port] as number;
      this.#intervals[port] = interval;
    }
  }

  /** From 0 on, ascending. */
  of(port: number): number {
    return this.#intervals[port] as number;
  }
}

const ports = 65_536;

const known = new WeakMap<Program, Uint8Array>();

/** Where the ranges of a Program begin, and where what comes after them does. */
function edgesOf(program: Program): Uint8Array {
  const found = known.get(program);
  if (found !== undefined) return found;
  const edges = new Uint8Array(ports + 1);
  for (const block of program.blocks.values()) for (const edge of edgesIn(block)) edges[edge] = 1;
  known.set(program, edges);
  return edges;
}

// A change of policies makes another Program, and few other blocks.
const knownBlocks = new WeakMap<readonly Instruction[], readonly number[]>();

function edgesIn(block: readonly Instruction[]): readonly number[] {
  const found = knownBlocks.get(block);
  if (found !== undefined) return found;
  const edges = new Set<number>();
  for (const { when } of block)
    for (const match of when)
      if (match.field === "sourcePort" || match.field === "destinationPort")
        for (const { from, to } of match.ranges) edges.add(from).add(to + 1);
  const made = [...edges];
  knownBlocks.set(block, made);
  return made;
}

function addEdges(edges: Uint8Array, from: number, to: number): void {
  edges[from] = edges[to + 1] = 1;
}

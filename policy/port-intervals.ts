import type { Members, Placement } from "./placement.ts";
import type { Program, SetId } from "./program.ts";

/** The ports divided where a Program, or a port that somebody declares, may tell one from the next. */
export class PortIntervals {
  /** By port, the number of its interval. */
  readonly #intervals: Uint16Array;

  constructor(program: Program, { members }: Placement) {
    const edges = new Uint8Array(ports + 1);
    for (const { from, to } of rangesOf(program, members)) edges[from] = edges[to + 1] = 1;
    let interval = 0;
    this.#intervals = Uint16Array.from(edges.subarray(0, ports), (edge) => (interval += edge));
  }

  /** From 0 on, ascending. */
  of(port: number): number {
    return this.#intervals[port] as number;
  }
}

const ports = 65_536;

function* rangesOf({ blocks }: Program, members: Placement["members"]) {
  const named = new Set<SetId>();
  for (const block of blocks.values())
    for (const { when } of block)
      for (const match of when) {
        if (match.field !== "sourcePort" && match.field !== "destinationPort") continue;
        yield* match.ranges;
        for (const set of match.named) named.add(set);
      }
  // Many rules name the same set, and most of its members have the same port.
  for (const set of named) for (const port of portsOf(members.get(set))) yield { from: port, to: port };
}

const known = new WeakMap<Members, ReadonlySet<number>>();

/** Members never change, and most of them stay when a Placement is replaced. */
function portsOf(members: Members | undefined): ReadonlySet<number> {
  if (members === undefined) return new Set();
  const found = known.get(members) ?? new Set(members.ports.map(({ port }) => port));
  known.set(members, found);
  return found;
}

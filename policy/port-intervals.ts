import type { Placement } from "./placement.ts";
import type { Program } from "./program.ts";

/** The ports divided where a Program, or a port that somebody declares, may tell one from the next. */
export class PortIntervals {
  /** By port, the number of its interval. */
  readonly #intervals: Uint16Array;

  constructor({ blocks, sets }: Program, { endpoints, members }: Placement) {
    const edges = new Uint8Array(ports + 1);
    const add = (from: number, to: number) => {
      edges[from] = edges[to + 1] = 1;
    };
    for (const block of blocks.values())
      for (const { when } of block)
        for (const match of when)
          if (match.field === "sourcePort" || match.field === "destinationPort")
            for (const { from, to } of match.ranges) add(from, to);
    for (const endpoint of endpoints.values()) for (const { port } of endpoint.ports) add(port, port);
    for (const [id, { kind }] of sets)
      if (kind === "service") for (const { port } of members.get(id)?.ports ?? []) add(port, port);
    let interval = 0;
    this.#intervals = Uint16Array.from(edges.subarray(0, ports), (edge) => (interval += edge));
  }

  /** From 0 on, ascending. */
  of(port: number): number {
    return this.#intervals[port] as number;
  }
}

const ports = 65_536;

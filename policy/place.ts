import { Classes } from "./classes.ts";
import type { ProgramChange } from "./compiler.ts";
import { EntryIndex } from "./entry-index.ts";
import type { Endpoint, Placement } from "./placement.ts";
import { Population, type PopulationMovement, type Services } from "./population.ts";
import type { Program } from "./program.ts";
import { SetMembers } from "./set-members.ts";

/** Who gets which blocks, and who is in which set, for these endpoints just now. */
export function place(program: Program, endpoints: readonly Endpoint[], services: Services = new Map()): Placement {
  const [population, entries] = [new Population(), new EntryIndex()];
  for (const [place, entry] of program.applies.entries()) entries.add(entry, place);
  const placer = new Placer(population, entries);
  const selectors = new Set(program.applies.map(({ selector }) => selector));
  placer.use(program, { sets: new Set(program.sets.keys()), selectors });
  placer.move(population.update({ endpoints: new Map(endpoints.map((one) => [one.id, one])), services }));
  return placer.placement();
}

/** The Placement of one Program among a population, kept up to date. */
export class Placer {
  readonly #population: Population;
  readonly #classes: Classes;
  readonly #members: SetMembers;
  #placement: Placement | undefined;

  /** `entries` are those of the Program that is in use. */
  constructor(population: Population, entries: EntryIndex) {
    this.#population = population;
    this.#classes = new Classes(population.meant, entries);
    this.#members = new SetMembers(population);
  }

  /** The next Program, and how it differs from the one before. */
  use(program: Program, change: ProgramChange): void {
    this.#members.use(program.sets, change.sets);
    this.#classes.use(change.selectors);
  }

  move(movement: PopulationMovement): void {
    this.#members.move(movement);
    this.#classes.move(movement.endpoints);
  }

  /** As it is now: what comes later does not change it. The very same as long as nothing has changed. */
  placement(): Placement {
    const now: Placement = {
      ...this.#classes.current(),
      members: this.#members.current,
      endpoints: this.#population.endpoints,
    };
    if (this.#placement === undefined || !isSame(this.#placement, now)) this.#placement = now;
    return this.#placement;
  }

  close(): void {
    this.#members.close();
    this.#classes.close();
  }
}

function isSame(a: Placement, b: Placement): boolean {
  return a.classOf === b.classOf && a.members === b.members && a.endpoints === b.endpoints;
}

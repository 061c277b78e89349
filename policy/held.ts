import { EntryIndex } from "./entry-index.ts";
import { Placer } from "./place.ts";
import type { Placement } from "./placement.ts";
import type { Population, PopulationMovement } from "./population.ts";
import type { Program } from "./program.ts";

/** A Program that stays, whatever becomes of the policies, and its Placement among a population that goes on changing. */
export class Held {
  readonly program: Program;
  readonly #placer: Placer;

  constructor(population: Population, program: Program) {
    this.program = program;
    const entries = new EntryIndex();
    for (const [place, entry] of program.applies.entries()) entries.add(entry, place);
    this.#placer = new Placer(population, entries);
    const selectors = new Set(program.applies.map(({ selector }) => selector));
    this.#placer.use(program, { sets: new Set(program.sets.keys()), selectors });
    // Whom no selector selects has a class as well.
    this.#placer.move({
      endpoints: new Set(population.endpoints.keys()),
      selectors: new Set(),
      nodeSelectors: new Set(),
      services: new Set(),
    });
  }

  move(movement: PopulationMovement): void {
    this.#placer.move(movement);
  }

  placement(): Placement {
    return this.#placer.placement();
  }

  close(): void {
    this.#placer.close();
  }
}

import { Compiler } from "./compiler.ts";
import type { Policy, Tier } from "./model.ts";
import { Placer } from "./place.ts";
import type { Placement } from "./placement.ts";
import type { Population, PopulationMovement } from "./population.ts";
import type { Program, SetId } from "./program.ts";
import type { ProgramSettings } from "./program-settings.ts";

/** Some policies as a Program, and its Placement among a population; both kept up to date. */
export class View {
  readonly #compiler: Compiler;
  readonly #placer: Placer;
  /** What changed in the Program since the Placement was last asked for. */
  readonly #sets = new Set<SetId>();
  readonly #selectors = new Set<string>();

  constructor(population: Population, settings: ProgramSettings) {
    this.#compiler = new Compiler(settings);
    this.#placer = new Placer(population, this.#compiler.entries);
  }

  put(key: string, policy: Policy | undefined): void {
    this.#compiler.put(key, policy);
  }

  putTier(name: string, tier: Tier | undefined): void {
    this.#compiler.putTier(name, tier);
  }

  program(): Program {
    const { program, sets, selectors } = this.#compiler.update();
    for (const id of sets) this.#sets.add(id);
    for (const selector of selectors) this.#selectors.add(selector);
    return program;
  }

  /** Brings the Placement to the current Program. */
  settle(): void {
    const program = this.program();
    this.#placer.use(program, { sets: this.#sets, selectors: this.#selectors });
    this.#sets.clear();
    this.#selectors.clear();
  }

  move(movement: PopulationMovement): void {
    this.#placer.move(movement);
  }

  placement(): Placement {
    return this.#placer.placement();
  }

  /** Nobody asks any more: the population need not know whom its selectors select. */
  close(): void {
    this.#placer.close();
  }
}

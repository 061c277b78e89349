import type { Program } from "../policy/program.ts";
import type { Situation } from "../policy/space/situation.ts";
import type { HeldProgram, World } from "../policy/world.ts";

/** Programs by revision that are in force somewhere, whether the policies still say so or not, each with who is there now. */
export class HeldPrograms {
  readonly #world: World;
  readonly #programs = new Map<string, Program>();
  readonly #held = new Map<string, HeldProgram>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Of the revisions that are kept. */
  get programs(): readonly Program[] {
    return [...this.#programs.values()];
  }

  has(revision: string): boolean {
    return this.#programs.has(revision);
  }

  /** Knows a Program from now on, until `keep` says that nobody needs it. */
  learn(program: Program): void {
    this.#programs.set(program.revision, program);
  }

  /** Only these are needed. That of the policies as they are is the world's own; a Placement of any other is kept up to date beside. */
  keep(revisions: readonly (string | null | undefined)[]): void {
    const current = this.#world.program().revision;
    for (const revision of this.#programs.keys()) if (!revisions.includes(revision)) this.#programs.delete(revision);
    for (const [revision, held] of this.#held)
      if (revision === current || !this.#programs.has(revision)) {
        held.release();
        this.#held.delete(revision);
      }
    for (const [revision, program] of this.#programs)
      if (revision !== current && !this.#held.has(revision)) this.#held.set(revision, this.#world.hold(program));
  }

  situation(revision: string): Situation {
    const held = this.#held.get(revision);
    if (held !== undefined) return { program: held.program, placement: held.placement() };
    const program = this.#world.program();
    if (program.revision !== revision) throw new Error(`program ${revision} is not kept`);
    return { program, placement: this.#world.placement() };
  }
}

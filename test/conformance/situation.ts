import type { KubeObject } from "../../core/kube/objects.ts";
import type { Placement } from "../../policy/placement.ts";
import type { Program } from "../../policy/program.ts";
import { World } from "../../policy/world.ts";
import type { Connectivity } from "./case.ts";

export interface Situation {
  readonly program: Program;
  readonly placement: Placement;
  /** What would be if what is staged were in force. */
  readonly pending: Pick<Situation, "program" | "placement">;
  /** In words. */
  readonly refused: readonly string[];
}

/** What follows from some objects, and which of them are refused. */
export function situationOf(objects: Connectivity["resources"]): Situation {
  const world = new World();
  const faults = world.apply(objects.map((object) => ({ type: "upsert", object: object as KubeObject })));
  const refused = faults.flatMap(({ object, problems }) =>
    problems.map(({ field, message }) => `${object.kind} ${object.metadata.name} is refused: ${field}: ${message}`),
  );
  return { program: world.program(), placement: world.placement(), pending: world.pending(), refused };
}

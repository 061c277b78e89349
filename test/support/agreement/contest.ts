import { type Address, parseAddress } from "../../../core/address.ts";
import type { KubeObject } from "../../../core/kube/objects.ts";
import { World } from "../../../policy/world.ts";
import { type Trial, trialOf } from "../dataplane/trial.ts";

/** A world in a form that can be written down, and made smaller. */
export interface Contest {
  readonly objects: readonly KubeObject[];
  /** Outside addresses to which the second network leads. */
  readonly beyondSecond: readonly Address[];
}

/** Objects that are refused are not there. */
export function trialOfContest({ objects, beyondSecond }: Contest): Trial {
  const world = new World();
  world.apply(objects.map((object) => ({ type: "upsert", object })));
  return trialOf(world.program(), world.placement(), new Set(beyondSecond));
}

/** Where the two outside addresses of arbitrary-world.ts are: by turns beyond the one network and the other. */
export function outsideAt(turn: number): readonly Address[] {
  return turn % 2 === 0 ? [] : ["8.8.8.8", "2606::8"].map(parseAddress);
}

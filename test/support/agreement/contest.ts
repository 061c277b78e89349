import { type Address, parseAddress } from "../../../core/address.ts";
import type { KubeObject } from "../../../core/kube/objects.ts";
import { World } from "../../../policy/world.ts";
import { type Trial, trialOf } from "../dataplane/trial.ts";

/** A world in a form that can be written down, and made smaller. */
export interface Contest {
  readonly objects: readonly KubeObject[];
  /** Outside addresses to which the second network leads. */
  readonly beyondSecond: readonly Address[];
  readonly deny: "drop" | "reject";
}

/** Objects that are refused are not there. */
export function trialOfContest({ objects, beyondSecond, deny }: Contest): Trial {
  const world = new World();
  world.apply(objects.map((object) => ({ type: "upsert", object })));
  const options = { beyondSecond: new Set(beyondSecond), pending: world.pending(), deny };
  return trialOf(world.program(), world.placement(), options);
}

/** Worlds by turns have the two outside addresses of arbitrary-world.ts beyond the one network or the other, and are silent or answer what they deny. */
export function circumstancesAt(turn: number): Pick<Contest, "beyondSecond" | "deny"> {
  const beyondSecond = turn % 2 === 0 ? [] : ["8.8.8.8", "2606::8"].map(parseAddress);
  return { beyondSecond, deny: turn % 4 < 2 ? "drop" : "reject" };
}

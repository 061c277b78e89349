import { type Address, parseAddress } from "../../../core/address.ts";
import type { KubeObject } from "../../../core/kube/objects.ts";
import type { ProgramSettings } from "../../../policy/program-settings.ts";
import { World } from "../../../policy/world.ts";
import { type Trial, trialOf } from "../dataplane/trial.ts";

/** A world in a form that can be written down, and made smaller. */
export interface Contest {
  readonly objects: readonly KubeObject[];
  /** Outside addresses to which the second network leads. */
  readonly beyondSecond: readonly Address[];
  readonly deny: "drop" | "reject";
  readonly podToHost: ProgramSettings["podToHost"];
}

/** Objects that are refused are not there. */
export function trialOfContest({ objects, beyondSecond, deny, podToHost }: Contest): Trial {
  const world = new World({ podToHost });
  world.apply(objects.map((object) => ({ type: "upsert", object })));
  const options = { beyondSecond: new Set(beyondSecond), pending: world.pending(), deny };
  return trialOf(world.program(), world.placement(), options);
}

/**
 * Worlds by turns have the two outside addresses of arbitrary-world.ts beyond the one network or the other, are silent or answer what they
 * deny, and leave to host endpoints what pods send to their own node, or not.
 */
export function circumstancesAt(turn: number): Pick<Contest, "beyondSecond" | "deny" | "podToHost"> {
  const beyondSecond = turn % 2 === 0 ? [] : ["8.8.8.8", "2606::8"].map(parseAddress);
  const podToHost = (["policy", "deny", "policy", "allow", "deny"] as const)[turn % 5] ?? "policy";
  return { beyondSecond, deny: turn % 4 < 2 ? "drop" : "reject", podToHost };
}

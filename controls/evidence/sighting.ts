import type { Deed, DeedTarget } from "../../core/kube/deed.ts";

/** That an object is other than before, as list and watch saw it: somebody must have done it. */
export interface Sighting {
  readonly target: Pick<DeedTarget, "group" | "resource" | "namespace" | "name" | "uid">;
  readonly verb: "create" | "update" | "delete";
  /** What it has now; of what is gone, null. */
  readonly resourceVersion: string | null;
  /** It, with all that somebody may have asked for; null if it is gone or not known whole. */
  readonly after: unknown;
  /** When it was surely as before, and when it was found to be other; milliseconds since the epoch, by our clock. */
  readonly since: number;
  readonly foundAt: number;
}

/** Who did it, as far as anybody told. */
export interface Evidence {
  /**
   * `exact`: of just this change. `likely`: of one to that object at that time, by the only one who was there. `ambiguous`: several
   * might have done it, and `deed` is null.
   */
  readonly certainty: "exact" | "likely" | "ambiguous" | "none";
  readonly deed: Deed | null;
  /** What was done to the object meanwhile, before it was seen; where it is ambiguous, those of which one may have done it. */
  readonly also: readonly Deed[];
  /** What made the doer do it: the deletion of the namespace, where a controller tidied up. */
  readonly cause: Deed | null;
}

export const noEvidence: Evidence = { certainty: "none", deed: null, also: [], cause: null };

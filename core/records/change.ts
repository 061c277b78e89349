/** Something that protects the cluster was changed. Fields as in change.avsc; times in microseconds. */
export interface ChangeRecord {
  readonly id: string;
  readonly cluster: string;
  readonly node: string | null;
  readonly kind: "unknown" | "tamper" | "rollout" | "retention";
  readonly start: number;
  readonly foundAt: number;
  readonly end: number | null;
  readonly actor: Actor | null;
  readonly object: string;
  readonly summary: string;
  readonly diff: readonly string[];
  readonly outcome: "unknown" | "repaired" | "unrepaired";
  readonly outcomeDetail: string;
}

/** Who did it, as far as is known. */
export interface Actor {
  readonly pid: number | null;
  readonly program: string;
  readonly commandLine: string | null;
  readonly uid: number | null;
  readonly user: string | null;
  readonly login: string | null;
  readonly container: string | null;
  readonly ancestors: readonly string[];
}

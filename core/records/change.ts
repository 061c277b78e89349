/** Something that protects the cluster was changed. Fields as in change.avsc; times in microseconds. */
export interface ChangeRecord {
  readonly id: string;
  readonly cluster: string;
  readonly node: string | null;
  readonly kind: "unknown" | "tamper" | "rollout" | "retention" | "control";
  readonly start: number;
  readonly foundAt: number;
  readonly end: number | null;
  readonly actor: Actor | null;
  readonly object: string;
  readonly summary: string;
  readonly diff: readonly string[];
  readonly outcome: "unknown" | "repaired" | "unrepaired";
  readonly outcomeDetail: string;
  readonly request: ApiRequest | null;
  readonly control: ControlChange | null;
}

/** Who did it, as far as is known: a process, or who asked the API server. */
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

/** The request to the API server, beside its actor. */
export interface ApiRequest {
  readonly groups: readonly string[];
  readonly sourceAddress: string | null;
  readonly userAgent: string | null;
  readonly impersonatedBy: string | null;
  readonly fieldManager: string | null;
  readonly auditId: string | null;
}

/** An object of the API server that decides what is protected was changed, or somebody was refused it. */
export interface ControlChange {
  readonly verb: "unknown" | "create" | "update" | "delete";
  readonly refused: boolean;
  readonly foundAtStart: boolean;
  readonly subject: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
  readonly uid: string | null;
  readonly resourceVersionBefore: string | null;
  readonly resourceVersionAfter: string | null;
  readonly before: string | null;
  readonly after: string | null;
  readonly diff: readonly FieldChange[];
  readonly effect: readonly ReachChange[];
  readonly effectState: "unknown" | "exact" | "none" | "skipped";
  readonly moreOpens: number;
  readonly moreCloses: number;
  readonly effectWords: string;
  readonly programBefore: string | null;
  readonly programAfter: string | null;
  readonly authorised: "unknown" | "yes" | "no";
  readonly reasons: readonly string[];
  readonly notes: readonly string[];
}

/** JSON texts at a JSON pointer; null: not there. */
export interface FieldChange {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** Connections that everyone at one end gained or lost to everyone at the other. */
export interface ReachChange {
  readonly kind: "unknown" | "opens" | "closes";
  readonly from: ReachEnd;
  readonly to: ReachEnd;
  readonly family: number | null;
  readonly connections: string;
}

export interface ReachEnd {
  readonly words: string;
  readonly pods: readonly string[];
  readonly nodes: readonly string[];
  readonly hosts: readonly string[];
  readonly networks: readonly string[];
  readonly allNetworksBut: boolean;
}

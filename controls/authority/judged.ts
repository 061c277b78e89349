import type { Evidence } from "../evidence/sighting.ts";
import type { Delta } from "../watched/delta.ts";

/** A change of a control, as far as it matters to whether it was authorised. */
export interface JudgedChange extends Delta {
  /** Of its record. */
  readonly id: string;
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
  readonly uid: string | null;
  readonly refused: boolean;
  readonly foundAt: number;
  readonly evidence: Evidence;
}

export interface Judgement {
  /** `unknown`: no ChangePolicy is about it. */
  readonly authorised: "yes" | "no" | "unknown";
  readonly reasons: readonly Reason[];
  /** The earlier change that this one approves. */
  readonly approves: string | null;
}

export interface Reason {
  readonly code: ReasonCode;
  /** For people: `ChangePolicy security: …`. */
  readonly text: string;
}

/** `allowed` and `approves` speak for the change, all others against it, or say why nothing can be said. */
export type ReasonCode =
  | "allowed"
  | "approves"
  | "noPolicy"
  | "unreadablePolicy"
  | "refused"
  | "unknownActor"
  | "actor"
  | "freeze"
  | "window"
  | "ticket"
  | "approval";

export function reason(code: ReasonCode, text: string): Reason {
  return { code, text };
}

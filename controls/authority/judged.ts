import type { Evidence } from "../evidence/sighting.ts";

/** A change of a control, as far as it matters to whether it was authorised. */
export interface JudgedChange {
  /** Of its record. */
  readonly id: string;
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
  readonly uid: string | null;
  /** Of policies and tiers. */
  readonly tier: string | null;
  /** Null: there was none, or is none any more. */
  readonly before: Annotations | null;
  readonly after: Annotations | null;
  /** Whether anything but annotations is other than before. */
  readonly touchesContent: boolean;
  readonly refused: boolean;
  readonly foundAt: number;
  readonly evidence: Evidence;
}

export type Annotations = Readonly<Record<string, string>>;

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

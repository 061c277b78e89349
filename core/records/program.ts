import type { RuleId } from "../rule-id.ts";

/** One compiled set of policies. Fields as in program.avsc; times in microseconds. */
export interface ProgramRecord {
  readonly cluster: string;
  readonly revision: string;
  readonly start: number;
  readonly text: string;
  readonly rules: readonly RuleRecord[];
}

export interface RuleRecord {
  readonly id: RuleId;
  readonly tier: string;
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
  readonly direction: "egress" | "ingress";
  readonly action: "allow" | "deny" | "pass" | "log";
  readonly rule: number;
}

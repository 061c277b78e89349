import { textIn, within } from "../../core/kube/field.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Condition } from "../conditions.ts";

/** Of which policies a node has the rules in its kernel, as whoever enforces there says in a condition of its Node. */
export interface NodeReport {
  /** Of the Program; null: none, or its rules deny nothing. */
  readonly revision: string | null;
}

const type = "SluicePolicyEnforced";

/** Rules outlive whoever wrote them, so the condition stays true until somebody says otherwise. `reason` is one word. */
export function nodeCondition({ revision }: NodeReport, reason: string): Condition {
  return revision === null
    ? { type, status: "False", reason, message: "no rules that deny" }
    : { type, status: "True", reason, message: `revision ${revision}` };
}

/** Undefined if the node says nothing. */
export function nodeReport(node: KubeObject): NodeReport | undefined {
  const conditions = within(node["status"], "conditions");
  const ours = Array.isArray(conditions) ? conditions.find((one: unknown) => textIn(one, "type") === type) : undefined;
  if (ours === undefined) return undefined;
  const [, revision] = /^revision ([0-9a-f]+)$/.exec(textIn(ours, "message") ?? "") ?? [];
  return { revision: textIn(ours, "status") === "True" ? (revision ?? null) : null };
}

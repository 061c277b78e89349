import { kindName } from "../kind-names.ts";
import type { RuleOrigin } from "../program.ts";

/** By whose word connections are allowed or denied. */
export interface Decider extends Pick<RuleOrigin, "tier" | "kind" | "namespace" | "name"> {
  /** No rule of its tier matched, so the tier's default decides; it is the first policy there that applies. */
  readonly isDefault: boolean;
}

export function deciderOf({ tier, kind, namespace, name, rule }: RuleOrigin): Decider {
  return { tier, kind, namespace, name, isDefault: rule === -1 };
}

/** Where no policy is asked: a pod to itself, addresses that are nobody's. */
export const nobody: Decider = { tier: "", kind: "nobody", namespace: null, name: "nobody", isDefault: false };

export function isPolicy({ kind }: Pick<Decider, "kind">): boolean {
  return kindName(kind) !== kind;
}

export function deciderKey({ kind, namespace, name, isDefault }: Decider): string {
  return `${kind} ${namespace ?? ""}/${name} ${isDefault}`;
}

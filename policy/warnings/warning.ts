import type { Policy, PolicyKind, Rule } from "../model.ts";

/** Something in a policy that is probably not meant. The policy counts nevertheless. */
export interface Warning {
  readonly object: { readonly kind: PolicyKind; readonly namespace: string | null; readonly name: string };
  /** Path of the field, e.g. `spec.ingress[0].source`. */
  readonly field: string;
  readonly message: string;
}

export type Direction = "ingress" | "egress";
export const directions: readonly Direction[] = ["ingress", "egress"];

export function warning({ kind, namespace, name }: Policy, field: string, message: string): Warning {
  return { object: { kind, namespace, name }, field, message };
}

/** Where a kind says whom it is about. */
export function subjectField({ kind }: Policy): string {
  switch (kind) {
    case "np":
    case "gnp":
    case "snp":
    case "sgnp":
      return "spec.selector";
    case "knp":
    case "sknp":
      return "spec.podSelector";
    case "kcnp":
    case "kanp":
    case "kbanp":
      return "spec.subject";
  }
}

export function ruleField(direction: Direction, { index }: Rule): string {
  return `spec.${direction}[${index}]`;
}

/** All rules with their direction; several may stem from one that a user wrote. */
export function rulesOf(policy: Policy): readonly { readonly direction: Direction; readonly rule: Rule }[] {
  return directions.flatMap((direction) => (policy[direction] ?? []).map((rule) => ({ direction, rule })));
}

import type { RuleOrigin } from "./program.ts";
import type { Path, Step } from "./verdict.ts";

const kinds: Readonly<Record<string, string>> = {
  np: "NetworkPolicy",
  gnp: "GlobalNetworkPolicy",
  knp: "Kubernetes NetworkPolicy",
};

/** Resolves rule ids, e.g. `program.rules`. */
export interface RuleNames {
  get(id: Step["rule"]): RuleOrigin | undefined;
}

/** A path through the tiers in words, one line a step. */
export function explainPath(path: Path, rules: RuleNames): readonly string[] {
  return path.steps.map((step) => explainStep(step, rules));
}

function explainStep(step: Step, rules: RuleNames): string {
  const origin = rules.get(step.rule);
  if (origin === undefined) return `rule ${step.rule} (not in this program): ${step.action}`;
  if (origin.kind === "pro") return "no policy decided: pods may talk unless a policy says otherwise: allow";
  if (origin.rule === -1)
    return `tier ${origin.tier}: ${policyName(origin)} applies, but no rule of the tier matches: ${defaultOutcome(step)}`;
  return `tier ${origin.tier}: rule ${origin.rule} of ${policyName(origin)} matches: ${outcome(step)}`;
}

/** `NetworkPolicy prod-shop/app.api` */
function policyName({ kind, namespace, name }: RuleOrigin): string {
  return `${kinds[kind] ?? kind} ${namespace === null ? "" : `${namespace}/`}${name}`;
}

function outcome({ action }: Step): string {
  switch (action) {
    case "allow":
    case "deny":
      return action;
    case "pass":
      return "pass to the next tier";
    case "log":
      return "log and go on";
  }
}

function defaultOutcome({ action }: Step): string {
  return action === "pass" ? "its default passes to the next tier" : `its default is ${action}`;
}

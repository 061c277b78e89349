import { kindName, policyPath, policyTitle } from "./kind-names.ts";
import type { RuleOrigin } from "./program.ts";
import type { Path, Step } from "./verdict.ts";

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
  if (origin.kind === "pro") return profileWords(origin);
  if (origin.kind === "end") return "no policy about forwarded traffic decided: deny";
  if (origin.rule === -1)
    return `tier ${origin.tier}: ${policyTitle(origin)} applies, but no rule of the tier matches: ${defaultOutcome(step)}`;
  return `tier ${origin.tier}: rule ${origin.rule} of ${policyTitle(origin)} matches: ${outcome(step)}`;
}

/** What decides where no policy does. */
export function profileWords({ action, name }: Pick<RuleOrigin, "action" | "name">): string {
  if (name === "kns") return "no policy decided: pods may talk unless a policy says otherwise: allow";
  if (action === "allow") return "no policy decided: the host endpoint has a profile that allows: allow";
  return "no policy decided: a host endpoint without a profile that allows may not talk: deny";
}

/** The rule that decided, in short: `GlobalNetworkPolicy security.quarantine, rule 0`. */
export function ruleTitle(origin: RuleOrigin): string {
  if (origin.kind === "pro")
    return origin.action === "allow" ? "no policy (allowed by default)" : "no policy (denied by default)";
  if (origin.kind === "end") return "the end of what is forwarded";
  if (origin.rule === -1) return `default of tier ${origin.tier} (${policyTitle(origin)} applies)`;
  return `${kindName(origin.kind)} ${policyPath(origin)}, rule ${origin.rule}`;
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

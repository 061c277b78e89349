import type { RuleId } from "../core/rule-id.ts";
import { explainFailure } from "./explain-match.ts";
import { kindName, policyPath, policyTitle } from "./kind-names.ts";
import type { Program, RuleOrigin } from "./program.ts";
import type { ListTrace, PolicyTrace, RuleTrace, StageTrace } from "./trace.ts";

/** A stage in words: what became of the packet there, and of each policy and rule that did not decide why not. */
export interface StageWords {
  readonly title: string;
  readonly details: readonly string[];
}

/** A way through a list of an endpoint in words, tier by tier. */
export function explainList(
  { stages, packet }: ListTrace,
  { rules, sets }: Pick<Program, "rules" | "sets">,
): readonly StageWords[] {
  const originOf = (rule: RuleTrace["rule"]) => rules.get(rule);
  return stages.map((stage) => {
    const by = originOf(stage.by);
    const details =
      by === undefined || isBeyondPolicy(by) ? [] : stage.policies.flatMap((one) => detailsOf(one, stage.by));
    return { title: stageTitle(stage, by), details };
  });

  function detailsOf(one: PolicyTrace, decider: RuleId): readonly string[] {
    if (one.rules.length === 0) return [`${policyTitle(one.policy)} has no rules`];
    const others = one.rules.filter(({ rule }) => rule !== decider);
    return others.map((rule) => `${policyTitle(one.policy)} rule ${rule.index} ${ruleWords(rule)}`);
  }

  function ruleWords({ rule, outcome, because, notEnforced }: RuleTrace): string {
    const action = originOf(rule)?.action ?? "";
    if (outcome === "matched") return `matches: ${actionWords[action] ?? action}`;
    if (notEnforced.length > 0) return `matches nothing: ${notEnforced.join(" and ")} is not enforced`;
    const reasons = [...new Set(because.map((match) => explainFailure(match, packet, sets)))];
    return `(${action}) does not match: ${reasons.join("; ")}`;
  }
}

/** Profiles, settings, failsafe ports and the end of what is forwarded have no policies of anybody. */
const isBeyondPolicy = ({ kind }: RuleOrigin) => ["pro", "end", "failsafe", "setting"].includes(kind);

function stageTitle({ tier, outcome, by }: StageTrace, origin: RuleOrigin | undefined): string {
  if (origin === undefined) return `rule ${by} (not in this program): ${outcome}`;
  if (origin.kind === "failsafe") return failsafeWords(origin, outcome);
  if (origin.kind === "setting") return settingWords(origin);
  if (origin.kind === "pro") return profileWords(origin);
  if (origin.kind === "end") return "no policy about forwarded traffic decided: deny";
  if (origin.rule !== -1)
    return `tier ${tier}: rule ${origin.rule} of ${policyTitle(origin)} matches: ${actionWords[origin.action]}`;
  const end = outcome === "pass" ? "its default passes to the next tier" : `its default is ${outcome}`;
  return `tier ${tier}: ${policyTitle(origin)} applies, but no rule of the tier matches: ${end}`;
}

function failsafeWords({ name }: RuleOrigin, outcome: StageTrace["outcome"]): string {
  if (name === "failsafe")
    return outcome === "pass" ? "it is no failsafe port of the host" : `it is a failsafe port of the host: ${outcome}`;
  return outcome === "pass"
    ? "it answers no failsafe port"
    : "it looks like an answer of a failsafe port: what comes before connections are tracked is not asked";
}

function settingWords({ action, name }: RuleOrigin): string {
  return `pod to its own node is ${action === "deny" ? "denied" : "allowed"} by the setting ${name}`;
}

const actionWords: Readonly<Record<string, string>> = {
  allow: "allow",
  deny: "deny",
  pass: "pass to the next tier",
  log: "log and go on",
};

/** What decides where no policy does. */
function profileWords({ action, name }: RuleOrigin): string {
  if (name === "kns") return "no policy decided: pods may talk unless a policy says otherwise: allow";
  if (action === "allow") return "no policy decided: a profile of the host endpoint allows: allow";
  return "no policy decided: a host endpoint may not talk unless a profile or policy says so: deny";
}

/** The rule that decided, in short: `GlobalNetworkPolicy security.quarantine, rule 0`. */
export function ruleTitle(origin: RuleOrigin): string {
  switch (origin.kind) {
    case "pro":
      return origin.action === "allow" ? "no policy, allowed by default" : "no policy, denied by default";
    case "end":
      return "no policy about forwarded traffic, denied by default";
    case "failsafe":
      return "a failsafe port of the host";
    case "setting":
      return `the setting ${origin.name} (${origin.action})`;
  }
  if (origin.rule === -1) return `default of tier ${origin.tier} (${policyTitle(origin)} applies)`;
  return `${kindName(origin.kind)} ${policyPath(origin)}, rule ${origin.rule}`;
}

import { isHidden } from "../../core/flow-access/seen-flow.ts";
import type { EndReason, Flow } from "../../core/records/flow.ts";
import { type Decision, decisionOf, type Step } from "./decision.ts";
import { clean } from "./text.ts";

/** Why a flow was allowed or denied, in words. */
export interface Why {
  /** `security / dev-not-prod / rule 0`. */
  readonly short: string;
  /** What may follow where there is room, e.g. which policies had no rule that matched; empty if nothing. */
  readonly more: string;
  /** Tiers that passed the packet on before. */
  readonly passed: readonly string[];
}

const reasons: Readonly<Record<string, string>> = {
  "unknown-endpoint": "unknown endpoint",
  spoofed: "spoofed source address",
  invalid: "invalid packet",
  revoked: "connection revoked",
};

export function whyOf(flow: Flow): Why {
  const decision = decisionOf(flow);
  const health = [stagedText(flow), healthText(flow)].filter((part) => part !== "").join("; ");
  if (decision === undefined) return { short: withoutRule(flow), more: health, passed: [] };
  const { short, more } = wordsOf(decision);
  // What no kernel decided: an observing node, or a connection older than the rules.
  const wouldDeny = flow.action === "allow" && decision.step.action === "deny";
  const doubt = flow.verdictSource === "kernel" ? "" : "evaluated, not the kernel's word";
  return {
    short: clean(wouldDeny ? `would be denied: ${short}` : short),
    more: clean([more, doubt, health].filter((part) => part !== "").join("; ")),
    passed: decision.passed.map(clean),
  };
}

const tcp = 6;

const endings: Partial<Record<EndReason, string>> = {
  reset: "reset",
  refused: "refused",
  unanswered: "no answer",
  halfOpen: "handshake not completed",
  timedOut: "timed out",
  removed: "removed by the kernel",
  deleted: "deleted from the kernel's table",
};

/** What is not well with a connection; empty if nothing is known to be. */
export function healthText({ endReason, uncounted, ...flow }: Flow): string {
  const waits = flow.state === "open" && flow.protocol === tcp && !flow.replied && !uncounted;
  const ending = endReason === null ? (waits ? "no answer yet" : undefined) : endings[endReason];
  return [ending, uncounted ? "not counted by the kernel" : undefined].filter((part) => part !== undefined).join("; ");
}

/** What staged policies would change; empty if nothing. */
export function stagedText(flow: Flow): string {
  const decision = decisionOf({ ...flow, enforced: flow.pending });
  if (decision === undefined || flow.action === "unknown" || decision.step.action === flow.action) return "";
  return `staged policies would ${decision.step.action} it: ${wordsOf(decision).named}`;
}

/** The policy by name, for counting: `security / dev-not-prod / rule 0`, `spoofed source address`. */
export function policyText(flow: Flow): string {
  const decision = decisionOf(flow);
  return clean(decision === undefined ? withoutRule(flow) : wordsOf(decision).named);
}

function withoutRule(flow: Flow): string {
  if (flow.state !== "denied" && flow.related !== null) return "announced by a connection that passed";
  if (flow.reason !== null) return reasons[flow.reason] ?? flow.reason.replaceAll("-", " ");
  if (isHidden(flow.source) || isHidden(flow.destination)) return "policies not shown";
  return flow.verdictSource === "unknown" ? "rule not known" : "not subject to policy";
}

function wordsOf({ step, passed }: Decision): {
  readonly short: string;
  readonly more: string;
  readonly named: string;
} {
  if (step.kind === "pro") {
    const short = passed.length === 0 ? "no policy applies" : "all tiers passed";
    return { short, more: `profile ${step.policy}`, named: `${short} (profile ${step.policy})` };
  }
  if (step.kind === "unknown") return { short: "rule not known", more: step.policy, named: "rule not known" };
  if (step.kind === "setting") {
    const short = `setting ${step.policy}`;
    return { short, more: "", named: short };
  }
  if (step.rule === -1) {
    const more = `no rule of ${step.policy} matched`;
    const short = `${step.tier} / default ${step.action}`;
    return { short, more, named: `${short} (${more})` };
  }
  const named = `${step.tier} / ${shortName(step)} / rule ${step.rule < 0 ? "?" : step.rule}`;
  return { short: named, more: "", named };
}

/** Policies are named `tier.name` within their namespace; the tier stands beside it already. */
function shortName({ tier, policy }: Step): string {
  const slash = policy.indexOf("/");
  const [namespace, name] = [policy.slice(0, slash + 1), policy.slice(slash + 1)];
  return namespace + (name.startsWith(`${tier}.`) ? name.slice(tier.length + 1) : name);
}

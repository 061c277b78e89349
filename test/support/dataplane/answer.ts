import { type LabelRules, type RuleId, tryParseRuleId } from "../../../core/rule-id.ts";
import { type LogPrefix, reasons } from "../../../enforcer/ruleset.ts";
import type { Direction } from "../../../policy/program.ts";
import type { HostPath, Path, Verdict } from "../../../policy/verdict.ts";
import type { Outcome } from "../simulate.ts";

/** What became of the first packet of a connection, and who said so: in one shape for the evaluator, the ruleset in memory and the kernel. */
export type Answer = (Allowed | Denied) & {
  /** Ids of `log` rules that were hit, sorted. */
  readonly logged: readonly RuleId[];
};

interface Allowed {
  readonly action: "allow";
  /** Rules of pods and of processes of hosts that allowed it; undefined where there is no tracked connection that could carry them. */
  readonly labels: LabelRules | undefined;
}

interface Denied {
  readonly action: "deny";
  readonly direction: Direction;
  readonly because: LogPrefix["because"];
}

/** What is not known of one of them is not compared. */
export function sameAnswer(a: Answer, b: Answer): boolean {
  if (a.logged.join() !== b.logged.join()) return false;
  if (a.action === "deny") return b.action === "deny" && a.direction === b.direction && a.because === b.because;
  if (b.action === "deny") return false;
  if (a.labels === undefined || b.labels === undefined) return true;
  return a.labels.egress === b.labels.egress && a.labels.ingress === b.labels.ingress;
}

export function answerOfVerdict(verdict: Verdict): Answer {
  const paths = [...verdict.hosts, verdict.egress, verdict.ingress].filter((path) => path !== null);
  const logged = paths.flatMap(logsOn).sort();
  const denial = paths.find((path): path is (Path | HostPath) & { rule: RuleId } => path.action === "deny");
  if (denial !== undefined) return { action: "deny", direction: denial.direction, because: denial.rule, logged };
  return { action: "allow", labels: labelsOf(verdict), logged };
}

/** Ids of the `log` rules on a way through policies, in order. */
function logsOn({ steps }: Pick<Path, "steps">): RuleId[] {
  return steps.filter(({ action }) => action === "log").map(({ rule }) => rule);
}

/** Failsafe ports, and what pods may send to their own node, leave their ids as policies do; what passes through a host leaves none. */
export function labelsOf({ egress, ingress, hosts }: Verdict): LabelRules {
  const other = (direction: Direction) =>
    hosts.find((path) => labelling.has(path.list) && path.direction === direction && path.action === "allow")?.rule;
  return { egress: egress?.rule ?? other("egress") ?? null, ingress: ingress?.rule ?? other("ingress") ?? null };
}

const labelling: ReadonlySet<HostPath["list"]> = new Set(["failsafe", "toOwnNode"]);

/** Of the outcomes on all nodes on the way, in order. Undefined where a packet was dropped and no log message says by whom. */
export function answerOfOutcomes(outcomes: readonly Outcome[]): Answer | undefined {
  const logs = outcomes.flatMap((outcome) => outcome.logs);
  const dropped = outcomes.some(({ action }) => action === "drop");
  return answerOf({ logs, labels: outcomes, dropped });
}

/** From what there is to see: `dropped` if it did not arrive. Undefined where that does not fit together. */
export function answerOf({
  logs,
  labels,
  dropped,
}: {
  readonly logs: readonly LogPrefix[];
  /** On each node on the way that tracks it. */
  readonly labels: readonly LabelRules[];
  readonly dropped: boolean;
}): Answer | undefined {
  const logged = logs.flatMap(({ action, because }) => (action === "L" ? [because as RuleId] : [])).sort();
  const [denial, ...more] = logs.filter(({ action }) => action === "D");
  if (dropped !== (denial !== undefined) || more.length > 0) return undefined;
  if (denial !== undefined) return { action: "deny", direction: denial.direction, because: denial.because, logged };
  return { action: "allow", labels: labels.length === 0 ? undefined : merged(labels), logged };
}

/** Each half is set on one node at most. */
function merged(labels: readonly LabelRules[]): LabelRules {
  const first = (direction: Direction) => labels.map((rules) => rules[direction]).find((rule) => rule !== null) ?? null;
  return { egress: first("egress"), ingress: first("ingress") };
}

const directions = { E: "egress", I: "ingress" } as const;

/** The reverse of prefixText in enforcer/text.ts; undefined for what that does not write. */
export function prefixOf(text: string): LogPrefix | undefined {
  const [, action, direction, cause = ""] = /^([DL])\|([EI])\|([0-9a-z-]+)$/.exec(text) ?? [];
  const because = tryParseRuleId(cause) ?? reasons.find((reason) => reason === cause);
  if (action === undefined || because === undefined) return undefined;
  return { action: action as "D" | "L", direction: directions[direction as "E" | "I"], because };
}

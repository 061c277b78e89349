import { isoTime } from "../core/clock.ts";
import type { EnforcerStatus } from "../enforcer/enforcer.ts";
import type { ProofStatus } from "../enforcer/prover.ts";
import type { RulesetSize } from "../enforcer/ruleset-size.ts";

/** How one node stands, as the process that works for it says: the content of <data>/status/NODE.json. Times are milliseconds. */
export interface NodeStatus {
  readonly type: "node-status";
  readonly node: string;
  readonly writtenAt: number;
  /** When the process ended in good order; null while it runs. */
  readonly stoppedAt: number | null;
  readonly pid: number;
  readonly version: string;
  readonly mode: "observe" | "enforce";
  /** Break-glass is on: the rules in force deny nothing. */
  readonly open: boolean;
  /** `wanted`: of the newest policies; `due`: what the roll-out has this node enforce by now. */
  readonly revision: { readonly wanted: string | null; readonly due: string | null; readonly applied: string | null };
  readonly appliedAt: number | null;
  readonly applyMs: number;
  /** Changes that the kernel took, and tries that failed. */
  readonly applies: number;
  readonly failures: number;
  /** Why the last try failed, if nothing has succeeded since. */
  readonly failure: string | null;
  /** How often somebody else had changed our table, and it was put right. */
  readonly drifts: number;
  readonly size: RulesetSize;
  readonly problems: readonly string[];
  readonly probe: ProofStatus | null;
  /** Of the pods that came while the process ran, the last that the rules got to know. */
  readonly lastArrival: ArrivedPod | null;
}

export interface ArrivedPod {
  readonly address: string;
  /** When it was in force. */
  readonly at: number;
  /** From when its interface was there. */
  readonly waitedMs: number;
  /** From when the pod started, which its object tells in whole seconds; null where it does not. */
  readonly sinceStartMs: number | null;
}

export interface StatusSources {
  readonly node: string;
  readonly version: string;
  readonly mode: NodeStatus["mode"];
  readonly wanted: string | undefined;
  readonly due: string | undefined;
  readonly enforcer: { readonly status: EnforcerStatus; readonly size: RulesetSize } | undefined;
  readonly probe: ProofStatus | undefined;
  readonly lastArrival: ArrivedPod | undefined;
}

export function nodeStatusOf(sources: StatusSources, now: number, stopped: boolean): NodeStatus {
  const { node, version, mode, wanted, due, enforcer, probe, lastArrival } = sources;
  const status = enforcer?.status;
  return {
    type: "node-status",
    node,
    writtenAt: now,
    stoppedAt: stopped ? now : null,
    pid: process.pid,
    version,
    mode,
    open: status?.open ?? false,
    revision: { wanted: wanted ?? null, due: due ?? null, applied: status?.revision ?? null },
    appliedAt: status?.appliedAt ?? null,
    applyMs: Math.round(status?.ms ?? 0),
    applies: status?.applied ?? 0,
    failures: status?.failed ?? 0,
    failure: status?.failure ?? null,
    drifts: status?.repaired ?? 0,
    size: enforcer?.size ?? { rules: 0, sets: 0, elements: 0 },
    problems: (status?.problems ?? []).map(({ subject, sentence }) => `${subject} ${sentence}`),
    probe: probe ?? null,
    lastArrival: lastArrival ?? null,
  };
}

/** A running process writes at least this often. */
export const statusEveryMs = 10_000;
/** So it runs no more, or cannot write. */
const staleMs = 3 * statusEveryMs;

export interface NodeJudgement {
  readonly state:
    | "enforcing"
    | "observing"
    | "starting"
    | "open"
    | "behind"
    | "failing"
    | "not-enforceable"
    | "stopped"
    | "silent";
  readonly words: string;
}

/** What the status means now. Only `enforcing` and `observing` are well. */
export function judgeNode(status: NodeStatus, now: number): NodeJudgement {
  const { writtenAt, stoppedAt, mode, open, revision, failure, probe } = status;
  const age = Math.max(0, now - writtenAt);
  if (stoppedAt !== null) return { state: "stopped", words: `sluice stopped ${agoText(now - stoppedAt)} ago` };
  if (age > staleMs) return { state: "silent", words: `no news for ${agoText(age)}: is sluice running?` };
  if (mode === "observe") return { state: "observing", words: "watches and blocks nothing" };
  if (failure !== null) return { state: "failing", words: `the rules cannot be applied: ${failure}` };
  if (open) return { state: "open", words: 'break-glass is on, policy denies nothing: see "sluice enforce rollout"' };
  if (revision.applied === null) return { state: "starting", words: "no rules are applied yet" };
  if (probe?.state === "not-enforceable")
    return { state: "not-enforceable", words: probe.detail[0] ?? "a probe was not treated as the rules say" };
  if (revision.applied !== revision.wanted) return { state: "behind", words: behindText(revision) };
  return { state: "enforcing", words: provenText(probe, now) };
}

function behindText({ wanted, due, applied }: NodeStatus["revision"]): string {
  const words = `revision ${wanted} is wanted, ${applied} applied`;
  return applied === due ? `${words}: the roll-out holds it back, see "sluice enforce rollout"` : words;
}

function provenText(probe: ProofStatus | null, now: number): string {
  if (probe === null || probe.at === null) return probe?.detail[0] ?? "not probed";
  if (probe.state === "unknown") return probe.detail[0] ?? "not probed";
  return `proven ${agoText(now - probe.at)} ago${probe.detail.length === 0 ? "" : `; ${probe.detail.join("; ")}`}`;
}

/** `12 s`, `3 m`, `2 h`, `5 d` */
export function agoText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** What an alert says when a node ceases or begins again to enforce, or nothing can be proven. */
export function proofText(node: string, { state, detail }: ProofStatus): string {
  if (state === "enforcing") return `${node} enforces again: a probe was treated as the rules say`;
  return `${node} does not enforce: ${detail[0] ?? "a probe was not treated as the rules say"}`;
}

export const timeText = (ms: number | null): string | null => (ms === null ? null : isoTime(ms));

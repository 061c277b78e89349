// What a probe proves. Seven packets cross the hooks forward, output and input of the node: our rules must have counted each that
// they have a say in, must have let through what is allowed, and nothing that is denied may have come out at the other end.
import type { Direction } from "../policy/program.ts";
import { probeCounter } from "./probe-rules.ts";
import type { ProbeSighting, ProbeStep } from "./probe-sequence.ts";
import type { Hook } from "./ruleset.ts";

export interface ProbeResult {
  /** `inconclusive`: the rules were replaced meanwhile; the next probe tells more. */
  readonly state: "enforcing" | "not-enforceable" | "inconclusive";
  /** Why the node does not enforce. */
  readonly faults: readonly string[];
  /** What is strange, and yet nothing gets through that our rules deny. */
  readonly notes: readonly string[];
}

interface Expectation {
  readonly step: ProbeStep;
  readonly hook: Hook;
  readonly does: "allow" | "deny";
  /** The chains that must have counted it. */
  readonly by: readonly Direction[];
}

/** Replies pass as established connections do, by rules that count nothing. */
const expectations: readonly Expectation[] = [
  { step: "forward-allowed", hook: "forward", does: "allow", by: ["egress", "ingress"] },
  { step: "forward-denied", hook: "forward", does: "deny", by: ["egress"] },
  { step: "output-allowed", hook: "output", does: "allow", by: ["ingress"] },
  { step: "output-denied", hook: "output", does: "deny", by: ["ingress"] },
  { step: "input-denied", hook: "input", does: "deny", by: ["egress"] },
];

export function judgeProbe(sighting: ProbeSighting): ProbeResult {
  const { before, after, sent, arrived } = sighting;
  // A counter that went back was made anew in between, and one that came or went was as well.
  const replaced = [...before].some(([name, { packets }]) => packets > (after.get(name)?.packets ?? -1));
  if (replaced || (before.size === 0) !== (after.size === 0)) return { state: "inconclusive", faults: [], notes: [] };
  const asked = expectations.filter(({ step }) => sent.includes(step));
  const faults = [
    ...(after.size === 0 ? ["there is no table of ours"] : asked.flatMap((each) => uncountedBy(each, sighting))),
    ...asked.filter(({ step, does }) => does === "deny" && arrived.includes(step)).map(gotThrough),
    ...untracked(sighting),
  ];
  const notes = asked.filter(({ step, does }) => does === "allow" && !arrived.includes(step)).map(lost);
  return { state: faults.length === 0 ? "enforcing" : "not-enforceable", faults, notes };
}

function uncountedBy({ hook, does, by, step }: Expectation, { before, after }: ProbeSighting): readonly string[] {
  return by.flatMap((direction) => {
    const name = probeCounter(does, direction, hook);
    const grown = (after.get(name)?.packets ?? 0) - (before.get(name)?.packets ?? 0);
    if (grown > 0) return [];
    const chain = `${direction}_${hook}`;
    return [`packet ${step} did not meet our rules in chain ${chain}: it is not called, or something comes before it`];
  });
}

function gotThrough({ step, hook }: Expectation): string {
  return `packet ${step} went through hook ${hook}, though our rules deny it`;
}

function lost({ step, hook }: Expectation): string {
  return `packet ${step} was dropped at hook ${hook} or behind it, though our rules allow it: another firewall?`;
}

/** The first packet passed, the answer to it did not: so nobody remembered it. */
function untracked({ sent, arrived }: ProbeSighting): readonly string[] {
  const replies = ["forward-reply", "input-reply"] as const;
  return replies
    .filter((step) => sent.includes(step) && !arrived.includes(step))
    .map(
      (step) => `packet ${step} was dropped, though it answers one that passed: connections are not tracked (notrack?)`,
    );
}

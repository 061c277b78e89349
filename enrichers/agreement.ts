import type { FlowEndpoint, RawFlow } from "../core/records/flow.ts";
import type { RuleId } from "../core/rule-id.ts";
import type { Direction } from "../policy/program.ts";
import type { Packet, Verdict } from "../policy/verdict.ts";
import type { Ends } from "./authoritative.ts";
import type { RuleBook } from "./rule-book.ts";
import { directionsOf, evaluate, isAnnounced, isPath, type PolicyInForce, packetOf, pathOf } from "./verdict.ts";

/** A verdict of the kernel that the evaluator does not share, with all that it takes to ask both again. */
export interface Disagreement {
  /** `allowed`: the kernel let through what the evaluator denies; `denied` the reverse; `rule`: the same, by another rule. */
  readonly kind: "allowed" | "denied" | "rule";
  readonly direction: Direction;
  readonly node: string;
  readonly packet: Packet;
  readonly kernel: Opinion;
  readonly evaluator: Opinion;
  readonly ends: Ends;
  readonly revision: string;
  /** How many times policies or labels had changed since this process began: which Placement it was. */
  readonly placementVersion: number;
  /** When the connection began, or was first denied; microseconds. */
  readonly at: number;
}

interface Opinion {
  readonly action: "allow" | "deny";
  /** Null: no rule had a say. */
  readonly rule: RuleId | null;
}

/** Why a verdict was not compared. */
export type Skip =
  /** Policies, labels or addresses changed around the packet, and it matters which of them it met. */
  | "changed"
  /** It was before this process knew policies, or too long ago. */
  | "unknown-time"
  /** The evaluator knows somebody else by that address, or nobody. */
  | "unknown-endpoint"
  /** The connection carries no rule's id, or bits of two. */
  | "unlabelled";

export interface AgreementOptions {
  /** Of so many new connections one is compared, and every denial; 0: none. */
  readonly sample: number;
  readonly onChecked: () => void;
  readonly onSkipped: (why: Skip) => void;
  readonly onDisagreement: (disagreement: Disagreement) => void;
}

/** Between a change of the world and its being in force in the kernel, and the other way round for clocks and delays. */
const graceUs = 5_000_000;
/** Policies of the past that are remembered: by then a record is here, or never compared. */
const keptUs = 120_000_000;
const keptAtMost = 64;

interface Remembered {
  readonly policy: PolicyInForce;
  /** Microseconds; it was in force until the next one's. */
  readonly from: number;
  readonly version: number;
}

/**
 * Holds the kernel's verdicts against the evaluator's, for what the kernel itself says of connections (labels, logged denials). A verdict
 * disagrees only if it does so with every policy and placement that was in force around the packet, and those agree among themselves:
 * so whatever changes all the time elsewhere in the cluster neither causes a false alarm nor hides a true one.
 */
export class Agreement {
  readonly #options: AgreementOptions;
  #remembered: readonly Remembered[] = [];
  #versions = 0;

  constructor(options: AgreementOptions) {
    this.#options = options;
  }

  /** The policies from now on; microseconds. */
  use(policy: PolicyInForce, now: number): void {
    const all = [...this.#remembered, { policy, from: now, version: ++this.#versions }];
    // The last one that began before the time that is kept was in force at its beginning.
    const first = all.findLastIndex(({ from }) => from <= now - keptUs);
    this.#remembered = all.slice(Math.max(first, all.length - keptAtMost, 0));
  }

  check(flow: RawFlow, ends: Ends, rules: RuleBook): void {
    if (!this.#isOfSample(flow)) return;
    const around = this.#around(flow);
    for (const direction of directionsOf(flow, ends)) {
      if (flow.denied !== null && flow.denied !== direction) continue;
      if (!this.#isEnforced(flow, direction === "egress" ? ends.source : ends.destination, around)) continue;
      this.#tell(around === undefined ? "unknown-time" : compare(direction, { flow, ends, rules, around }));
    }
  }

  #tell(outcome: Outcome): void {
    const { onChecked, onSkipped, onDisagreement } = this.#options;
    if (outcome !== "agrees" && typeof outcome === "string") onSkipped(outcome);
    else onChecked();
    if (typeof outcome === "object") onDisagreement(outcome);
  }

  #isOfSample(flow: RawFlow): boolean {
    const { sample } = this.#options;
    if (sample === 0 || this.#remembered.length === 0) return false;
    // Spoofed, unknown and invalid packets meet no policy.
    if (isAnnounced(flow)) return false;
    if (flow.state === "denied") return flow.egressRule !== null || flow.ingressRule !== null;
    return flow.start === flow.startedAt && flow.seq % sample === 0;
  }

  /** The kernel has no verdict of whom it only observes, or did around the packet. */
  #isEnforced(
    { node }: RawFlow,
    { kind, namespace }: FlowEndpoint,
    around: readonly Remembered[] | undefined,
  ): boolean {
    const asked = around ?? this.#remembered.slice(-1);
    return asked.every(({ policy }) => policy.mode(node, kind === "pod" ? namespace : null) === "enforced");
  }

  /** What may have been in force when the packets met the rules; undefined if that is not known. */
  #around({ startedAt, end, state }: RawFlow): readonly Remembered[] | undefined {
    const [since, until] = [startedAt - graceUs, (state === "denied" ? startedAt : end) + graceUs];
    const all = this.#remembered;
    const [first] = all;
    if (first === undefined || first.from > since) return undefined;
    return all.filter(({ from }, at) => from <= until && (all[at + 1]?.from ?? Number.POSITIVE_INFINITY) >= since);
  }
}

type Outcome = "agrees" | Skip | Disagreement;

interface Case {
  readonly flow: RawFlow;
  readonly ends: Ends;
  readonly rules: RuleBook;
  readonly around: readonly Remembered[];
}

function compare(direction: Direction, { flow, ends, rules, around }: Case): Outcome {
  const kernel = kernelOpinion(direction, flow);
  const packet = packetOf(flow);
  const opinions = around.map(({ policy }) => opinionOf(direction, flow, ends, policy));
  if (opinions.some((opinion) => opinion !== undefined && agrees(kernel, opinion))) return "agrees";
  const [evaluator, newest] = [opinions[0], around.at(-1)];
  if (evaluator === undefined || newest === undefined) return "unknown-endpoint";
  if (opinions.some((other) => other === undefined || !agrees(evaluator, other))) return "changed";
  const kind = kindOf(kernel, evaluator);
  // Bits of a label are only ever added: what is no rule's id is that of two.
  const isLabel = kernel.rule !== null && rules.originOf(kernel.rule) !== undefined;
  if (kind === "rule" && !isLabel) return "unlabelled";
  const { revision } = newest.policy.program;
  const { node, startedAt: at } = flow;
  return { kind, direction, node, packet, kernel, evaluator, ends, revision, placementVersion: newest.version, at };
}

function kernelOpinion(direction: Direction, flow: RawFlow): Opinion {
  const rule = direction === "egress" ? flow.egressRule : flow.ingressRule;
  return { action: flow.denied === direction ? "deny" : "allow", rule };
}

/** Undefined where the evaluator has none: of somebody else, or of what it says never came so far. */
function opinionOf(direction: Direction, flow: RawFlow, ends: Ends, policy: PolicyInForce): Opinion | undefined {
  const evaluated = evaluate(flow, policy);
  if (evaluated === undefined || isDeniedBefore(evaluated, direction)) return undefined;
  const endpoint = direction === "egress" ? ends.source : ends.destination;
  // Of nodes only a part is evaluated here: which of a node's interfaces a packet crosses is not known.
  if (endpoint.kind !== "pod") return undefined;
  const path = pathOf(direction, endpoint, { flow, ends, policy, evaluated });
  if (isPath(path)) return { action: path.action, rule: path.rule };
  return path === "none" ? { action: "allow", rule: null } : undefined;
}

/** What denies comes before the pod's policies of that direction: preDNAT lists before its egress, that before another's ingress. */
function isDeniedBefore({ egress, hosts }: Verdict, direction: Direction): boolean {
  if (direction === "ingress") return egress?.action === "deny";
  return egress === null && hosts.some(({ list, action }) => list === "preDnat" && action === "deny");
}

const agrees = (kernel: Opinion, opinion: Opinion) => kernel.action === opinion.action && kernel.rule === opinion.rule;

function kindOf(kernel: Opinion, opinion: Opinion): Disagreement["kind"] {
  if (kernel.action === opinion.action) return "rule";
  return kernel.action === "allow" ? "allowed" : "denied";
}

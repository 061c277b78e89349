import type { RuleId } from "../core/rule-id.ts";
import { evaluatorOf } from "./evaluate.ts";
import { contentRuleId } from "./hash.ts";
import { holds, setsOf } from "./match.ts";
import type { EndpointId, Placement, Stage } from "./placement.ts";
import type { Applicability, Direction, Instruction, Match, PolicyList, Program, RuleOrigin } from "./program.ts";
import { type Hop, Routes } from "./route.ts";
import { End } from "./set-index.ts";
import type { Packet, Verdict } from "./verdict.ts";

/** Everything that was asked about a packet and why it answered as it did. */
export interface Trace {
  readonly verdict: Verdict;
  /** The lists that were asked, in order. */
  readonly paths: readonly ListTrace[];
}

/** One list of one endpoint, tier by tier up to the one that decided. */
export interface ListTrace {
  readonly endpoint: EndpointId;
  readonly list: PolicyList;
  readonly direction: Direction;
  /** `next`: nothing in the list decided. */
  readonly outcome: "allow" | "deny" | "next";
  readonly stages: readonly StageTrace[];
}

export interface StageTrace {
  readonly tier: string;
  /** `pass`: went on with the next tier. */
  readonly outcome: "allow" | "deny" | "pass";
  /** What decided so: a rule of the last policy, or the tier's default. */
  readonly by: RuleId;
  /** Those that were asked, in order. */
  readonly policies: readonly PolicyTrace[];
}

export interface PolicyTrace {
  readonly policy: Pick<RuleOrigin, "tier" | "kind" | "namespace" | "name">;
  /** Those that were asked, as the user wrote them, in order. */
  readonly rules: readonly RuleTrace[];
}

export interface RuleTrace {
  readonly rule: RuleId;
  /** Position in the list that the user wrote. */
  readonly index: number;
  readonly outcome: "matched" | "skipped";
  /** Why it was skipped: the first condition that failed. One for each alternative that the rule consists of; empty if it matched. */
  readonly because: readonly Match[];
  /** Parts of the rule that cannot be enforced, because of which it matches nothing; empty for most. */
  readonly notEnforced: readonly string[];
}

/** Tells why a packet is decided as it is. Slower than `evaluatorOf` by far, and of the same opinion (test/policy/trace.test.ts). */
export function traceOf(program: Program, placement: Placement): (packet: Packet) => Trace {
  const evaluate = evaluatorOf(program, placement);
  const routes = new Routes(placement);
  const tracer = new Tracer(program, placement);
  return (packet) => {
    const paths: ListTrace[] = [];
    for (const visit of routes.way(packet).visits)
      for (const hop of visit) {
        const path = tracer.list(hop, packet);
        paths.push(path);
        if (path.outcome === "deny") return { verdict: evaluate(packet), paths };
        if (path.outcome === "allow") break;
      }
    return { verdict: evaluate(packet), paths };
  };
}

type FirstFailure = (instruction: Instruction) => Match | undefined;

class Tracer {
  readonly #program: Program;
  readonly #sets: ReturnType<typeof setsOf>;
  readonly #notEnforced: ReadonlyMap<string, Program["notEnforced"]>;

  constructor(program: Program, placement: Placement) {
    this.#program = program;
    this.#sets = setsOf(placement);
    this.#notEnforced = Map.groupBy(program.notEnforced, ({ rule }) => keyOf(rule));
  }

  list({ endpoint, list, direction, stages, untranslated }: Hop, packet: Packet): ListTrace {
    const seen = untranslated ? { ...packet, ...packet.translated } : packet;
    const [source, destination] = [new End(seen.source), new End(seen.destination)];
    const failure: FirstFailure = ({ when }) =>
      when.find((match) => !holds(match, source, destination, seen, this.#sets));
    const traces: StageTrace[] = [];
    for (const stage of stages) {
      const trace = this.#stage(stage, failure);
      traces.push(trace);
      if (trace.outcome !== "pass") return { endpoint, list, direction, outcome: trace.outcome, stages: traces };
    }
    return { endpoint, list, direction, outcome: "next", stages: traces };
  }

  #stage(stage: Stage, failure: FirstFailure): StageTrace {
    const { tier } = this.#origin(stage.otherwise);
    const policies: PolicyTrace[] = [];
    for (const block of distinct(stage.blocks)) {
      const { rules, decision } = this.#policy(block, failure);
      policies.push({ policy: this.#origin(block.otherwise), rules });
      if (decision !== undefined) return { tier, outcome: outcomeOf(decision), by: decision.id, policies };
    }
    return { tier, outcome: outcomeOf(stage.otherwise), by: stage.otherwise.id, policies };
  }

  #policy({ block, otherwise }: Applicability, failure: FirstFailure) {
    const rules: RuleTrace[] = [];
    const leftOut = this.#leftOut(this.#origin(otherwise));
    const parts = this.#program.blocks.get(block) ?? [];
    for (const instruction of parts) {
      const failed = failure(instruction);
      addPart(rules, this.#rule(instruction, failed));
      if (failed === undefined && instruction.verdict !== "log")
        return { rules: withLeftOut(rules, leftOut), decision: instruction };
    }
    return { rules: withLeftOut(rules, leftOut, Number.POSITIVE_INFINITY), decision: undefined };
  }

  #rule(instruction: Instruction, failed: Match | undefined): RuleTrace {
    const index = this.#origin(instruction).rule;
    const outcome = failed === undefined ? "matched" : "skipped";
    const because = failed === undefined ? [] : [failed];
    return { rule: instruction.id, index, outcome, because, notEnforced: [] };
  }

  #leftOut(policy: RuleOrigin): readonly RuleTrace[] {
    const found = this.#notEnforced.get(keyOf(policy)) ?? [];
    return found.map(({ rule, parts }) => ({
      rule: contentRuleId(rule),
      index: rule.rule,
      outcome: "skipped",
      because: [],
      notEnforced: parts,
    }));
  }

  #origin({ id }: Instruction): RuleOrigin {
    const found = this.#program.rules.get(id);
    if (found === undefined) throw new Error(`program ${this.#program.revision} does not tell what rule ${id} is`);
    return found;
  }
}

const keyOf = ({ kind, namespace, name, direction }: RuleOrigin) => `${kind} ${namespace ?? ""}/${name} ${direction}`;

/** The end of a list stands there once for each policy that is about it. */
function distinct(blocks: readonly Applicability[]): readonly Applicability[] {
  return [...new Map(blocks.map((entry) => [entry.otherwise.id, entry])).values()];
}

/** Parts of one rule are alternatives: it matches if one does. */
function addPart(rules: RuleTrace[], part: RuleTrace): void {
  const last = rules.at(-1);
  if (last?.rule !== part.rule) rules.push(part);
  else if (part.outcome === "matched") rules[rules.length - 1] = part;
  else if (last.outcome === "skipped")
    rules[rules.length - 1] = { ...last, because: [...last.because, ...part.because] };
}

/** With the rules that have no instructions in their places, up to the one that decided. */
function withLeftOut(
  rules: readonly RuleTrace[],
  leftOut: readonly RuleTrace[],
  end = rules.at(-1)?.index ?? 0,
): readonly RuleTrace[] {
  return [...rules, ...leftOut.filter(({ index }) => index < end)].toSorted((a, b) => a.index - b.index);
}

/** The end of a stage neither logs nor passes on anything else (compile.ts). */
function outcomeOf({ verdict }: Instruction): StageTrace["outcome"] {
  return verdict === "allow" || verdict === "deny" ? verdict : "pass";
}

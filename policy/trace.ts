import type { RuleId } from "../core/rule-id.ts";
import { evaluatorOf } from "./evaluate.ts";
import { contentRuleId } from "./hash.ts";
import { holds, setsOf } from "./match.ts";
import type { Endpoint, EndpointId, Placement } from "./placement.ts";
import type { Applicability, Direction, Instruction, Match, PolicyList, Program, RuleOrigin } from "./program.ts";
import { type Hop, Routes } from "./route.ts";
import { parseSelector } from "./selector/parse.ts";
import { matches, type Selector } from "./selector/syntax.ts";
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
  /** `next`: nothing in the list decided. `skip`: it says no more than that others are not asked. */
  readonly outcome: "allow" | "deny" | "next" | "skip";
  readonly stages: readonly StageTrace[];
  /** As the list sees it: before or after its destination was translated. */
  readonly packet: Packet;
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
    for (const visit of routes.way(packet).visits) {
      let settled = 0;
      for (const hop of visit) {
        if ((hop.unless & settled) !== 0) continue;
        const path = tracer.list(hop, packet);
        paths.push(path);
        if (path.outcome === "deny") return { verdict: evaluate(packet), paths };
        if (path.outcome === "allow" || path.outcome === "skip") settled |= hop.sets;
      }
    }
    return { verdict: evaluate(packet), paths };
  };
}

type FirstFailure = (instruction: Instruction) => Match | undefined;

class Tracer {
  readonly #program: Program;
  readonly #endpoints: Placement["endpoints"];
  readonly #sets: ReturnType<typeof setsOf>;
  readonly #selectors = new Map<string, Selector>();
  readonly #notEnforced: ReadonlyMap<string, Program["notEnforced"]>;

  constructor(program: Program, placement: Placement) {
    this.#program = program;
    this.#endpoints = placement.endpoints;
    this.#sets = setsOf(placement);
    this.#notEnforced = Map.groupBy(program.notEnforced, ({ rule }) => keyOf(rule));
  }

  list(hop: Hop, packet: Packet): ListTrace {
    const { endpoint, list, direction, untranslated, skips } = hop;
    const seen = untranslated ? { ...packet, ...packet.translated } : packet;
    const asked = { endpoint, list, direction, packet: seen };
    const [source, destination] = [new End(seen.source), new End(seen.destination)];
    const failure: FirstFailure = ({ when }) =>
      when.find((match) => !holds(match, source, destination, seen, this.#sets));
    const traces: StageTrace[] = [];
    for (const entries of this.#stages(hop)) {
      const trace = this.#stage(entries, failure);
      traces.push(trace);
      if (trace.outcome === "pass") continue;
      const outcome = skips && trace.outcome === "allow" ? "skip" : trace.outcome;
      return { ...asked, outcome, stages: traces };
    }
    return { ...asked, outcome: "next", stages: traces };
  }

  /** The entries that apply to an endpoint, stage by stage. A class knows their blocks only, and policies without rules share one. */
  #stages({ endpoint, list, direction }: Hop): readonly (readonly Applicability[])[] {
    const { labels } = this.#endpoints.get(endpoint) as Endpoint;
    const applying = this.#program.applies.filter(
      (entry) => entry.list === list && entry.direction === direction && matches(this.#parsed(entry.selector), labels),
    );
    const stages = [...Map.groupBy(applying, ({ stage }) => stage)];
    return stages.sort(([a], [b]) => a - b).map(([, entries]) => entries);
  }

  #parsed(text: string): Selector {
    const found = this.#selectors.get(text) ?? parseSelector(text, Number.POSITIVE_INFINITY);
    this.#selectors.set(text, found);
    return found;
  }

  #stage(entries: readonly Applicability[], failure: FirstFailure): StageTrace {
    const { otherwise } = entries[0] as Applicability;
    const { tier } = this.#origin(otherwise);
    const policies: PolicyTrace[] = [];
    for (const block of distinct(entries)) {
      const { rules, decision } = this.#policy(block, failure);
      policies.push({ policy: this.#origin(block.otherwise), rules });
      if (decision !== undefined) return { tier, outcome: outcomeOf(decision), by: decision.id, policies };
    }
    return { tier, outcome: outcomeOf(otherwise), by: otherwise.id, policies };
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

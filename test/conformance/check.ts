import { evaluatorOf } from "../../policy/evaluate.ts";
import type { Endpoint } from "../../policy/placement.ts";
import { contains, equivalent } from "../../policy/relation.ts";
import { parseSelector } from "../../policy/selector/parse.ts";
import { canonical, matches } from "../../policy/selector/syntax.ts";
import type { Evaluate } from "../../policy/verdict.ts";
import type { Case, Connectivity, Probe, Relation, SelectorCase } from "./case.ts";
import { packetsOf, probeText } from "./probe.ts";
import { situationOf } from "./situation.ts";

/** What went wrong in a case; empty if it passed. */
export function check(one: Case): readonly string[] {
  switch (one.type) {
    case "connectivity":
      return checkConnectivity(one.value);
    case "selector":
      return checkSelector(one.value);
    case "relation":
      return checkRelation(one.value);
  }
}

function checkConnectivity({ resources, probes }: Connectivity): readonly string[] {
  const { program, placement, refused } = situationOf(resources);
  const evaluate = evaluatorOf(program, placement);
  const endpoints = [...placement.endpoints.values()];
  return [...refused, ...probes.flatMap((probe) => checkProbe(probe, endpoints, evaluate))];
}

/** A relation that should not hold must be refuted by a connection about which the evaluators agree. */
function checkRelation({ resources, a, b, relation, expect }: Relation): readonly string[] {
  const [one, other] = [situationOf([...resources, ...a]), situationOf([...resources, ...b])];
  const finding = relation === "equivalent" ? equivalent(one, other) : contains(one, other);
  const faults = [...one.refused, ...other.refused];
  if (finding.holds) return expect ? faults : [...faults, "should not hold, and no connection shows that it does not"];
  const [inA, inB] = [one, other].map(
    ({ program, placement }) => evaluatorOf(program, placement)(finding.witness).action,
  );
  const shown = `a: ${inA}, b: ${inB}: ${JSON.stringify(finding.witness)}`;
  if (expect) return [...faults, `should hold; ${shown}`];
  const refutes = relation === "equivalent" ? inA !== inB : inA === "deny" && inB === "allow";
  return refutes ? faults : [...faults, `the witness shows nothing; ${shown}`];
}

/** A probe holds for each address family that both ends have. */
function checkProbe(probe: Probe, endpoints: readonly Endpoint[], evaluate: Evaluate): readonly string[] {
  const packets = packetsOf(probe, endpoints);
  if (packets.length === 0) return [`${probeText(probe)}: no address family in common`];
  return packets.flatMap((packet) => {
    const { action } = evaluate(packet);
    return action === probe.expect ? [] : [`${probeText(probe)}: expected ${probe.expect}, got ${action}`];
  });
}

function checkSelector(one: SelectorCase): readonly string[] {
  const parsed = attempt(one.selector);
  switch (one.kind) {
    case "invalid":
      return parsed === undefined ? [] : ["should be refused and is not"];
    case "match":
      if (parsed === undefined) return ["is refused"];
      return matches(parsed, one.labels) === one.expect ? [] : [`should ${one.expect ? "" : "not "}match`];
    case "canonical":
      if (parsed === undefined) return ["is refused"];
      return canonical(parsed) === one.canonical ? [] : [`prints as ${canonical(parsed)}`];
  }
}

function attempt(selector: string) {
  try {
    return parseSelector(selector);
  } catch {
    return undefined;
  }
}

import { type Address, familyOf, parseAddress } from "../../core/address.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import type { Endpoint } from "../../policy/placement.ts";
import { protocolNumber } from "../../policy/protocol.ts";
import { contains, equivalent } from "../../policy/relation.ts";
import { parseSelector } from "../../policy/selector/parse.ts";
import { canonical, matches } from "../../policy/selector/syntax.ts";
import type { Evaluate, Packet } from "../../policy/verdict.ts";
import { World } from "../../policy/world.ts";
import type { Case, Connectivity, Probe, Relation, SelectorCase } from "./case.ts";

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

/** What follows from some objects, and which of them are refused. */
function situationOf(objects: Connectivity["resources"]) {
  const world = new World();
  const faults = world.apply(objects.map((object) => ({ type: "upsert", object: object as KubeObject })));
  const refused = faults.flatMap(({ object, problems }) =>
    problems.map(({ field, message }) => `${object.kind} ${object.metadata.name} is refused: ${field}: ${message}`),
  );
  return { program: world.program(), placement: world.placement(), refused };
}

/** A probe holds for each address family that both ends have. */
function checkProbe(probe: Probe, endpoints: readonly Endpoint[], evaluate: Evaluate): readonly string[] {
  const from = addressesOf(probe.from, endpoints);
  const to = addressesOf(probe.to, endpoints);
  const pairs = from.flatMap((source) =>
    to.filter((target) => familyOf(target) === familyOf(source)).map((target) => ({ source, target })),
  );
  if (pairs.length === 0) return [`${probe.from} -> ${probe.to}: no address family in common`];
  return pairs.flatMap(({ source, target }) => {
    const { action } = evaluate(packetOf(probe, source, target));
    if (action === probe.expect) return [];
    return [`${probe.from} -> ${probe.to} ${probe.protocol}/${probe.port}: expected ${probe.expect}, got ${action}`];
  });
}

function packetOf(probe: Probe, source: Address, destination: Address): Packet {
  const isIcmp = probe.protocol === "ICMP";
  const six = familyOf(destination) === 6;
  const anyType = six ? 128 : 8;
  return {
    source,
    destination,
    protocol: isIcmp && six ? 58 : (protocolNumber(probe.protocol) as number),
    sourcePort: isIcmp ? 0 : (probe.srcPort ?? 45678),
    destinationPort: isIcmp ? 0 : probe.port,
    icmp: isIcmp ? { type: probe.icmpType ?? anyType, code: probe.icmpCode ?? 0 } : null,
  };
}

/** Addresses of `namespace/pod`, `node:NAME` or an address. */
function addressesOf(end: string, endpoints: readonly Endpoint[]): readonly Address[] {
  const id = end.startsWith("node:") ? end : `pod:${end}`;
  const found = endpoints.find((endpoint) => endpoint.id === id);
  return found === undefined ? [parseAddress(end)] : found.addresses;
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

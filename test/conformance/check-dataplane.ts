import type { Packet } from "../../policy/verdict.ts";
import type { Dataplane } from "../support/dataplane/dataplane.ts";
import { type Finding, tryOut } from "../support/dataplane/finding.ts";
import { findingText } from "../support/dataplane/finding-text.ts";
import { trialOf } from "../support/dataplane/trial.ts";
import type { Untellable } from "../support/dataplane/untellable.ts";
import type { Case, Connectivity, Probe } from "./case.ts";
import { packetsOf, probeText } from "./probe.ts";
import { situationOf } from "./situation.ts";

/** What came of a case whose probes were sent through the kernel. */
export interface Outcome {
  /** Why it was not tried at all. */
  readonly skipped: string | null;
  readonly faults: readonly string[];
  readonly packets: number;
  /** Of these the kernel could not be asked: no answer to a probe, so never a pass of one. */
  readonly untold: readonly Untellable[];
}

/** Rulesets of nodes are loaded into the kernel, and every probe is a packet there. What no probe says is not tried. */
export async function checkOnDataplane(dataplane: Dataplane, one: Case): Promise<Outcome> {
  if (one.type !== "connectivity") return { ...nothing, skipped: "it sends no packets" };
  const outcomes: Outcome[] = [];
  for (const { name, resources } of variantsOf(one.value)) {
    const outcome = await checkVariant(dataplane, { ...one.value, resources });
    outcomes.push({ ...outcome, faults: outcome.faults.map((fault) => `${name}${fault}`) });
  }
  return {
    skipped: outcomes.find(({ skipped }) => skipped !== null)?.skipped ?? null,
    faults: outcomes.flatMap(({ faults }) => faults),
    packets: outcomes.reduce((sum, { packets }) => sum + packets, 0),
    untold: outcomes.flatMap(({ untold }) => untold),
  };
}

const nothing: Outcome = { skipped: null, faults: [], packets: 0, untold: [] };

async function checkVariant(dataplane: Dataplane, { resources, probes }: Connectivity): Promise<Outcome> {
  const { program, placement, pending, refused } = situationOf(resources);
  const endpoints = [...placement.endpoints.values()];
  const sent = probes.flatMap((probe) => packetsOf(probe, endpoints).map((packet) => ({ probe, packet })));
  const packets: readonly Packet[] = sent.map(({ packet }) => packet);
  const findings = await tryOut(dataplane, trialOf(program, placement, { pending }), packets);
  const judged = findings.map((finding, at) => ({ finding, probe: sent[at]?.probe as Probe }));
  return {
    skipped: null,
    faults: [...refused, ...judged.flatMap(({ finding, probe }) => faultsOf(finding, probe, program))],
    packets: packets.length,
    untold: findings.flatMap(({ kernel }) => (kernel.told === "no" ? [kernel.why] : [])),
  };
}

function faultsOf(finding: Finding, probe: Probe, program: Parameters<typeof findingText>[1]): readonly string[] {
  const { kernel, agree } = finding;
  const expected = !("answer" in kernel) || kernel.answer.action === probe.expect;
  if (expected && agree) return [];
  return [`${probeText(probe)}: expected ${probe.expect}\n${findingText(finding, program)}`];
}

/** Pods that are bound to no node stand once all on one and once by turns on two, so that both ways between pods are gone. */
function variantsOf({
  resources,
}: Connectivity): readonly { readonly name: string; readonly resources: Connectivity["resources"] }[] {
  const isBound = resources.every((object) => object.kind !== "Pod" || specOf(object)["nodeName"] !== undefined);
  if (isBound) return [{ name: "", resources }];
  return [
    { name: "on one node: ", resources: boundTo(resources, ["conformance-1"]) },
    { name: "on two nodes: ", resources: boundTo(resources, ["conformance-1", "conformance-2"]) },
  ];
}

function boundTo(resources: Connectivity["resources"], nodes: readonly string[]): Connectivity["resources"] {
  let pods = 0;
  return resources.map((object) => {
    const spec = specOf(object);
    if (object.kind !== "Pod" || spec["nodeName"] !== undefined) return object;
    return { ...object, spec: { ...spec, nodeName: nodes[pods++ % nodes.length] } };
  });
}

function specOf(object: Connectivity["resources"][number]): Readonly<Record<string, unknown>> {
  return (object["spec"] ?? {}) as Record<string, unknown>;
}

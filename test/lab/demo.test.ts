import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { parseAddress } from "../../core/address.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { addressOf } from "../../lab/call-plan.ts";
import { ManifestFolder } from "../../lab/manifest-folder.ts";
import { type ClusterPlan, planCluster } from "../../lab/plan.ts";
import { type Scenario, type ScenarioCall, scenarioOf } from "../../lab/scenario.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import type { Packet, Verdict } from "../../policy/verdict.ts";
import { World } from "../../policy/world.ts";

const folder = fileURLToPath(new URL("../../lab/demo", import.meta.url));
const objects = await new ManifestFolder(folder).objects();
const scenario = scenarioOf(objects);

describe("the demo", () => {
  describe("at the start, each call is decided as its scenario says", () => {
    judge(objects, scenario.calls);
  });

  describe("after a pod was replaced, each call is decided as its scenario says", () => {
    judge(replaced(objects, scenario), scenario.calls);
  });

  describe("in quarantine, calls from and to the pod are denied by security", () => {
    const calls = scenario.calls.filter(({ from, to }) => `${from} ${to}`.includes("/cart"));
    const denied = calls.filter(({ expect }) => expect?.action === "allow");
    judge(
      quarantined(replaced(objects, scenario), scenario),
      denied.map((call) => ({ ...call, expect: { action: "deny" as const, by: "security" } })),
    );
    it("some of them were allowed before", () => assert.ok(denied.length >= 3));
  });

  for (const tier of ["platform", "security", "app", "default"])
    for (const action of ["allow", "deny"])
      it(`has a call that tier ${tier} decides: ${action}`, () =>
        assert.ok(scenario.calls.some(({ expect }) => expect?.action === action && expect.by === tier)));
});

/** One test per call whose caller exists. */
function judge(world: readonly KubeObject[], calls: readonly ScenarioCall[]): void {
  const plan = planCluster(world, { name: "demo", externals: scenario.externals });
  const decide = decider(world);
  for (const call of calls.filter(({ from }) => exists(plan, from)))
    it(`${call.name}: ${call.expect?.action} by ${call.expect?.by}`, () => {
      const verdicts = packetsOf(call, plan).map(decide);
      assert.ok(verdicts.length > 0);
      for (const verdict of verdicts) assert.deepEqual(verdict, call.expect);
    });
}

function decider(world: readonly KubeObject[]): (packet: Packet) => { action: string; by: string } {
  const policy = new World();
  const faults = policy.apply(world.map((object) => ({ type: "upsert", object })));
  assert.deepEqual(faults, []);
  assert.deepEqual(policy.missingTiers(), []);
  const program = policy.program();
  const evaluate = evaluatorOf(program, policy.placement());
  return (packet) => {
    const verdict = evaluate(packet);
    const tiers = pathsOf(verdict).map(({ rule }) => program.rules.get(rule));
    const decisive = tiers.findLast((origin) => origin !== undefined && origin.kind !== "pro");
    return { action: verdict.action, by: decisive?.tier ?? "none" };
  };
}

const pathsOf = ({ egress, ingress }: Verdict) => [egress, ingress].filter((path) => path !== null);

/** The packets that a call may cause: one per pod behind a Service. */
function packetsOf(call: ScenarioCall, plan: ClusterPlan): Packet[] {
  const address = addressOf(call, plan);
  const port = call.port ?? 0;
  const protocol = { tcp: 6, http: 6, udp: 17, icmp: call.family === 4 ? 1 : 58 }[call.protocol];
  const name = call.protocol === "udp" ? "UDP" : "TCP";
  const front = plan.frontends.find((it) => it.address === address && it.port === port && it.protocol === name);
  const source = addressOf({ ...call, to: call.from }, plan);
  const icmp = call.protocol === "icmp" ? { type: call.family === 4 ? 8 : 128, code: 0 } : null;
  return (front?.backends ?? [{ address, port }]).map((target) => ({
    source: parseAddress(source),
    destination: target.address,
    protocol,
    sourcePort: icmp === null ? 40_000 : 0,
    destinationPort: target.port,
    icmp,
  }));
}

function exists(plan: ClusterPlan, caller: string): boolean {
  return !caller.startsWith("pod:") || plan.pods.some(({ id }) => `pod:${id}` === caller);
}

function replaced(world: readonly KubeObject[], { steps }: Scenario): KubeObject[] {
  const step = steps.find((candidate) => "replacePod" in candidate);
  assert.ok(step);
  const { remove, create } = step.replacePod;
  const rest = world.filter(
    ({ kind, metadata }) => kind !== "Pod" || `${metadata.namespace}/${metadata.name}` !== remove,
  );
  assert.equal(rest.length, world.length - 1);
  return [...rest, create as KubeObject];
}

function quarantined(world: readonly KubeObject[], { steps }: Scenario): KubeObject[] {
  const step = steps.find((candidate) => "patchLabels" in candidate);
  assert.ok(step);
  const { name, namespace, labels } = step.patchLabels;
  return world.map((object) =>
    object.metadata.name === name && object.metadata.namespace === namespace
      ? {
          ...object,
          metadata: { ...object.metadata, labels: { ...object.metadata.labels, ...labels } as Record<string, string> },
        }
      : object,
  );
}

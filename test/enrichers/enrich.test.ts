import assert from "node:assert/strict";
import { parseAddress } from "../../core/address.ts";
import type { Flow, RawFlow } from "../../core/records/flow.ts";
import { parseRuleId, type RuleId } from "../../core/rule-id.ts";
import { Enricher } from "../../enrichers/enrich.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import type { EndpointId } from "../../policy/placement.ts";
import type { RuleOrigin } from "../../policy/program.ts";
import { World } from "../../policy/world.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { rawDenial, rawFlow } from "../support/flows.ts";
import { nodeObject, podObject, serviceObject, synced, upsert } from "../support/objects.ts";
import { world as builder } from "../support/world.ts";

const world = [
  upsert(nodeObject("node-1", ["192.168.0.1"], ["10.1.0.0/24"])),
  upsert(nodeObject("node-2", ["192.168.0.2"], ["10.2.0.0/24"])),
  upsert(podObject("dev-shop/web-1", { ips: ["10.1.0.5"], node: "node-1", labels: { app: "web" } })),
  upsert(podObject("prod-shop/api-0", { ips: ["10.2.0.7"], node: "node-2", labels: { app: "api" } })),
  upsert(
    serviceObject("prod-shop/api", { clusterIP: "10.96.0.7", ports: [{ name: "http", port: 80, nodePort: 30080 }] }),
  ),
  synced,
];
const nat = (address: string, port: number) => ({
  destinationAddress: parseAddress(address),
  destinationPort: port,
  sourceAddress: parseAddress("10.1.0.5"),
  sourcePort: 40000,
});
const to = (address: string, parts: Partial<RawFlow> = {}) =>
  rawFlow({ destinationAddress: parseAddress(address), ...parts });

const ends: readonly { readonly title: string; readonly flow: RawFlow; readonly ends: string }[] = [
  { title: "two pods", flow: rawFlow(), ends: "pod dev-shop/web-1 > pod prod-shop/api-0" },
  { title: "a node", flow: to("192.168.0.2"), ends: "pod dev-shop/web-1 > node node-2" },
  { title: "the internet", flow: to("93.184.216.34"), ends: "pod dev-shop/web-1 > network" },
  { title: "a pod address that nobody has", flow: to("10.2.0.99"), ends: "pod dev-shop/web-1 > unknown" },
  { title: "a Service that was not translated", flow: to("10.96.0.7"), ends: "pod dev-shop/web-1 > unknown" },
];

const services: readonly { readonly title: string; readonly flow: RawFlow; readonly service: string | undefined }[] = [
  { title: "through its cluster address", flow: rawFlow({ nat: nat("10.96.0.7", 80) }), service: "prod-shop/api:http" },
  { title: "through a node port", flow: rawFlow({ nat: nat("192.168.0.1", 30080) }), service: "prod-shop/api:http" },
  { title: "not translated", flow: to("10.96.0.7", { destinationPort: 80 }), service: "prod-shop/api:http" },
  { title: "the pod directly", flow: rawFlow(), service: undefined },
  { title: "only the source was translated", flow: rawFlow({ nat: nat("10.2.0.7", 8080) }), service: undefined },
];

describe("enrichers/enrich", () => {
  for (const { title, flow, ends: wanted } of ends)
    it(`endpoints: ${title}`, async () => {
      const { source, destination } = await enriched(flow);
      assert.equal(`${nameOf(source)} > ${nameOf(destination)}`, wanted);
    });

  for (const { title, flow, service: wanted } of services)
    it(`service: ${title}`, async () => {
      const { service } = await enriched(flow);
      assert.equal(service === null ? undefined : `${service.namespace}/${service.name}:${service.port}`, wanted);
    });

  it("keeps the raw record as it is", async () => {
    const raw = rawFlow({ nat: nat("10.96.0.7", 80), seq: 7 });
    const flow: Record<string, unknown> = { ...(await enriched(raw)) };
    assert.deepEqual(Object.fromEntries(Object.keys(raw).map((key) => [key, flow[key]])), raw);
  });

  it("before a policy is known the node observes and the verdict is unknown", async () => {
    const { mode, verdictSource, programRevision } = await enriched(rawFlow());
    assert.deepEqual(
      { mode, verdictSource, programRevision },
      { mode: "observed", verdictSource: "unknown", programRevision: null },
    );
  });

  it("tells mode by the reporting node, and policy from the program in use", async () => {
    const enricher = newEnricher();
    const rule = parseRuleId("0000000000000011");
    const origin: RuleOrigin = {
      tier: "__PROFILE__",
      kind: "pro",
      namespace: null,
      name: "kns",
      direction: "egress",
      action: "allow",
      rule: 0,
    };
    enricher.use({
      program: {
        revision: "r1",
        sets: new Map(),
        blocks: new Map(),
        applies: [],
        rules: new Map([[rule, origin]]),
        notEnforced: [],
      },
      evaluate: () => ({ action: "allow", egress: pathOf(rule), ingress: null, hosts: [], exempt: null }),
      mode: (node) => (node === "node-1" ? "enforced" : "observed"),
    });
    const [flow] = await enricher.stage([rawFlow({ egressRule: rule })]);
    const { mode, verdictSource, programRevision, enforced, reporter, authoritative } = flow as Flow;
    assert.deepEqual(
      { mode, verdictSource, programRevision, enforced, reporter, authoritative },
      {
        mode: "enforced",
        verdictSource: "kernel",
        programRevision: "r1",
        enforced: ["0|__PROFILE__|pro:kns.dev-shop|allow|0"],
        reporter: "src",
        authoritative: false,
      },
    );
  });

  it("names a node by its host endpoint, and the policy by which that denied", async () => {
    const policies = new World();
    const guarded = builder()
      .node("node-2", "192.168.0.2")
      .host("node-2-eth0", { node: "node-2", interfaceName: "eth0" }, { env: "prod" })
      .tier("security", 100)
      .global("security.not-22", {
        tier: "security",
        selector: "env == 'prod'",
        ingress: [{ action: "Deny", protocol: "TCP" }],
      });
    policies.apply(guarded.objects.map((object) => ({ type: "upsert", object })));
    const [program, placement] = [policies.program(), policies.placement()];
    const enricher = newEnricher();
    enricher.use({ program, placement, evaluate: evaluatorOf(program, placement), mode: () => "enforced" });
    const ingressRule = [...program.rules].find(([, { name, rule }]) => name === "security.not-22" && rule === 0)?.[0];
    const denied = { ...rawDenial("ingress"), node: "node-2", ingressRule: ingressRule ?? null, inInterface: "eth0" };
    const [flow] = await enricher.stage([{ ...denied, destinationAddress: parseAddress("192.168.0.2") }]);
    const { kind, name, node, labels } = flow?.destination ?? {};
    assert.deepEqual(
      { kind, name, node, labels },
      { kind: "host", name: "node-2-eth0", node: "node-2", labels: { env: "prod" } },
    );
    assert.deepEqual(flow?.enforced, ["0|security|gnp:security.not-22|deny|0"]);
    assert.deepEqual([flow?.verdictSource, flow?.reporter, flow?.authoritative], ["kernel", "dst", true]);
  });

  it("awaits the owners of pod addresses that are not known, never of the internet or of nodes", () => {
    const enricher = newEnricher();
    const awaited = (address: string) => enricher.awaited(to(address));
    assert.deepEqual(["10.2.0.7", "10.2.0.99", "93.184.216.34", "192.168.0.2", "10.1.0.1"].map(awaited), [
      [],
      ["10.2.0.99"],
      [],
      [],
      [],
    ]);
  });
});

function newEnricher(): Enricher {
  const enricher = new Enricher({ clock: new FakeClock(), cluster: "lab" });
  enricher.update(world);
  return enricher;
}

async function enriched(raw: RawFlow): Promise<Flow> {
  const [flow] = await newEnricher().stage([raw]);
  return flow as Flow;
}

function nameOf(endpoint: Flow["source"]): string {
  if (endpoint === null) return "nothing";
  const path = [endpoint.namespace, endpoint.name].filter((part) => part !== null).join("/");
  return path === "" ? endpoint.kind : `${endpoint.kind} ${path}`;
}

function pathOf(rule: RuleId) {
  const endpoint = "pod:dev-shop/web-1" as EndpointId;
  return { endpoint, direction: "egress", action: "allow", rule, steps: [{ rule, action: "allow" }] } as const;
}

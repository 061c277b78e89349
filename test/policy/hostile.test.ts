import assert from "node:assert/strict";
import fc from "fast-check";
import type { KubeObject } from "../../core/kube/objects.ts";
import { diff } from "../../enforcer/diff.ts";
import { render } from "../../enforcer/render.ts";
import { textOf } from "../../enforcer/text.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import { viewOf } from "../support/render-all.ts";
import { packet, world } from "../support/world.ts";

// Texts that mean something to a selector, to nft, to JavaScript or to a flow record.
const text = fc.oneof(
  fc.constantFrom(
    "",
    "web",
    "all()",
    "!has(a)",
    "a == 'b' || c in {}",
    "global()",
    "has(a) && !(b != 'c')",
    `'"`,
    '"; flush ruleset #',
    "a|b|deny",
    "__proto__",
    "constructor",
    "0.0.0.0/0",
    "::/0",
    "::ffff:10.0.0.1/112",
    "10.0.0.1/33",
    "80",
    "1:65535",
    "TCP",
    "ICMP",
    "In",
    "Exists",
    "\u0000\n\t",
    "x".repeat(600),
    `has(${"y".repeat(512)})`,
  ),
  fc.string({ maxLength: 12 }),
);
const scalar = fc.oneof(text, fc.constantFrom(null, true, 0, 1, 6, 58, 80, 65_536, -1, 1.5, Number.NaN, 1e308));
const anything = fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }), fc.dictionary(text, scalar, { maxKeys: 3 }));
/** Mostly what belongs there, now and then anything. */
const or = <T>(good: fc.Arbitrary<T>) => fc.oneof({ weight: 9, arbitrary: good }, { weight: 1, arbitrary: anything });
const some = (shape: Record<string, fc.Arbitrary<unknown>>) => fc.record(shape, { requiredKeys: [] });

const entity = some({
  nets: or(fc.array(text, { maxLength: 2 })),
  notNets: or(fc.array(text, { maxLength: 2 })),
  selector: or(text),
  notSelector: or(text),
  namespaceSelector: or(text),
  serviceAccounts: or(some({ names: fc.array(text, { maxLength: 2 }), selector: text })),
  ports: or(fc.array(scalar, { maxLength: 3 })),
  notPorts: or(fc.array(scalar, { maxLength: 3 })),
  services: or(some({ name: text, namespace: text })),
  domains: or(fc.array(text, { maxLength: 2 })),
});
const rule = some({
  action: fc.constantFrom("Allow", "Deny", "Pass", "Log"),
  ipVersion: or(fc.constantFrom(4, 6)),
  protocol: or(fc.constantFrom("TCP", "udp", 58, "1", "SCTP")),
  icmp: or(some({ type: scalar, code: scalar })),
  source: or(entity),
  destination: or(entity),
});
const calico = some({
  tier: or(fc.constantFrom("security", "kube-admin")),
  order: scalar,
  selector: or(text),
  serviceAccountSelector: or(text),
  types: or(fc.subarray(["Ingress", "Egress"])),
  ingress: or(fc.array(rule, { maxLength: 2 })),
  egress: or(fc.array(rule, { maxLength: 2 })),
  stagedAction: fc.constantFrom("Set", "Delete", "Learn", "Ignore", "set"),
});
const labelSelector = some({
  matchLabels: or(fc.dictionary(text, text, { maxKeys: 2 })),
  matchExpressions: or(fc.array(some({ key: text, operator: text, values: fc.array(text) }), { maxLength: 2 })),
});
const peers = fc.array(some({ podSelector: labelSelector, namespaceSelector: labelSelector }), { maxLength: 2 });
const kubernetes = some({
  podSelector: or(labelSelector),
  ingress: or(
    fc.array(some({ from: peers, ports: fc.array(some({ port: scalar, endPort: scalar })) }), { maxLength: 2 }),
  ),
});
const namespaced = some({ namespaceSelector: labelSelector, podSelector: labelSelector });
const adminPeer = some({
  namespaces: labelSelector,
  pods: or(namespaced),
  nodes: labelSelector,
  networks: or(fc.array(text, { maxLength: 2 })),
  domainNames: or(fc.array(text, { maxLength: 2 })),
});
const adminRule = some({
  name: text,
  action: fc.constantFrom("Accept", "Allow", "Deny", "Pass", "accept"),
  from: or(fc.array(adminPeer, { maxLength: 2 })),
  to: or(fc.array(adminPeer, { maxLength: 2 })),
  protocols: or(
    fc.array(some({ tcp: or(some({ destinationPort: some({ number: scalar }) })), destinationNamedPort: text })),
  ),
  ports: or(fc.array(some({ portNumber: some({ port: scalar, protocol: text }), namedPort: text }))),
});
const admin = some({
  tier: fc.constantFrom("Admin", "Baseline"),
  priority: fc.constantFrom(0, 1000, 1001),
  subject: or(some({ namespaces: labelSelector, pods: namespaced })),
  ingress: or(fc.array(adminRule, { maxLength: 2 })),
  egress: or(fc.array(adminRule, { maxLength: 2 })),
});
const stagedKinds = ["StagedNetworkPolicy", "StagedGlobalNetworkPolicy", "StagedKubernetesNetworkPolicy"];
const adminKinds = ["AdminNetworkPolicy", "BaselineAdminNetworkPolicy"];
const policy = fc.oneof(
  fc.tuple(fc.constant("projectcalico.org/v3"), fc.constantFrom("NetworkPolicy", "GlobalNetworkPolicy"), or(calico)),
  fc.tuple(fc.constant("projectcalico.org/v3"), fc.constantFrom(...stagedKinds), or(fc.oneof(calico, kubernetes))),
  fc.tuple(fc.constant("policy.networking.k8s.io/v1alpha2"), fc.constant("ClusterNetworkPolicy"), or(admin)),
  fc.tuple(fc.constant("policy.networking.k8s.io/v1alpha1"), fc.constantFrom(...adminKinds), or(admin)),
  fc.tuple(fc.constant("networking.k8s.io/v1"), fc.constant("NetworkPolicy"), or(kubernetes)),
);

describe("hostile policies", () => {
  it("are refused or understood, and never stop the engine", () => {
    const builder = world().namespace("a", { a: "b" }).pod("a/web", { app: "web" }).pod("a/api");
    const property = fc.property(policy, ([apiVersion, kind, spec]) => {
      const object = { apiVersion, kind, metadata: { name: "p", namespace: "a" }, spec } as KubeObject;
      const current = builder.world();
      const faults = current.apply([{ type: "upsert", object }]);
      const [program, placement] = [current.program(), current.placement()];
      const { action } = evaluatorOf(program, placement)(packet(builder, "a/web -> a/api tcp/80"));
      assert.ok(faults.length === 0 || action === "allow", "what was refused has an effect");
      const { ruleset, problems } = render(program, placement, viewOf(placement, "node-a"));
      assert.deepEqual(problems, []);
      assert.doesNotMatch(textOf(diff(undefined, ruleset)), /flush ruleset/);
    });
    fc.assert(property, { numRuns: Number(process.env["FUZZ_RUNS"] ?? 500) });
  }).timeout(60_000);
});

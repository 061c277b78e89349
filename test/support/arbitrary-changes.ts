import fc from "fast-check";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Change } from "../../core/kube/watch.ts";

// Changes of a small world in which everything meets everything: few names, labels and addresses. Some objects are refused.

const namespace = fc.constantFrom("a", "b");
const labels = fc.record(
  { app: fc.constantFrom("web", "api", "db"), env: fc.constantFrom("prod", "dev") },
  { requiredKeys: [] },
);
const understood = fc.constantFrom(
  "all()",
  "app == 'web'",
  "app in {'api', 'db'}",
  "has(env)",
  "env == 'prod' && app != 'db'",
  "app == 'web' || env == 'dev'",
  "!has(app)",
  "app contains 'w'",
);
const selector = fc.oneof({ weight: 30, arbitrary: understood }, fc.constant("(("));
const some = (shape: Record<string, fc.Arbitrary<unknown>>) => fc.record(shape, { requiredKeys: [] });

interface Draft {
  readonly namespace?: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

const ended = { deletionTimestamp: "2026-01-03T00:00:00Z" };
const pod = fc
  .record({
    namespace,
    name: fc.constantFrom("p1", "p2", "p3"),
    labels,
    last: fc.constantFrom(1, 2, 3),
    created: fc.constantFrom("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
    going: fc.boolean(),
    phase: fc.constantFrom("Running", "Running", "Running", "Succeeded", "Pending"),
    hostNetwork: fc.constantFrom(false, false, false, true),
    serviceAccountName: fc.constantFrom("default", "robot"),
    port: fc.constantFrom(80, 8080),
  })
  .map(({ namespace, name, labels, last, created, going, phase, hostNetwork, serviceAccountName, port }) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace, name, labels, creationTimestamp: created, ...(going ? ended : {}) },
    spec: {
      nodeName: "n1",
      hostNetwork,
      serviceAccountName,
      containers: [{ name: "main", ports: [{ name: "http", containerPort: port }] }],
    },
    status: { phase, ...(phase === "Pending" ? {} : addresses(last)) },
  }));

function addresses(last: number) {
  return { podIP: `10.0.0.${last}`, podIPs: [{ ip: `10.0.0.${last}` }, { ip: `fd00::${last}` }] };
}

const drafts = {
  Namespace: fc.record({ name: namespace, labels }),
  ServiceAccount: fc.record({ namespace, name: fc.constantFrom("default", "robot"), labels }),
  Node: fc
    .record({ name: fc.constantFrom("n1", "n2"), labels, last: fc.constantFrom(1, 2) })
    .map(({ last, ...rest }) => ({
      ...rest,
      status: { addresses: [{ type: "InternalIP", address: `192.0.2.${last}` }] },
    })),
} satisfies Record<string, fc.Arbitrary<unknown>>;

const peer = some({
  selector,
  notSelector: selector,
  namespaceSelector: fc.constantFrom("env == 'prod'", "all()", "global()"),
  nets: fc.constantFrom(["10.0.0.0/30"], ["192.0.2.0/24"]),
  ports: fc.constantFrom(["http"], [80], ["8000:8080"]),
});
const rule = fc.record(
  {
    action: fc.constantFrom("Allow", "Deny", "Pass", "Log"),
    protocol: fc.constant("TCP"),
    source: peer,
    destination: peer,
  },
  { requiredKeys: ["action", "protocol"] },
);
const rules = fc.array(rule, { maxLength: 2 });
const calico = {
  tier: fc.constantFrom("default", "t1", "t2"),
  order: fc.constantFrom(1, 2, 3),
  selector,
  types: fc.subarray(["Ingress", "Egress"], { minLength: 1 }),
  ingress: rules,
  egress: rules,
};
const labelSelector = fc.record({ matchLabels: labels });
const kubernetes = fc.record({
  podSelector: labelSelector,
  ingress: fc.array(
    fc.record({
      from: fc.array(some({ podSelector: labelSelector, namespaceSelector: labelSelector }), { maxLength: 2 }),
    }),
    { maxLength: 2 },
  ),
});
const name = fc.constantFrom("x", "y");
const stagedAction = fc.constantFrom("Set", "Delete", "Learn", "Ignore");

function objects(apiVersion: string, kind: string, parts: fc.Arbitrary<object>): fc.Arbitrary<KubeObject> {
  return parts.map((all) => {
    const { namespace, name, labels, ...rest } = all as Draft;
    return {
      apiVersion,
      kind,
      metadata: {
        name,
        ...(namespace === undefined ? {} : { namespace }),
        ...(labels === undefined ? {} : { labels }),
      },
      ...rest,
    };
  });
}

const v3 = "projectcalico.org/v3";
const policySpec = some(calico);
const object: fc.Arbitrary<KubeObject> = fc.oneof(
  { weight: 4, arbitrary: pod },
  objects("v1", "Namespace", drafts.Namespace),
  objects("v1", "ServiceAccount", drafts.ServiceAccount),
  objects("v1", "Node", drafts.Node),
  objects(
    v3,
    "Tier",
    fc.record({
      name: fc.constantFrom("t1", "t2"),
      spec: some({ order: fc.constantFrom(10, 20, 2_000_000), defaultAction: fc.constantFrom("Deny", "Pass") }),
    }),
  ),
  { weight: 2, arbitrary: objects(v3, "NetworkPolicy", fc.record({ namespace, name, spec: policySpec })) },
  {
    weight: 2,
    arbitrary: objects(
      v3,
      "GlobalNetworkPolicy",
      fc.record({ name, spec: some({ ...calico, namespaceSelector: fc.constantFrom("env == 'prod'", "all()") }) }),
    ),
  },
  objects("networking.k8s.io/v1", "NetworkPolicy", fc.record({ namespace, name, spec: kubernetes })),
  objects(v3, "StagedNetworkPolicy", fc.record({ namespace, name, spec: some({ ...calico, stagedAction }) })),
  objects(v3, "GlobalNetworkSet", fc.record({ name, labels, spec: some({ nets: fc.constant(["198.51.100.0/24"]) }) })),
  objects(v3, "NetworkSet", fc.record({ namespace, name, labels, spec: some({ nets: fc.constant(["203.0.113.9"]) }) })),
  objects(
    v3,
    "HostEndpoint",
    fc.record({
      name: fc.constantFrom("h1", "h2"),
      labels,
      spec: fc.record({
        node: fc.constant("n1"),
        interfaceName: fc.constantFrom("*", "eth0"),
        expectedIPs: fc.constantFrom([], ["192.0.2.1"]),
        profiles: fc.constantFrom([], ["projectcalico-default-allow"]),
      }),
    }),
  ),
  objects(
    "discovery.k8s.io/v1",
    "EndpointSlice",
    fc.record({
      namespace,
      name: fc.constantFrom("s1", "s2"),
      labels: fc.constantFrom({ "kubernetes.io/service-name": "svc" }, { "kubernetes.io/service-name": "other" }),
      endpoints: fc.constantFrom([], [{ addresses: ["10.0.0.1"] }], [{ addresses: ["10.0.0.2", "10.0.0.3"] }]),
      ports: fc.constantFrom([], [{ port: 80 }]),
    }),
  ),
);

export const arbitraryChange: fc.Arbitrary<Change> = fc
  .tuple(fc.constantFrom("upsert" as const, "upsert" as const, "upsert" as const, "delete" as const), object)
  // As they come from the wire: fast-check makes some without a prototype.
  .map(([type, object]) => ({ type, object: JSON.parse(JSON.stringify(object)) as KubeObject }));

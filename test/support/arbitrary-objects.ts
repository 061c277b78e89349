import fc from "fast-check";
import type { KubeObject } from "../../core/kube/objects.ts";

// Random clusters as the objects that people write, with the addresses of arbitrary-world.ts, so that its packets meet them: the way from
// a manifest to the kernel is the whole one. What the readers refuse does not count.

const calico = "projectcalico.org/v3";
const nodes = [
  { name: "a", ips: ["192.0.2.1", "2001:db8::a"], podCidrs: ["10.1.0.0/24", "fd01::/64"], zone: "near" },
  { name: "b", ips: ["192.0.2.2", "2001:db8::b"], podCidrs: ["10.2.0.0/24", "fd02::/64"], zone: "near" },
  { name: "c", ips: ["192.0.2.3"], podCidrs: ["10.3.0.0/24"], zone: "far" },
] as const;
const pods = [
  { path: "red/a1", node: "a", ips: ["10.1.0.1", "fd01::1"] },
  { path: "red/a2", node: "a", ips: ["10.1.0.2"] },
  { path: "blue/a3", node: "a", ips: ["10.1.0.3", "fd01::3"] },
  { path: "blue/b1", node: "b", ips: ["10.2.0.1", "fd02::1"] },
  { path: "red/b2", node: "b", ips: ["10.2.0.2"] },
] as const;
const hosts = [
  { name: "a-all", node: "a", interfaceName: "*", expectedIPs: ["192.0.2.1"] },
  { name: "a-eth0", node: "a", interfaceName: "eth0", expectedIPs: ["192.0.2.1", "198.51.100.1"] },
  // Of a pod: names of dataplane/layout.ts.
  { name: "a-pod", node: "a", interfaceName: "slp0" },
  { name: "b-eth0", node: "b", interfaceName: "eth0" },
  { name: "b-eth1", node: "b", interfaceName: "eth1", expectedIPs: ["198.51.100.2"] },
  { name: "c-all", node: "c", interfaceName: "*" },
  { name: "c-address", node: "c", expectedIPs: ["192.0.2.3"] },
] as const;

type Labels = Readonly<Record<string, string>>;

const labels: fc.Arbitrary<Labels> = fc.record(
  { app: fc.constantFrom("web", "db"), env: fc.constantFrom("prod", "dev") },
  { requiredKeys: [] },
);
const some = (shape: Record<string, fc.Arbitrary<unknown>>) => fc.record(shape, { requiredKeys: [] });
const rarely = <T>(arbitrary: fc.Arbitrary<T>, weight = 3): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const selector = fc.constantFrom(
  "all()",
  "has(app)",
  "app == 'web'",
  "app != 'web'",
  "env in {'prod'}",
  "!has(env)",
  "app == 'db' || env == 'dev'",
);
const nets = {
  4: ["10.0.0.0/8", "10.1.0.0/31", "192.0.2.0/24", "8.8.8.8/32", "198.51.100.0/24", "0.0.0.0/0"],
  6: ["fd01::/64", "fd00::/8", "2606::/16", "2001:db8::a/128", "::/0"],
} as const;
const portList = fc.subarray([53, 80, "79:81", "8080:65535", "http", "dns"], { minLength: 1, maxLength: 2 });

/** A rule is about one family where it names nets. */
const peer = (family: 4 | 6) => {
  const ofFamily = fc.subarray<string>([...nets[family]], { minLength: 1, maxLength: 3 });
  return some({
    selector: rarely(selector),
    notSelector: rarely(selector, 8),
    namespaceSelector: rarely(fc.constantFrom("team == 'one'", "team == 'two'", "all()", "global()"), 6),
    nets: rarely(ofFamily),
    notNets: rarely(ofFamily, 8),
  });
};
/** Ports go with protocols that have some, types with ICMP. */
const transport = (family: 4 | 6) => {
  const icmp = family === 4 ? "ICMP" : "ICMPv6";
  return fc.oneof(
    fc.constant({}),
    fc.record({ protocol: fc.constantFrom("TCP", "UDP", "SCTP", icmp, "UDPLite", 47) }),
    fc.record({ notProtocol: fc.constantFrom("TCP", "UDP", 1, 4) }),
    fc.record({
      protocol: fc.constant(icmp),
      icmp: fc.constantFrom({ type: 8 }, { type: 128, code: 0 }, { type: 0, code: 1 }),
    }),
  );
};
const portTransport = fc.record({
  protocol: fc.constantFrom("TCP", "UDP", "SCTP"),
  ports: some({
    from: portList.map((ports) => ({ ports })),
    to: fc.oneof(
      portList.map((ports) => ({ ports })),
      portList.map((notPorts) => ({ notPorts })),
    ),
  }),
});
const rule = fc.constantFrom(4 as const, 6 as const).chain((family) =>
  fc
    .record({
      action: fc.constantFrom("Allow", "Deny", "Pass", "Log"),
      ipVersion: rarely(fc.constant(family), 8),
      source: peer(family),
      destination: peer(family),
      what: fc.oneof(transport(family), portTransport),
    })
    .map(({ what, source, destination, ...rest }) => {
      const { ports, ...protocol } = what as { ports?: { from?: object; to?: object } };
      return {
        ...rest,
        ...protocol,
        source: { ...source, ...ports?.from },
        destination: { ...destination, ...ports?.to },
      };
    }),
);
const rules = fc.array(rule, { maxLength: 4 });

const lists = fc.constantFrom(
  {},
  {},
  { applyOnForward: true },
  { preDNAT: true, applyOnForward: true },
  { doNotTrack: true, applyOnForward: true },
);
const policySpec = fc
  .record({
    order: rarely(fc.constantFrom(1, 2, 1000)),
    selector,
    lists,
    ingress: rarely(rules, 1),
    egress: rarely(rules, 1),
  })
  .map(({ lists, ingress, egress, ...rest }) => {
    const out = "preDNAT" in lists ? undefined : egress;
    const types = [...(ingress === undefined ? [] : ["Ingress"]), ...(out === undefined ? [] : ["Egress"])];
    return { ...rest, ...lists, ingress, egress: out, ...(types.length === 0 ? {} : { types }) };
  });

const tierName = fc.constantFrom("early", "late", "default");
const global = fc.record({ tier: tierName, spec: policySpec, staged: fc.constantFrom(false, false, false, true) }).map(
  ({ tier, spec, staged }) =>
    (name: string) =>
      object(
        calico,
        staged ? "StagedGlobalNetworkPolicy" : "GlobalNetworkPolicy",
        { name: `${tier}.${name}` },
        { tier, ...spec },
      ),
);
const namespaced = fc.record({ tier: tierName, namespace: fc.constantFrom("red", "blue"), spec: policySpec }).map(
  ({ tier, namespace, spec: { applyOnForward: _, preDNAT: __, doNotTrack: ___, ...spec } }: NamespacedDraft) =>
    (name: string) =>
      object(calico, "NetworkPolicy", { namespace, name: `${tier}.${name}` }, { tier, ...spec }),
);

interface NamespacedDraft {
  readonly tier: string;
  readonly namespace: string;
  readonly spec: { readonly applyOnForward?: boolean; readonly preDNAT?: boolean; readonly doNotTrack?: boolean };
}

const labelSelector = fc.constantFrom(
  {},
  { matchLabels: { app: "web" } },
  { matchExpressions: [{ key: "env", operator: "NotIn", values: ["dev"] }] },
);
const kubernetesPeer = fc.oneof(
  fc.record({ podSelector: labelSelector }),
  fc.record({ namespaceSelector: fc.constantFrom({}, { matchLabels: { team: "two" } }), podSelector: labelSelector }),
  fc.constantFrom(
    { ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/31"] } },
    { ipBlock: { cidr: "fd00::/8" } },
    { ipBlock: { cidr: "0.0.0.0/0" } },
  ),
);
const kubernetesPorts = fc.subarray(
  [{ port: 80 }, { protocol: "UDP", port: 53 }, { port: "http" }, { protocol: "SCTP" }, { port: 79, endPort: 8080 }],
  { maxLength: 2 },
);
const kubernetesRules = (side: "from" | "to") =>
  fc.array(fc.record({ [side]: fc.array(kubernetesPeer, { maxLength: 2 }), ports: kubernetesPorts }), { maxLength: 2 });
const kubernetes = fc
  .record({
    namespace: fc.constantFrom("red", "blue"),
    podSelector: labelSelector,
    policyTypes: fc.subarray(["Ingress", "Egress"], { minLength: 1 }),
    ingress: kubernetesRules("from"),
    egress: kubernetesRules("to"),
  })
  .map(
    ({ namespace, ...spec }) =>
      (name: string) =>
        object("networking.k8s.io/v1", "NetworkPolicy", { namespace, name }, spec),
  );

const subject = fc.constantFrom(
  { namespaces: {} },
  { namespaces: { matchLabels: { team: "one" } } },
  { pods: { namespaceSelector: {}, podSelector: { matchLabels: { app: "web" } } } },
);
const clusterRules = (side: "from" | "to") =>
  fc.array(
    fc.record({
      action: fc.constantFrom("Accept", "Deny", "Pass"),
      [side]: fc.array(subject, { minLength: 1, maxLength: 2 }),
    }),
    { maxLength: 2 },
  );
const cluster = fc
  .record({
    tier: fc.constantFrom("Admin", "Baseline"),
    priority: fc.constantFrom(1, 2, 50),
    subject,
    ingress: clusterRules("from"),
    egress: clusterRules("to"),
  })
  .map((spec) => (name: string) => object("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", { name }, spec));

const networkSet = fc
  .record({ labels, nets: fc.subarray(["8.0.0.0/8", "10.2.0.0/16", "10.1.0.2/32", "fd00::/8"]) })
  .map(
    ({ labels, nets }) =>
      (name: string) =>
        object(calico, "GlobalNetworkSet", { name, labels }, { nets }),
  );

/** Cluster, tiers, then up to seven policies of any kind. */
export const arbitraryObjects: fc.Arbitrary<readonly KubeObject[]> = fc
  .record({
    pods: fc.tuple(...pods.map(() => labels)),
    hosts: fc.tuple(...hosts.map(() => fc.option(fc.record({ labels, open: fc.boolean() })))),
    sets: fc.array(networkSet, { maxLength: 2 }),
    tiers: fc.tuple(fc.constantFrom(1, 1000), fc.constantFrom("Deny", "Pass"), fc.constantFrom("Deny", "Pass")),
    policies: fc.array(
      fc.oneof({ weight: 4, arbitrary: global }, { weight: 2, arbitrary: namespaced }, kubernetes, cluster),
      { maxLength: 7 },
    ),
  })
  .map(({ pods: ofPods, hosts: ofHosts, sets, tiers: [order, early, late], policies }) => [
    ...[["red", "one"] as const, ["blue", "two"] as const].map(([name, team]) =>
      object("v1", "Namespace", { name, labels: { team, "kubernetes.io/metadata.name": name } }, undefined),
    ),
    ...nodes.map(nodeObject),
    ...pods.map((pod, at) => podObject(pod, ofPods[at] ?? {})),
    ...hosts.flatMap((host, at) => hostObject(host, ofHosts[at] ?? null)),
    object(calico, "Tier", { name: "early" }, { order, defaultAction: early }),
    object(calico, "Tier", { name: "late" }, { order: 2_000_000, defaultAction: late }),
    ...[...sets, ...policies].map((make, at) => make(`p${at}`)),
  ]);

function object(
  apiVersion: string,
  kind: string,
  metadata: KubeObject["metadata"],
  spec: object | undefined,
): KubeObject {
  // Without what is undefined, as a manifest would be.
  return JSON.parse(JSON.stringify({ apiVersion, kind, metadata, spec })) as KubeObject;
}

function nodeObject({ name, ips, podCidrs, zone }: (typeof nodes)[number]): KubeObject {
  const status = { addresses: ips.map((address) => ({ type: "InternalIP", address })) };
  return { ...object("v1", "Node", { name, labels: { zone } }, { podCIDRs: podCidrs }), status };
}

function podObject({ path, node, ips }: (typeof pods)[number], labels: Labels): KubeObject {
  const [namespace = "", name = ""] = path.split("/");
  const ports = [
    { name: "http", containerPort: name === "a1" ? 8080 : 80 },
    { name: "dns", containerPort: 53, protocol: "UDP" },
  ];
  const spec = { nodeName: node, containers: [{ name: "main", ports }] };
  const status = { phase: "Running", podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) };
  return { ...object("v1", "Pod", { namespace, name, labels }, spec), status };
}

function hostObject(
  { name, ...spec }: (typeof hosts)[number],
  given: { readonly labels: Labels; readonly open: boolean } | null,
): readonly KubeObject[] {
  if (given === null) return [];
  const profiles = given.open ? { profiles: ["projectcalico-default-allow"] } : {};
  return [object(calico, "HostEndpoint", { name, labels: given.labels }, { ...spec, ...profiles })];
}

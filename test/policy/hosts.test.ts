import assert from "node:assert/strict";
import { parseAddress } from "../../core/address.ts";
import { compile } from "../../policy/compile.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import { readGlobalNetworkPolicy } from "../../policy/kinds/calico-policy.ts";
import { hostLabels, podLabels } from "../../policy/labels.ts";
import type { Policy } from "../../policy/model.ts";
import { place } from "../../policy/place.ts";
import type { Endpoint, EndpointId } from "../../policy/placement.ts";
import type { Packet, Verdict } from "../../policy/verdict.ts";

// Node 1 has the pods web and db, node 2 the pod api. Addresses: nodes 192.0.2.N, second interfaces 198.51.100.N, pods 10.N.0.x.

const bare = { addresses: [], nets: [], interfaceName: null, ports: [], hostNetwork: false, namespace: null };

function node(number: number): Endpoint {
  const name = `node-${number}`;
  const addresses = [parseAddress(`192.0.2.${number}`)];
  return { ...bare, id: `node:${name}` as EndpointId, kind: "node", name, node: name, addresses, labels: {} };
}

function pod(name: string, on: number, address: string): Endpoint {
  const identity = { namespace: "shop", serviceAccount: "default", namespaceLabels: {}, serviceAccountLabels: {} };
  return {
    ...bare,
    ...{ id: `pod:shop/${name}` as EndpointId, kind: "pod", namespace: "shop", name, node: `node-${on}` },
    ...{ addresses: [parseAddress(address)], labels: podLabels({ ...identity, labels: { app: name } }) },
  };
}

function host(
  on: number,
  interfaceName: string | null,
  more: { open?: boolean; ips?: readonly string[] } = {},
): Endpoint {
  const name = `${on}-${interfaceName ?? "address"}`;
  const place = { node: `node-${on}`, interfaceName, addresses: (more.ips ?? []).map(parseAddress) };
  const labels = hostLabels({ role: "host", name }, more.open ?? true);
  return { ...bare, id: `host:${name}` as EndpointId, kind: "host", name, ...place, labels };
}

/** About all hosts; `lists` in words of the API. */
function policy(name: string, lists: Policy["lists"], spec: object): Policy {
  const read = readGlobalNetworkPolicy({
    apiVersion: "projectcalico.org/v3",
    kind: "GlobalNetworkPolicy",
    metadata: { name },
    spec: { selector: "role == 'host'", ...spec },
  });
  if ("problems" in read) throw new Error(JSON.stringify(read.problems));
  return { ...read.value, lists };
}

const deny = { action: "Deny" };
const allow = { action: "Allow" };
const denyIn = { ingress: [deny] };
const denyOut = { egress: [deny] };
const onForward: Policy["lists"] = ["normal", "forward"];

const addresses: Readonly<Record<string, string>> = {
  "node-1": "192.0.2.1",
  "node-2": "192.0.2.2",
  web: "10.1.0.1",
  db: "10.1.0.2",
  api: "10.2.0.1",
};

/** `web -> node-1 22`: TCP. */
function packetOf(text: string, more: Partial<Packet> = {}): Packet {
  const [from = "", , to = "", port] = text.split(" ");
  const at = (name: string) => parseAddress(addresses[name] ?? name);
  const ends = { source: at(from), destination: at(to) };
  return { ...ends, protocol: 6, sourcePort: 40_000, destinationPort: Number(port), icmp: null, ...more };
}

function decide(hosts: readonly Endpoint[], policies: readonly Policy[], packet: Packet): Verdict {
  const pods = [pod("web", 1, "10.1.0.1"), pod("db", 1, "10.1.0.2"), pod("api", 2, "10.2.0.1")];
  const program = compile([], policies);
  return evaluatorOf(program, place(program, [node(1), node(2), ...hosts, ...pods]))(packet);
}

/** The lists that were asked, with what they said. */
function told({ action, egress, ingress, hosts }: Verdict): string {
  const ofHosts = hosts.filter(({ list }) => list !== "failsafe" || action === "allow");
  const normal = [egress, ingress].filter((path) => path?.endpoint.startsWith("host:"));
  const texts = [
    ...ofHosts
      .filter((path) => path.action === "allow" || path.action === "deny")
      .map((path) => `${path.list} ${path.direction} of ${path.endpoint}`),
    ...normal.map((path) => `normal ${path?.direction} of ${path?.endpoint}`),
  ];
  return [action, ...texts].join(", ");
}

interface Row {
  readonly title: string;
  readonly hosts: readonly Endpoint[];
  readonly policies: readonly Policy[];
  readonly packet: string;
  readonly more?: Partial<Packet>;
  readonly is: string;
}

const all = [host(1, "*")];
const eth0 = [host(1, "eth0")];
const closed = [host(1, "*", { open: false })];

const byService = { translated: { node: "node-1", destination: parseAddress("10.96.0.1"), destinationPort: 80 } };
const byNodePort = (destinationPort: number) => ({
  translated: { node: "node-1", destination: parseAddress("192.0.2.1"), destinationPort },
});

const rows: Readonly<Record<string, readonly Row[]>> = {
  "lists and traffic": [
    {
      title: "a host endpoint without profile is closed to the world",
      ...{ hosts: closed, policies: [], packet: "8.8.8.8 -> node-1 80" },
      is: "deny, normal ingress of host:1-*",
    },
    {
      title: "but not at failsafe ports",
      ...{ hosts: closed, policies: [], packet: "8.8.8.8 -> node-1 22" },
      is: "allow, failsafe ingress of host:1-*",
    },
    {
      title: "failsafe ports come before untracked and preDnat policies",
      hosts: eth0,
      policies: [policy("u", ["untracked"], denyIn), policy("d", ["preDnat"], denyIn)],
      packet: "8.8.8.8 -> node-1 6443",
      is: "allow, failsafe ingress of host:1-eth0",
    },
    {
      title: "failsafe ports of pods behind a host are not open",
      ...{ hosts: eth0, policies: [policy("d", ["preDnat"], denyIn)], packet: "8.8.8.8 -> web 22" },
      is: "deny, preDnat ingress of host:1-eth0",
    },
    {
      title: "untracked comes before preDnat, preDnat before normal",
      hosts: eth0,
      policies: [policy("u", ["untracked"], { ingress: [allow] }), policy("d", ["preDnat"], denyIn)],
      packet: "8.8.8.8 -> node-1 80",
      is: "allow, untracked ingress of host:1-eth0",
    },
    {
      title: "what preDnat allows, normal does not see",
      hosts: eth0,
      policies: [policy("d", ["preDnat"], { ingress: [allow] }), policy("n", ["normal"], denyIn)],
      packet: "8.8.8.8 -> node-1 80",
      is: "allow, preDnat ingress of host:1-eth0",
    },
    {
      title: "what preDnat allows to a pod, the forward list of that interface does not see",
      hosts: eth0,
      policies: [policy("d", ["preDnat"], { ingress: [allow] }), policy("f", onForward, denyIn)],
      packet: "8.8.8.8 -> web 80",
      is: "allow, preDnat ingress of host:1-eth0",
    },
    {
      title: "a tier's default denies nothing in untracked and preDnat lists",
      hosts: eth0,
      policies: [policy("u", ["untracked"], { ingress: [] }), policy("d", ["preDnat"], { ingress: [] })],
      packet: "8.8.8.8 -> node-1 80",
      is: "allow, normal ingress of host:1-eth0",
    },
    {
      title: "preDnat has nothing to say about what the host sends",
      ...{ hosts: eth0, policies: [policy("d", ["preDnat"], denyIn)], packet: "node-1 -> 8.8.8.8 80" },
      is: "allow, normal egress of host:1-eth0",
    },
    {
      title: "a normal policy is not about what the host forwards",
      ...{ hosts: eth0, policies: [policy("n", ["normal"], denyIn)], packet: "8.8.8.8 -> web 80" },
      is: "allow",
    },
    {
      title: "one that applies on forward is, and ends with deny",
      ...{ hosts: eth0, policies: [policy("f", onForward, { types: ["Egress"] })], packet: "web -> 8.8.8.8 80" },
      is: "deny, forward egress of host:1-eth0",
    },
    {
      title: "it is about the interface where the packet comes in, for what goes to a pod",
      ...{ hosts: eth0, policies: [policy("f", onForward, denyIn)], packet: "api -> web 80" },
      is: "deny, forward ingress of host:1-eth0",
    },
    {
      title: "preDnat sees where the packet was going before its destination was translated",
      hosts: eth0,
      policies: [
        policy("d", ["preDnat"], { ingress: [{ ...deny, protocol: "TCP", destination: { ports: [30_080] } }] }),
      ],
      packet: "8.8.8.8 -> web 80",
      more: { translated: { node: "node-1", destination: parseAddress("192.0.2.1"), destinationPort: 30_080 } },
      is: "deny, preDnat ingress of host:1-eth0",
    },
  ],
  "all interfaces": [
    {
      title: "a host reaches its own pods, whatever is denied",
      ...{ hosts: closed, policies: [policy("n", onForward, denyOut)], packet: "node-1 -> web 80" },
      is: "allow",
    },
    {
      title: "untracked policy is not for all interfaces at once",
      ...{ hosts: all, policies: [policy("u", ["untracked"], denyIn)], packet: "8.8.8.8 -> node-1 80" },
      is: "allow, normal ingress of host:1-*",
    },
    {
      title: "interfaces of pods are among them: a pod to its own host",
      ...{ hosts: all, policies: [policy("n", ["normal"], denyIn)], packet: "web -> node-1 80" },
      is: "deny, normal ingress of host:1-*",
    },
    {
      title: "and between two pods of the host, if a policy applies on forward",
      ...{ hosts: all, policies: [policy("f", onForward, denyIn)], packet: "web -> db 80" },
      is: "deny, forward ingress of host:1-*",
    },
    {
      title: "interfaces of pods are not those of a named one",
      ...{ hosts: eth0, policies: [policy("n", onForward, denyIn)], packet: "web -> node-1 80" },
      is: "allow",
    },
    {
      title: "a host reaches itself",
      ...{ hosts: closed, policies: [], packet: "node-1 -> node-1 80" },
      is: "allow",
    },
  ],
  "which one governs": [
    {
      title: "the one that has the packet's address",
      hosts: [host(1, "*"), host(1, "eth0", { ips: ["192.0.2.1"] })],
      ...{ policies: [], packet: "8.8.8.8 -> node-1 80" },
      is: "allow, normal ingress of host:1-eth0",
    },
    {
      title: "else the one of all interfaces",
      hosts: [host(1, "*"), host(1, "eth1", { ips: ["198.51.100.1"] })],
      ...{ policies: [], packet: "8.8.8.8 -> node-1 80" },
      is: "allow, normal ingress of host:1-*",
    },
    {
      title: "the one of the interface that the packet tells, before all others",
      hosts: [host(1, "*"), host(1, "eth0", { ips: ["192.0.2.1"] }), host(1, "eth1")],
      ...{ policies: [], packet: "8.8.8.8 -> node-1 80" },
      more: { interfaces: new Map([["node-1", { in: "eth1" }]]) },
      is: "allow, normal ingress of host:1-eth1",
    },
    {
      title: "an interface that nobody named belongs to the one of all",
      hosts: [host(1, "*"), host(1, "eth0")],
      ...{ policies: [], packet: "8.8.8.8 -> node-1 80" },
      more: { interfaces: new Map([["node-1", { in: "eth7" }]]) },
      is: "allow, normal ingress of host:1-*",
    },
    {
      title: "an address that only a host endpoint names is of its node",
      hosts: [host(1, null, { ips: ["198.51.100.1"] })],
      ...{ policies: [policy("n", ["normal"], denyIn)], packet: "8.8.8.8 -> 198.51.100.1 80" },
      is: "deny, normal ingress of host:1-address",
    },
    {
      title: "of several named ones that do not tell, none",
      hosts: [host(1, "eth0"), host(1, "eth1")],
      ...{ policies: [policy("n", ["normal"], denyIn)], packet: "8.8.8.8 -> node-1 80" },
      is: "allow",
    },
    {
      title: "a node in between has its say where the packet tells its interfaces",
      hosts: [host(2, "eth0"), host(2, "eth1")],
      ...{ policies: [policy("f", onForward, denyOut)], packet: "8.8.8.8 -> web 80" },
      more: { interfaces: new Map([["node-2", { in: "eth0", out: "eth1" }]]) },
      is: "deny, forward egress of host:2-eth1",
    },
  ],
  "before destinations are translated": [
    {
      title: "preDnat is asked before the egress policy of a pod",
      hosts: all,
      policies: [policy("d", ["preDnat"], denyIn), policy("e", ["normal"], { selector: "app == 'web'", ...denyOut })],
      packet: "web -> 8.8.8.8 80",
      is: "deny, preDnat ingress of host:1-*",
    },
    {
      title: "a pod that reaches itself by a Service is not known to, so preDnat is asked",
      ...{ hosts: all, policies: [policy("d", ["preDnat"], denyIn)], packet: "web -> web 80", more: byService },
      is: "deny, preDnat ingress of host:1-*",
    },
    {
      title: "but no more than that",
      ...{ hosts: all, policies: [policy("f", onForward, denyIn)], packet: "web -> web 80", more: byService },
      is: "allow",
    },
    {
      title: "a failsafe port that is reached by a Service is not known to be one, so preDnat is asked",
      ...{ hosts: all, policies: [policy("d", ["preDnat"], denyIn)], packet: "8.8.8.8 -> node-1 22", more: byService },
      is: "deny, preDnat ingress of host:1-*",
    },
    {
      title: "and allowed where preDnat does not decide",
      ...{ hosts: closed, policies: [policy("d", ["preDnat"], { ingress: [] })], packet: "8.8.8.8 -> node-1 22" },
      more: byService,
      is: "allow, failsafe ingress of host:1-*",
    },
    {
      title: "a failsafe port of the node that stands for a pod is known, so preDnat is not asked",
      ...{
        hosts: all,
        policies: [policy("d", ["preDnat"], denyIn)],
        packet: "8.8.8.8 -> web 80",
        more: byNodePort(22),
      },
      is: "allow",
    },
    {
      title: "another port of the node that stands for a pod is asked about",
      hosts: all,
      policies: [policy("d", ["preDnat"], denyIn)],
      ...{ packet: "8.8.8.8 -> web 80", more: byNodePort(30_080) },
      is: "deny, preDnat ingress of host:1-*",
    },
    {
      title: "untracked is asked about what goes to a pod by a Service",
      ...{ hosts: eth0, policies: [policy("u", ["untracked"], denyIn)], packet: "8.8.8.8 -> web 80", more: byService },
      is: "deny, untracked ingress of host:1-eth0",
    },
    {
      title: "and not about what goes to a pod",
      ...{ hosts: eth0, policies: [policy("u", ["untracked"], denyIn)], packet: "8.8.8.8 -> web 80" },
      is: "allow",
    },
  ],
  "answers of failsafe ports": [
    {
      title: "untracked is not asked about them",
      hosts: eth0,
      policies: [policy("u", ["untracked"], { ...denyIn, ...denyOut })],
      ...{ packet: "node-1 -> 8.8.8.8 40000", more: { sourcePort: 22 } },
      is: "allow, normal egress of host:1-eth0",
    },
    {
      title: "nor about those that the host gets",
      hosts: eth0,
      policies: [policy("u", ["untracked"], denyIn)],
      ...{ packet: "8.8.8.8 -> node-1 40000", more: { sourcePort: 6443 } },
      is: "allow, normal ingress of host:1-eth0",
    },
    {
      title: "preDnat is",
      hosts: eth0,
      policies: [policy("u", ["untracked"], { ingress: [allow] }), policy("d", ["preDnat"], denyIn)],
      ...{ packet: "8.8.8.8 -> node-1 40000", more: { sourcePort: 6443 } },
      is: "deny, preDnat ingress of host:1-eth0",
    },
    {
      title: "of other ports there are none",
      hosts: eth0,
      policies: [policy("u", ["untracked"], denyOut)],
      ...{ packet: "node-1 -> 8.8.8.8 40000", more: { sourcePort: 80 } },
      is: "deny, untracked egress of host:1-eth0",
    },
  ],
};

for (const [subject, some] of Object.entries(rows))
  describe(`evaluate, host endpoints: ${subject}`, () => {
    for (const { title, hosts, policies, packet, more, is } of some)
      it(title, () => assert.equal(told(decide(hosts, policies, packetOf(packet, more))), is));
  });

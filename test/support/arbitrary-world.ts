import fc from "fast-check";
import { parseAddress, parseCidr } from "../../core/address.ts";
import { hostLabels, networkSetLabels, podLabels } from "../../policy/labels.ts";
import { anyone, type Peer, type Policy, type Rule, type Tier } from "../../policy/model.ts";
import type { Endpoint, EndpointId } from "../../policy/placement.ts";
import { parseSelector } from "../../policy/selector/parse.ts";
import type { Packet } from "../../policy/verdict.ts";
import type { NaiveWorld } from "./naive-evaluator.ts";

// Random clusters of three nodes and a handful of pods, with policies of all kinds: small enough that random packets meet the rules.

const bare = { addresses: [], nets: [], interfaceName: null, ports: [], hostNetwork: false };
const namespaceLabels: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  red: { team: "one" },
  blue: { team: "two" },
};

const podPlaces = [
  { namespace: "red", name: "a1", node: "a", addresses: ["10.1.0.1", "fd01::1"] },
  { namespace: "red", name: "a2", node: "a", addresses: ["10.1.0.2"] },
  { namespace: "blue", name: "a3", node: "a", addresses: ["10.1.0.3", "fd01::3"] },
  { namespace: "blue", name: "b1", node: "b", addresses: ["10.2.0.1", "fd02::1"] },
  { namespace: "red", name: "b2", node: "b", addresses: ["10.2.0.2"] },
  { namespace: "red", name: "lost", node: null, addresses: ["10.3.0.1"] },
] as const;
const nodePlaces = [
  { name: "a", addresses: ["192.0.2.1", "2001:db8::a"] },
  { name: "b", addresses: ["192.0.2.2", "2001:db8::b"] },
  { name: "c", addresses: ["192.0.2.3"] },
] as const;
const hostPlaces = [
  { name: "a-all", node: "a", interfaceName: "*", addresses: ["192.0.2.1"] },
  { name: "a-eth0", node: "a", interfaceName: "eth0", addresses: ["192.0.2.1", "198.51.100.1"] },
  // Of a pod: names of dataplane/layout.ts.
  { name: "a-pod", node: "a", interfaceName: "slp0", addresses: [] },
  { name: "b-eth0", node: "b", interfaceName: "eth0", addresses: [] },
  { name: "b-eth1", node: "b", interfaceName: "eth1", addresses: ["198.51.100.2"] },
  { name: "c-all", node: "c", interfaceName: "*", addresses: [] },
  { name: "c-address", node: "c", interfaceName: null, addresses: ["192.0.2.3"] },
] as const;
const addresses = {
  four: [...podPlaces.map((pod) => pod.addresses[0]), "192.0.2.1", "192.0.2.2", "192.0.2.3", "198.51.100.1", "8.8.8.8"],
  six: ["fd01::1", "fd01::3", "fd02::1", "2001:db8::a", "2001:db8::b", "2606::8"],
} as const;

const labels = fc.record(
  { app: fc.constantFrom("web", "db"), env: fc.constantFrom("prod", "dev") },
  { requiredKeys: [] },
);
const portsDeclared = fc.subarray([
  { name: "http", protocol: 6, port: 80 },
  { name: "http", protocol: 6, port: 8080 },
  { name: "dns", protocol: 17, port: 53 },
]);

const endpoints: fc.Arbitrary<readonly Endpoint[]> = fc
  .record({
    pods: fc.tuple(...podPlaces.map(() => fc.record({ labels, ports: portsDeclared }))),
    hosts: fc.tuple(
      ...hostPlaces.map(() => fc.option(fc.record({ labels, open: fc.boolean(), ports: portsDeclared }))),
    ),
    sets: fc.array(
      fc.record({
        labels,
        namespace: fc.constantFrom(null, "red"),
        nets: fc.subarray(["8.0.0.0/8", "10.2.0.0/16", "10.1.0.2/32", "fd00::/8"]),
      }),
      { maxLength: 2 },
    ),
  })
  .map(({ pods, hosts, sets }) => [
    ...nodePlaces.map(({ name, addresses }) => nodeOf(name, addresses)),
    ...podPlaces.map((place, at) => podOf(place, pods[at] ?? { labels: {}, ports: [] })),
    proxyOf("b"),
    ...hostPlaces.flatMap((place, at) => {
      const given = hosts[at];
      return given ? [hostOf(place, given)] : [];
    }),
    ...sets.map(({ namespace, nets, labels }, at) => setOf(`s${at}`, namespace, nets, labels)),
  ]);

type Labels = Readonly<Record<string, string>>;
type Given = Pick<Endpoint, "labels" | "ports">;

function nodeOf(name: string, texts: readonly string[]): Endpoint {
  const id = `node:${name}` as EndpointId;
  const zone = { zone: name === "c" ? "far" : "near" };
  return {
    ...bare,
    id,
    kind: "node",
    namespace: null,
    name,
    node: name,
    addresses: texts.map(parseAddress),
    labels: zone,
  };
}

function podOf({ namespace, name, node, addresses }: (typeof podPlaces)[number], { labels, ports }: Given): Endpoint {
  const identity = { namespace, serviceAccount: name, labels, namespaceLabels: namespaceLabels[namespace] ?? {} };
  return {
    ...bare,
    id: `pod:${namespace}/${name}` as EndpointId,
    kind: "pod",
    ...{ namespace, name, node, addresses: addresses.map(parseAddress), ports },
    labels: podLabels({ ...identity, serviceAccountLabels: {} }),
  };
}

/** Shares the addresses of its node. */
function proxyOf(node: string): Endpoint {
  const place = {
    namespace: "red",
    name: "proxy",
    node,
    addresses: ["192.0.2.2"],
  } as unknown as (typeof podPlaces)[number];
  return {
    ...podOf(place, { labels: { app: "web" }, ports: [{ name: "http", protocol: 6, port: 80 }] }),
    hostNetwork: true,
  };
}

function hostOf(
  { name, node, interfaceName, addresses }: (typeof hostPlaces)[number],
  { labels, open, ports }: Given & { readonly open: boolean },
): Endpoint {
  const id = `host:${name}` as EndpointId;
  const place = { node, interfaceName, addresses: addresses.map(parseAddress) };
  return { ...bare, id, kind: "host", namespace: null, name, ...place, ports, labels: hostLabels(labels, open) };
}

function setOf(name: string, namespace: string | null, nets: readonly string[], own: Labels): Endpoint {
  const inherited = namespace === null ? {} : (namespaceLabels[namespace] ?? {});
  return {
    ...bare,
    id: `set:${namespace === null ? "" : `${namespace}/`}${name}` as EndpointId,
    kind: "set",
    ...{ namespace, name, node: null, nets: nets.map(parseCidr) },
    labels: networkSetLabels(own, { name, namespace, namespaceLabels: inherited }),
  };
}

const selector = fc
  .constantFrom(
    "all()",
    "has(app)",
    "app == 'web'",
    "app != 'web'",
    "env in {'prod'}",
    "!has(env)",
    "projectcalico.org/namespace == 'red'",
    "pcns.team == 'two' && has(app)",
    "pcns.team != 'one'",
    "projectcalico.org/orchestrator == 'k8s' && app == 'db'",
    "projectcalico.org/serviceaccount in {'a1', 'b1'} || env == 'dev'",
  )
  .map((text) => parseSelector(text));
const nodeSelector = fc.constantFrom("all()", "zone == 'far'", "zone != 'far'").map((text) => parseSelector(text));
const nets = fc
  .subarray(["10.0.0.0/8", "10.1.0.0/31", "192.0.2.0/24", "0.0.0.0/0", "8.8.8.8/32", "fd01::/64", "::/0"], {
    maxLength: 3,
  })
  .map((texts) => texts.map(parseCidr));
const ports = fc.record({
  ranges: fc.subarray(
    [
      { from: 80, to: 80 },
      { from: 53, to: 79 },
      { from: 81, to: 65_535 },
      { from: 0, to: 22 },
    ],
    { maxLength: 2 },
  ),
  names: fc.subarray(["http", "dns", "none"], { maxLength: 2 }),
});
/** Mostly null, so that rules have a chance to match. */
const rarely = <T>(arbitrary: fc.Arbitrary<T>, weight = 8): fc.Arbitrary<T | null> =>
  fc.oneof({ weight, arbitrary: fc.constant(null) }, { weight: 2, arbitrary });
const service = fc.constantFrom({ namespace: "red", name: "web" }, { namespace: "red", name: "nobody" });

const peer: fc.Arbitrary<Peer> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(anyone) },
  {
    weight: 2,
    arbitrary: fc.record({
      selector: rarely(selector, 2),
      notSelector: rarely(selector),
      nodes: rarely(nodeSelector, 20),
      service: rarely(service, 20),
      nets: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: nets }),
      notNets: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: nets }),
      ports: rarely(ports),
      notPorts: rarely(ports),
    }),
  },
);
const icmp = fc
  .record({ type: fc.constantFrom(0, 8, 128), code: fc.constantFrom(undefined, 0, 1) })
  .map(({ type, code }) => ({ type, ...(code === undefined ? {} : { code }) }));
const protocol = fc.constantFrom(6, 17, 1, 58, 132, 47);

const rule: fc.Arbitrary<Omit<Rule, "index">> = fc.record({
  action: fc.constantFrom("allow" as const, "deny" as const, "pass" as const, "log" as const),
  family: rarely(fc.constantFrom(4 as const, 6 as const)),
  protocol: rarely(protocol),
  notProtocol: rarely(protocol),
  icmp: rarely(icmp, 20),
  notIcmp: rarely(icmp, 20),
  source: peer,
  destination: peer,
  notEnforced: fc.oneof({ weight: 9, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.constant(["http"]) }),
});
const rules = fc.option(
  fc.array(rule, { maxLength: 4 }).map((list) => list.map((each, index): Rule => ({ ...each, index }))),
  { freq: 4 },
);

const policy: fc.Arbitrary<Omit<Policy, "name">> = fc
  .record({
    kind: fc.constantFrom(
      "np" as const,
      "gnp" as const,
      "gnp" as const,
      "gnp" as const,
      "kcnp" as const,
      "sgnp" as const,
    ),
    tier: fc.constantFrom("early", "late", "default", "kube-admin", "kube-baseline", "nobody-made", "nor-this"),
    order: fc.constantFrom(1, 2, 1000, Number.POSITIVE_INFINITY),
    selector,
    lists: fc.constantFrom<Policy["lists"]>(["normal"], ["normal", "forward"], ["preDnat"], ["untracked"]),
    ingress: rules,
    egress: rules,
  })
  .map(
    (draft): Omit<Policy, "name"> => ({
      ...draft,
      namespace: draft.kind === "np" ? "red" : null,
      lists: draft.kind === "gnp" ? draft.lists : ["normal"],
      egress: draft.lists[0] === "preDnat" && draft.kind === "gnp" ? null : draft.egress,
      staged: draft.kind === "sgnp" ? "set" : null,
    }),
  );

const tiers: fc.Arbitrary<readonly Tier[]> = fc.tuple(
  fc.record({
    name: fc.constant("early"),
    order: fc.constantFrom(1, 1000),
    defaultAction: fc.constantFrom("deny" as const, "pass" as const),
  }),
  fc.record({
    name: fc.constant("late"),
    order: fc.constantFrom(1, 2_000_000, Number.POSITIVE_INFINITY),
    defaultAction: fc.constantFrom("deny" as const, "pass" as const),
  }),
);

const behind = (text: string, protocol: number, port: number) => ({ address: parseAddress(text), protocol, port });
const services = new Map([
  ["red/web", [behind("10.1.0.1", 6, 80), behind("10.2.0.2", 6, 8080), behind("fd02::1", 17, 53)]],
]);

export const arbitraryWorld: fc.Arbitrary<NaiveWorld> = fc.record({
  tiers,
  policies: fc
    .array(policy, { maxLength: 8 })
    .map((drafts) => drafts.map((draft, at) => ({ ...draft, name: `p${(at * 5) % 8}` }))),
  endpoints,
  services: fc.constant(services),
  podToHost: fc.constantFrom("policy", "policy", "allow", "deny"),
});

const transport = fc.oneof(
  fc.record({
    protocol: fc.constantFrom(6, 17, 132, 136),
    sourcePort: fc.constantFrom(22, 53, 80, 40_000),
    destinationPort: fc.constantFrom(0, 22, 53, 79, 80, 81, 8080, 6443, 65_535),
    icmp: fc.constant(null),
  }),
  fc
    .record({ type: fc.constantFrom(0, 8, 128), code: fc.constantFrom(0, 1), protocol: fc.constantFrom(1, 58) })
    .map(({ type, code, protocol }) => ({ protocol, sourcePort: 0, destinationPort: 0, icmp: { type, code } })),
  fc.constantFrom(47, 4).map((protocol) => ({ protocol, sourcePort: 0, destinationPort: 0, icmp: null })),
);

const linkNames = fc.record(
  { in: fc.constantFrom("eth0", "eth1", "cni0"), out: fc.constantFrom("eth0", "eth1", "cni0") },
  { requiredKeys: [] },
);
const hints: fc.Arbitrary<Pick<Packet, "interfaces" | "translated">> = fc.record(
  {
    interfaces: fc
      .array(fc.tuple(fc.constantFrom("a", "b", "c"), linkNames), { maxLength: 3 })
      .map((entries): NonNullable<Packet["interfaces"]> => new Map(entries)),
    translated: fc.record({
      node: fc.constantFrom("a", "b", "c"),
      destination: fc.constantFrom("192.0.2.1", "192.0.2.2", "203.0.113.9", "10.2.0.1").map(parseAddress),
      destinationPort: fc.constantFrom(22, 80, 30_000),
    }),
  },
  { requiredKeys: [] },
);

export const arbitraryWorldPacket: fc.Arbitrary<Packet> = fc
  .constantFrom(addresses.four, addresses.six)
  .chain((some) =>
    fc.record({
      from: fc.constantFrom<string>(...some),
      to: fc.constantFrom<string>(...some),
      transport,
      hints: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: hints }),
    }),
  )
  .map(({ from, to, transport, hints }) => ({
    source: parseAddress(from),
    destination: parseAddress(to),
    ...transport,
    ...hints,
  }));

import assert from "node:assert/strict";
import { parseAddress } from "../../core/address.ts";
import { closedPaths } from "../../enforcer/closed-paths.ts";
import { type ClusterServices, clusterPaths } from "../../enforcer/cluster-paths.ts";
import { parseGuardedPath } from "../../enforcer/guarded-path.ts";
import { enforcedPart, modesOf } from "../../enforcer/modes.ts";
import { PathEnds } from "../../enforcer/path-ends.ts";
import type { Situation } from "../../policy/space/situation.ts";
import { type WorldBuilder, world } from "../support/world.ts";

const control = { "node-role.kubernetes.io/control-plane": "" };
const none: ClusterServices = { apiServers: [], dns: [] };

function cluster(): WorldBuilder {
  const builder = world().node("work", "172.18.0.3");
  for (const [name, address] of [
    ["cp-1", "172.18.0.1"],
    ["cp-2", "172.18.0.2"],
  ] as const) {
    const status = { addresses: [{ type: "InternalIP", address }] };
    builder.objects.push({ apiVersion: "v1", kind: "Node", metadata: { name, labels: control }, status });
  }
  return builder
    .namespace("kube-system")
    .namespace("shop", { team: "shop" })
    .tier("security", 100)
    .pod("kube-system/coredns", { "k8s-app": "kube-dns" }, { node: "cp-1", ips: ["10.1.0.53"] })
    .pod("shop/web", { app: "web" }, { node: "work", ips: ["10.3.0.1"] })
    .pod("shop/db", { app: "db" }, { node: "work", ips: ["10.3.0.2"] });
}

const deny = (direction: "ingress" | "egress", selector: string, rule: object) => ({
  tier: "security",
  selector,
  types: [direction === "ingress" ? "Ingress" : "Egress"],
  [direction]: [{ action: "Deny", ...rule }, { action: "Allow" }],
});

interface Case {
  readonly title: string;
  readonly before?: (builder: WorldBuilder) => WorldBuilder;
  readonly after: (builder: WorldBuilder) => WorldBuilder;
  readonly services?: ClusterServices;
  readonly own?: readonly string[];
  readonly closes: readonly string[];
}

const lockdown = (builder: WorldBuilder) =>
  builder.global("security.lockdown", {
    tier: "security",
    selector: "app == 'web'",
    types: ["Egress"],
    egress: [{ action: "Deny" }],
  });
/** Every node has a host endpoint, and its policy lets everything through. */
const withHosts = (builder: WorldBuilder) => {
  for (const [index, node] of ["cp-1", "cp-2", "work"].entries()) {
    const spec = { node, interfaceName: "*", expectedIPs: [`172.18.0.${index + 1}`] };
    const metadata = { name: node, labels: { host: node } };
    builder.objects.push({ apiVersion: "projectcalico.org/v3", kind: "HostEndpoint", metadata, spec });
  }
  return builder.global("open", {
    selector: "has(host)",
    ingress: [{ action: "Allow" }],
    egress: [{ action: "Allow" }],
  });
};

const cases: readonly Case[] = [
  { title: "nothing where nothing is denied", after: (builder) => builder, closes: [] },
  {
    title: "DNS and API server for pods that may not send any more, once for each rule",
    after: lockdown,
    closes: [
      "API server: pod shop/web -> node cp-1 tcp/6443 (and 1 more) by GlobalNetworkPolicy security.lockdown, rule 0",
      "DNS: pod shop/web -> pod kube-system/coredns udp/53 (and 1 more) by GlobalNetworkPolicy security.lockdown, rule 0",
    ],
  },
  { title: "nothing that was closed before already", before: lockdown, after: lockdown, closes: [] },
  {
    title: "DNS where its own policy does not let clients in",
    after: (builder) => builder.kubernetesPolicy("kube-system/dns", { podSelector: {}, policyTypes: ["Ingress"] }),
    closes: [
      "DNS: pod shop/db -> pod kube-system/coredns udp/53 (and 3 more) by default of tier default (Kubernetes NetworkPolicy kube-system/dns applies)",
    ],
  },
  {
    title: "DNS over TCP alone",
    after: (builder) =>
      builder.global(
        "security.no-tcp-dns",
        deny("egress", "app == 'web'", { protocol: "TCP", destination: { ports: [53] } }),
      ),
    closes: ["DNS: pod shop/web -> pod kube-system/coredns tcp/53 by GlobalNetworkPolicy security.no-tcp-dns, rule 0"],
  },
  {
    title: "DNS where its objects say it answers",
    after: (builder) =>
      builder.global(
        "security.no-5353",
        deny("egress", "app == 'web'", { protocol: "UDP", destination: { ports: [5353] } }),
      ),
    services: { ...none, dns: [{ address: parseAddress("10.1.0.53"), protocol: 17, port: 5353 }] },
    closes: ["DNS: pod shop/web -> pod kube-system/coredns udp/5353 by GlobalNetworkPolicy security.no-5353, rule 0"],
  },
  {
    title: "the API server where its objects say it answers",
    after: lockdown,
    services: {
      dns: [{ address: parseAddress("10.9.9.9"), protocol: 17, port: 53 }],
      apiServers: [{ address: parseAddress("172.30.0.9"), protocol: 6, port: 443 }],
    },
    closes: [
      "API server: pod shop/web -> 172.30.0.9 tcp/443 by GlobalNetworkPolicy security.lockdown, rule 0",
      "DNS: pod shop/web -> 10.9.9.9 udp/53 by GlobalNetworkPolicy security.lockdown, rule 0",
    ],
  },
  {
    title: "kubelets from the API server",
    before: withHosts,
    after: (builder) =>
      withHosts(builder).global(
        "security.kubelet",
        deny("ingress", "host == 'work'", { protocol: "TCP", destination: { ports: [10250] } }),
      ),
    closes: ["kubelet: node cp-1 -> node work tcp/10250 (and 1 more) by GlobalNetworkPolicy security.kubelet, rule 0"],
  },
  {
    title: "no etcd and no API server port that is a failsafe port of the host",
    before: withHosts,
    after: (builder) =>
      withHosts(builder).global(
        "security.etcd",
        deny("ingress", "has(host)", { protocol: "TCP", destination: { ports: [2379, 2380, 6443] } }),
      ),
    closes: [],
  },
  {
    title: "paths of one's own",
    after: (builder) =>
      builder.global(
        "security.db",
        deny("ingress", "app == 'db'", { protocol: "TCP", destination: { ports: [5432] } }),
      ),
    own: ["shop/web -> app == 'db' : tcp/5432", "node:cp-1 -> shop/* : tcp/5432", "shop/db -> 10.3.0.0/24 : tcp/9"],
    closes: [
      "shop/web -> app == 'db' : tcp/5432: pod shop/web -> pod shop/db tcp/5432 by GlobalNetworkPolicy security.db, rule 0",
      "node:cp-1 -> shop/* : tcp/5432: node cp-1 -> pod shop/db tcp/5432 by GlobalNetworkPolicy security.db, rule 0",
    ],
  },
];

describe("the guard of paths", () => {
  const observing = modesOf({
    mode: "enforce",
    observedNodes: [],
    observedNamespaces: ["shop"],
    enforcedNamespaces: [],
  });
  const situation = (builder: WorldBuilder): Situation => {
    const one = builder.world();
    return { program: one.program(), placement: one.placement() };
  };
  const endsOf = ({ placement }: Situation, isHere: (node: string) => boolean = () => true) => {
    const ends = new PathEnds(isHere);
    ends.follow(placement.endpoints);
    return ends;
  };
  const judge = (good: Situation, next: Situation, services = none, own: readonly string[] = []) => {
    const ends = endsOf(good);
    const paths = [...clusterPaths(ends.system(), services), ...own.map(parseGuardedPath)];
    return closedPaths(paths, ends, good, next).map(({ sentence }) => sentence);
  };

  for (const { title, before = (builder: WorldBuilder) => builder, after, services, own, closes } of cases)
    it(`finds closed: ${title}`, () =>
      assert.deepEqual(judge(situation(before(cluster())), situation(after(cluster())), services, own), closes));

  it("finds nothing closed for pods that are only observed", () => {
    const [good, next] = [situation(cluster()), situation(lockdown(cluster()))];
    assert.deepEqual(judge(good, { ...next, placement: enforcedPart(next.placement, observing) }), []);
  });

  it("asks for one pod of a sort where they are on nodes of others, for all where they are here, and not for what is elsewhere", () => {
    const many = Array.from({ length: 50 }, (_, index) => index);
    const build = () =>
      many.reduce(
        (one, index) =>
          one.pod(
            `shop/web-${index}`,
            { app: "web", "pod-template-hash": `${index % 7}` },
            { node: "work", ips: [`10.3.1.${index}`] },
          ),
        cluster(),
      );
    const count = (...here: readonly string[]) => {
      const [good, next] = [situation(build()), situation(lockdown(build()))];
      const ends = endsOf(good, (node) => here.includes(node));
      return closedPaths(clusterPaths(ends.system(), none), ends, good, next).at(-1)?.sentence;
    };
    assert.match(count("work") ?? "", /^DNS: .* \(and 101 more\) by/);
    assert.match(count("cp-1") ?? "", /^DNS: .* \(and 1 more\) by/);
    assert.equal(count("cp-2")?.startsWith("DNS"), false);
    assert.equal(count("elsewhere"), undefined);
  });
});

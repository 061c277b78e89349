import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { type Address, parseAddress } from "../../core/address.ts";
import { systemClock } from "../../core/clock.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { silentLog } from "../../core/log.ts";
import { Enforcer } from "../../enforcer/enforcer.ts";
import type { Interfaces } from "../../enforcer/interfaces.ts";
import { KernelInterfaces } from "../../enforcer/interfaces-kernel.ts";
import { type NftAccess, openNft } from "../../enforcer/nft-open.ts";
import { defaultSettings } from "../../enforcer/render.ts";
import type { RenderSettings } from "../../enforcer/renderer.ts";
import { Lab } from "../../lab/lab.ts";
import { type Agent, startAgent } from "../../lab/traffic/agent-process.ts";
import type { Probe, ProbeResult } from "../../lab/traffic/messages.ts";
import type { Placement } from "../../policy/placement.ts";
import type { Interfaces as Passage } from "../../policy/verdict.ts";
import { World } from "../../policy/world.ts";
import { withInterfaces } from "../support/known-interfaces.ts";
import { runIn } from "../support/namespace.ts";
import { until } from "../support/until.ts";
import { type WorldBuilder, world } from "../support/world.ts";

// On node-1: a/web, a/api, b/api. On node-2: a/db, b/web. external:out is beside the nodes; it reaches Service addresses and what is
// behind node-1's second interface, eth1, by way of node-1. There is side:host; `edge` is node-1's own address on eth1. external:far
// is in no net that policies name.

const serving = [
  { name: "http", containerPort: 8080 },
  { containerPort: 8081 },
  { containerPort: 5353, protocol: "UDP" },
];
const nodePorts = [
  ...[9100, 9101, 6443].map((port) => ({ port, protocol: "TCP" as const })),
  { port: 9100, protocol: "UDP" as const },
];
const outsidePorts = [
  ...[443, 6443].map((port) => ({ port, protocol: "TCP" as const })),
  ...[53, 443].map((port) => ({ port, protocol: "UDP" as const })),
];

const places: Readonly<Record<string, readonly [string, string]>> = {
  "node:node-1": ["172.30.0.1", "fd00:172:30::1"],
  "node:node-2": ["172.30.0.2", "fd00:172:30::2"],
  "external:out": ["203.0.113.10", "2001:db8:113::10"],
  "external:far": ["203.0.113.70", "2001:db8:777::70"],
  "side:host": ["198.18.0.2", "2001:db8:18::2"],
  edge: ["198.18.0.1", "2001:db8:18::1"],
};

/** Pods and namespaces, without policies. */
export function pods(): WorldBuilder {
  const on = (node: string, host: number) => {
    const number = node.slice(-1);
    return { node, ports: serving, ips: [`10.90.${number}.${host}`, `fd00:90:${number}::${host}`] };
  };
  return world()
    .namespace("a", { env: "prod" })
    .namespace("b", { env: "dev" })
    .pod("a/web", { app: "web" }, on("node-1", 11))
    .pod("a/api", { app: "api" }, on("node-1", 12))
    .pod("b/api", { app: "api", env: "dev" }, on("node-1", 13))
    .pod("a/db", { app: "db" }, on("node-2", 11))
    .pod("b/web", { app: "web" }, on("node-2", 12));
}

const nodes: readonly KubeObject[] = [1, 2].map((number) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: `node-${number}` },
  spec: { podCIDRs: [`10.90.${number}.0/24`, `fd00:90:${number}::/64`] },
  status: {
    addresses: [...(places[`node:node-${number}`] ?? [])].map((address) => ({ type: "InternalIP", address })),
  },
}));

const serviceAddresses: Readonly<Record<string, readonly [string, string]>> = {
  "a/web": ["10.91.0.1", "fd00:91::1"],
  "a/api": ["10.91.0.2", "fd00:91::2"],
  "a/db": ["10.91.0.3", "fd00:91::3"],
};

const services: readonly KubeObject[] = Object.entries(serviceAddresses).map(([path, clusterIPs]) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { namespace: "a", name: path.slice(2) },
  spec: {
    clusterIPs,
    selector: { app: path.slice(2) },
    ports: [{ port: 80, targetPort: 8080, protocol: "TCP" }],
  },
}));

export type Family = 4 | 6;

/** Of a pod, a place above, or `service:NAMESPACE/NAME`. */
export function addressOf(end: string, family: Family): Address {
  const pair = end.startsWith("service:") ? serviceAddresses[end.slice("service:".length)] : places[end];
  return pair === undefined ? pods().address(end, family) : parseAddress(pair[family === 4 ? 0 : 1]);
}

/** By counter, packets of all nodes together. */
export type Hits = ReadonlyMap<string, number>;

/** A cluster with the enforcer on its nodes. */
export class HostLab {
  readonly lab: Lab;
  readonly #interfaces = new KernelInterfaces();
  /** By node; each is told a change once, so it outlives enforcers. */
  readonly #links = new Map<string, Interfaces>();
  #side: Agent | undefined;
  #nft: NftAccess | undefined;
  #enforcers: readonly Enforcer[] = [];
  #stop = new AbortController();

  constructor(name: string) {
    this.lab = new Lab({
      name,
      objects: [...nodes, ...pods().objects, ...services],
      externals: [
        { name: "out", addresses: places["external:out"] ?? [], ports: outsidePorts },
        { name: "far", addresses: places["external:far"] ?? [] },
      ],
      clock: systemClock,
      log: silentLog,
    });
  }

  async up(): Promise<void> {
    await this.lab.up();
    await this.lab.startAgents();
    for (const { name } of this.lab.nodes) await (await this.lab.agent(`node:${name}`)).serve(nodePorts);
    await this.#addSide();
    this.#nft = await openNft();
  }

  async down(): Promise<void> {
    await this.#halt();
    await this.#interfaces.close();
    await this.#nft?.close();
    await this.#side?.close();
    await this.lab.down();
  }

  /** The world's rules in force, and what is staged counted, on all nodes, instead of those before. */
  async enforce(builder: WorldBuilder, settings: Partial<RenderSettings> = {}): Promise<World> {
    await this.#halt();
    const current = new World(builder.programSettings);
    const objects = [...nodes, ...builder.objects];
    assert.deepEqual(current.apply(objects.map((object) => ({ type: "upsert", object }))), []);
    this.#stop = new AbortController();
    this.#enforcers = this.lab.nodes.map(({ name, namespacePath }) => this.#enforcer(name, namespacePath, settings));
    for (const [index, enforcer] of this.#enforcers.entries()) {
      const podCidrs = current.nodes().get(this.lab.nodes[index]?.name ?? "")?.podCidrs ?? [];
      enforcer.update(current.program(), current.placement(), { podCidrs }, current.pending());
      enforcer.run(this.#stop.signal).catch(() => {});
    }
    await until("the rules to be in force", () => {
      const failing = this.#enforcers.find(({ status }) => status.failure !== null);
      if (failing !== undefined) throw new Error(failing.status.failure ?? "");
      return this.#enforcers.every(({ status }) => status.revision === current.program().revision);
    });
    return current;
  }

  /** For whom the interfaces of the nodes are known, as enforcers know them. */
  async known(world: Pick<World, "program" | "placement">): Promise<Placement> {
    const { nodes } = this.lab;
    const links = await Promise.all(nodes.map(({ name, namespacePath }) => this.#linksOf(name, namespacePath).read()));
    const own = new Map(nodes.map(({ name }, at) => [name, links[at]?.own ?? new Map()]));
    return withInterfaces(world.program(), world.placement(), own);
  }

  /** What the enforcers could not express. */
  problems(): readonly string[] {
    return this.#enforcers.flatMap(({ status }) => status.problems.map((one) => `${one.subject} ${one.sentence}`));
  }

  async probe(from: string, probe: Probe): Promise<ProbeResult> {
    const agent = from === "side:host" ? this.#side : await this.lab.agent(from);
    if (agent === undefined) throw new Error("the lab is not up");
    return agent.probe(probe);
  }

  /** Namespace of a node, for `runIn`. */
  namespaceOf(node: string): string {
    const found = this.lab.nodes.find(({ name }) => name === node);
    return found?.namespacePath.split("/").at(-1) ?? "";
  }

  /** Hits since the last call. */
  hits(): Hits {
    const hits = new Map<string, number>();
    for (const { name } of this.lab.nodes) {
      const text = runIn(this.namespaceOf(name), "nft", "reset", "counters", "table", "inet", "sluice");
      for (const [, counter = "", packets] of text.matchAll(/counter (\w+) \{\s+packets (\d+)/g))
        if (packets !== "0") hits.set(counter, (hits.get(counter) ?? 0) + Number(packets));
    }
    return hits;
  }

  /** As conntrack(8) lists them on a node. */
  connections(node: string, family: Family): string {
    return runIn(this.namespaceOf(node), "conntrack", "-L", "-f", family === 4 ? "ipv4" : "ipv6");
  }

  /** How many ICMP errors "destination unreachable" a node has sent: /proc/net/snmp. */
  unreachables(node: string): number {
    const [names, values] = [...runIn(this.namespaceOf(node), "cat", "/proc/net/snmp").matchAll(/^Icmp: (.*)$/gm)].map(
      ([, fields = ""]) => fields.split(" "),
    );
    return Number(values?.[names?.indexOf("OutDestUnreachs") ?? -1]);
  }

  /** Through which interfaces of which nodes a packet goes. */
  passage(from: string, to: string): ReadonlyMap<string, Passage> {
    const [source, target] = [this.#seat(from), this.#seat(to)];
    const entering = (node: string) => (source.node === node ? source.link : "eth0");
    const leaving = (node: string) => (target.node === node ? target.link : "eth0");
    const names = new Set([source.node, target.node].filter((node) => node !== null));
    return new Map([...names].map((node) => [node, definite({ in: entering(node), out: leaving(node) })]));
  }

  /** Which node somebody is on or behind, and which of its interfaces leads there; null: a process of the node itself. */
  #seat(end: string): { readonly node: string | null; readonly link: string | null } {
    if (end === "side:host") return { node: "node-1", link: "eth1" };
    if (end === "edge") return { node: "node-1", link: null };
    if (end.startsWith("node:")) return { node: end.slice("node:".length), link: null };
    const pod = this.lab.plan.pods.find(({ id }) => id === end);
    return { node: pod?.node ?? null, link: pod?.link ?? null };
  }

  #enforcer(node: string, namespacePath: string, settings: Partial<RenderSettings>): Enforcer {
    if (this.#nft === undefined) throw new Error("the lab is not up");
    return new Enforcer({
      ...{ node, clock: systemClock, log: silentLog, random: () => 0.5 },
      nft: this.#nft.in(namespacePath),
      interfaces: this.#linksOf(node, namespacePath),
      settings: { ...defaultSettings, ...settings },
    });
  }

  #linksOf(node: string, namespacePath: string): Interfaces {
    const links = this.#links.get(node) ?? this.#interfaces.in(namespacePath);
    this.#links.set(node, links);
    return links;
  }

  async #halt(): Promise<void> {
    this.#stop.abort();
    for (const enforcer of this.#enforcers) await enforcer.stop({ leaveRules: false });
    this.#enforcers = [];
    for (const { name } of this.lab.nodes) runIn(this.namespaceOf(name), "conntrack", "-F");
  }

  /** A second interface of node-1, and a host behind it. */
  async #addSide(): Promise<void> {
    const [node1, node2] = [this.namespaceOf("node-1"), this.namespaceOf("node-2")];
    const namespace = node1.replace(/node-1$/, "side");
    const out = this.lab.plan.externals[0]?.namespace ?? "";
    execFileSync("ip", ["netns", "add", namespace]);
    execFileSync("ip", [
      "link",
      "add",
      "eth1",
      "netns",
      node1,
      "type",
      "veth",
      "peer",
      "name",
      "eth0",
      "netns",
      namespace,
    ]);
    const ip = (where: string, ...lines: readonly string[]) => {
      for (const line of lines) execFileSync("ip", ["-n", where, ...line.split(" ")]);
    };
    ip(node1, "link set eth1 up", "addr add 198.18.0.1/30 dev eth1", "addr add 2001:db8:18::1/64 dev eth1 nodad");
    ip(namespace, "link set lo up", "link set eth0 up");
    ip(namespace, "addr add 198.18.0.2/30 dev eth0", "addr add 2001:db8:18::2/64 dev eth0 nodad");
    ip(namespace, "route add default via 198.18.0.1", "route add default via 2001:db8:18::1");
    for (const where of [node2, out])
      ip(
        where,
        "route add 198.18.0.0/30 via 172.30.0.1 dev eth0 onlink",
        "route add 2001:db8:18::/64 via fd00:172:30::1 dev eth0 onlink",
      );
    ip(out, "route add 10.91.0.0/24 via 172.30.0.1 dev eth0 onlink");
    ip(out, "route add fd00:91::/64 via fd00:172:30::1 dev eth0 onlink");
    const cache = `${this.lab.scratch}/cache`;
    this.#side = await startAgent({ namespace, addresses: places["side:host"] ?? [], cache });
    await this.#side.serve(outsidePorts);
  }
}

function definite({ in: from, out: to }: { in: string | null; out: string | null }): Passage {
  return { ...(from === null ? {} : { in: from }), ...(to === null ? {} : { out: to }) };
}

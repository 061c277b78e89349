// How many packets one core decides. Run by hand: node test/bench/policy-evaluate.bench.ts
//
// Method. 1,000 policies in three tiers (100 of the platform, 100 of security, 500 of applications and 300 of Kubernetes) over 5,000
// pods (25 namespaces, 20 workloads each, 10 replicas) on 50 nodes, each with a host endpoint for all interfaces. Packets as flow
// records bring them: addresses are texts of their own, source ports are any. 80 % belong to 20,000 pairs (with their port) that come
// again, few of them often; 20 % are between any replicas of two of 4,000 pairs of workloads that deal with each other, or between a pod
// and one of a million addresses outside. Most are allowed. After three rounds of warm-up the middle of five rounds of 200,000 packets, in
// batches of 500 as records come, each made just before and not counted, in CPU time of this process (process.cpuUsage, user and system,
// garbage collection included). Beside it what the first 10,000 packets of a new evaluator cost, as after a change, and the heap it holds.
// Ends with code 1 below the limit.
import { type Address, parseAddress } from "../../core/address.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import type { Evaluate, Packet } from "../../policy/verdict.ts";
import { World } from "../../policy/world.ts";

const limit = 2_000_000;
const packetsPerRound = 200_000;
const batch = 500;
const [namespaces, workloads, replicas, nodes] = [25, 20, 10, 50];
const ports = [80, 443, 5432, 6379, 8080, 8443, 9090, 9092, 3306, 53];

/** A small generator (mulberry32), so that every run decides the same packets. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

const calico = "projectcalico.org/v3";
const object = (apiVersion: string, kind: string, metadata: KubeObject["metadata"], rest: object): KubeObject => ({
  apiVersion,
  kind,
  metadata,
  ...rest,
});
const tcp = (...list: readonly number[]) => ({ protocol: "TCP", destination: { ports: list } });
const podAddress = (pod: number) => `10.${64 + (pod >> 16)}.${(pod >> 8) & 255}.${pod & 255}`;

function* clusterObjects(): Generator<KubeObject> {
  for (let n = 0; n < nodes; n++) {
    const address = `192.0.2.${n + 1}`;
    yield object("v1", "Node", { name: `node-${n}` }, { status: { addresses: [{ type: "InternalIP", address }] } });
    const spec = {
      node: `node-${n}`,
      interfaceName: "*",
      expectedIPs: [address],
      profiles: ["projectcalico-default-allow"],
    };
    yield object(calico, "HostEndpoint", { name: `node-${n}`, labels: { role: "node" } }, { spec });
  }
  let pod = 0;
  for (let ns = 0; ns < namespaces; ns++) {
    const namespace = `ns-${ns}`;
    const env = ns % 3 === 0 ? "dev" : "prod";
    yield object("v1", "Namespace", { name: namespace, labels: { env, team: `team-${ns % 8}` } }, {});
    for (let app = 0; app < workloads; app++)
      for (let replica = 0; replica < replicas; replica++) {
        const labels = { app: `app-${app}`, layer: ["web", "api", "db"][app % 3] as string, zone: `zone-${app % 5}` };
        const podIP = podAddress(pod);
        const spec = { nodeName: `node-${pod % nodes}`, containers: [] };
        const status = { phase: "Running", podIP };
        yield object("v1", "Pod", { namespace, name: `app-${app}-${replica}`, labels }, { spec, status });
        pod += 1;
      }
  }
}

function* policyObjects(random: (below: number) => number): Generator<KubeObject> {
  yield object(calico, "Tier", { name: "platform" }, { spec: { order: 100, defaultAction: "Pass" } });
  yield object(calico, "Tier", { name: "security" }, { spec: { order: 200, defaultAction: "Pass" } });
  for (let n = 0; n < 100; n++) {
    const egress = [
      { action: "Deny", ...tcp(22 + n), destination: { nets: ["169.254.169.254/32"], ports: [22 + n] } },
      { action: "Pass", destination: { nets: [`10.${n}.0.0/16`] } },
    ];
    const selector = `zone == 'zone-${n % 5}' && layer == '${["web", "api", "db"][n % 3]}'`;
    yield object(
      calico,
      "GlobalNetworkPolicy",
      { name: `platform.p-${n}` },
      { spec: { tier: "platform", order: n, selector, egress } },
    );
  }
  for (let n = 0; n < 100; n++) {
    const ingress = [
      { action: "Deny", source: { selector: `quarantine == 'level-${n}'` } },
      { action: "Deny", ...tcp(10_000 + n), source: { namespaceSelector: "env == 'dev'" } },
      { action: "Pass", source: { nets: ["10.0.0.0/8"], notNets: [`10.200.${n}.0/24`] } },
    ];
    const spec = {
      tier: "security",
      order: n,
      namespaceSelector: `team == 'team-${n % 8}'`,
      selector: `layer == '${["web", "api", "db"][n % 3]}'`,
      ingress,
    };
    yield object(calico, "GlobalNetworkPolicy", { name: `security.s-${n}` }, { spec });
  }
  for (let ns = 0; ns < namespaces; ns++) {
    for (let app = 0; app < workloads; app++) {
      const peers = [0, 1, 2].map(() => `app == 'app-${random(workloads)}'`);
      const spec = {
        order: 500,
        selector: `app == 'app-${app}'`,
        types: ["Ingress", "Egress"],
        ingress: [
          ...peers.map((selector) => ({
            action: "Allow",
            ...tcp(ports[random(ports.length)] as number),
            source: { selector },
          })),
          { action: "Allow", ...tcp(8080, 8443), source: { namespaceSelector: `team == 'team-${random(8)}'` } },
          { action: "Allow", ...tcp(...ports.filter((port) => port > 79)), source: { namespaceSelector: "all()" } },
          { action: "Allow", protocol: "UDP", destination: { ports: [53] } },
          { action: "Allow", ...tcp(80, 443, 8443), source: { notNets: ["10.0.0.0/8"] } },
        ],
        egress: [
          { action: "Allow", protocol: "UDP", destination: { ports: [53] } },
          ...peers.map((selector) => ({
            action: "Allow",
            protocol: "TCP",
            destination: { selector, ports: ["8000:9999"] },
          })),
          { action: "Allow", protocol: "TCP", destination: { namespaceSelector: "has(env)" } },
          { action: "Allow", protocol: "TCP", destination: { notNets: ["10.0.0.0/8"], ports: [443] } },
        ],
      };
      yield object(calico, "NetworkPolicy", { namespace: `ns-${ns}`, name: `app-${app}` }, { spec });
    }
    for (let n = 0; n < 12; n++) {
      const from = [
        { podSelector: { matchLabels: { layer: "web" } } },
        { namespaceSelector: { matchLabels: { env: "prod" } }, podSelector: { matchLabels: { app: `app-${n}` } } },
        { ipBlock: { cidr: "203.0.113.0/24", except: [`203.0.113.${n}/32`] } },
      ];
      const list = [
        { protocol: "TCP", port: ports[n % ports.length] as number },
        { protocol: "TCP", port: 9000 + n },
      ];
      const spec = { podSelector: { matchLabels: { zone: `zone-${n % 5}` } }, ingress: [{ from, ports: list }] };
      yield object("networking.k8s.io/v1", "NetworkPolicy", { namespace: `ns-${ns}`, name: `k-${n}` }, { spec });
    }
  }
}

interface Pair {
  readonly source: string;
  readonly destination: string;
  readonly port: number;
}

/** Packets with addresses that are texts of their own, as a decoder makes them. */
class Traffic {
  readonly #random = randomFrom(7);
  readonly #hot: readonly Pair[] = Array.from({ length: 20_000 }, () => this.#pair());

  packets(count: number): readonly Packet[] {
    return Array.from({ length: count }, () => this.#packet());
  }

  #packet(): Packet {
    const isRepeated = this.#random(100) < 80;
    const share = this.#random(1000) / 1000;
    const { source, destination, port } = isRepeated
      ? (this.#hot[Math.floor(share ** 3 * this.#hot.length)] as Pair)
      : this.#pair();
    return {
      source: ownCopy(source),
      destination: ownCopy(destination),
      protocol: port === 53 ? 17 : 6,
      sourcePort: 32_768 + this.#random(28_000),
      destinationPort: port,
      icmp: null,
    };
  }

  /** A replica of a workload with one of the eight workloads it deals with, or with somebody on the internet. */
  #pair(): Pair {
    const from = this.#random(namespaces * workloads);
    const edge = randomFrom(from * 8 + this.#random(8));
    const [to, port] = [edge(namespaces * workloads), ports[edge(ports.length)] as number];
    const source = podAddress(from * replicas + this.#random(replicas));
    const destination = podAddress(to * replicas + this.#random(replicas));
    const kind = this.#random(20);
    const internet = `${20 + this.#random(20)}.${this.#random(256)}.${this.#random(256)}.${1 + this.#random(250)}`;
    if (kind === 0) return { source, destination: internet, port: 443 };
    if (kind === 1) return { source: internet, destination, port };
    return { source, destination, port };
  }
}

const ownCopy = (text: string): Address => parseAddress(text);

function round(evaluate: Evaluate, traffic: Traffic, count: number): { perSecond: number; denied: number } {
  let [denied, microseconds] = [0, 0];
  for (let done = 0; done < count; done += batch) {
    const packets = traffic.packets(batch);
    const before = process.cpuUsage();
    for (const packet of packets) if (evaluate(packet).action === "deny") denied += 1;
    const { user, system } = process.cpuUsage(before);
    microseconds += user + system;
  }
  return { perSecond: (count / microseconds) * 1e6, denied };
}

const heapMegabytes = () => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1e6;
};
const thousands = (value: number) => Math.round(value).toLocaleString("en");

const world = new World();
const objects = [...clusterObjects(), ...policyObjects(randomFrom(1))];
const faults = world.apply(objects.map((each) => ({ type: "upsert", object: each })));
if (faults.length > 0) throw new Error(JSON.stringify(faults.slice(0, 3)));
const [program, placement] = [world.program(), world.placement()];
console.log(
  `${thousands(program.sets.size)} sets, ${thousands(placement.classes.size)} classes, ${thousands(placement.endpoints.size)} endpoints`,
);

const traffic = new Traffic();
const evaluate = evaluatorOf(program, placement);
const first = round(evaluate, traffic, 10_000);
console.log(`first 10,000 packets: ${thousands(1e6 / first.perSecond)} us each`);
const rounds = Array.from({ length: 8 }, () => round(evaluate, traffic, packetsPerRound));
const measured = rounds.slice(3).toSorted((a, b) => a.perSecond - b.perSecond);
for (const { perSecond, denied } of rounds)
  console.log(`  ${thousands(perSecond)} a core-second, ${((100 * denied) / packetsPerRound).toFixed(0)} % denied`);
const median = measured[2]?.perSecond ?? 0;
const [held] = [heapMegabytes()];
console.log(`heap ${held.toFixed(0)} MB`);
const isMet = median >= limit;
console.log(`${isMet ? "ok  " : "FAIL"} ${thousands(median)} decisions per core-second (at least ${thousands(limit)})`);
process.exitCode = isMet ? 0 : 1;

import { createHash } from "node:crypto";
import { type Address, formatAddress } from "../../core/address.ts";
import { type Flow, type FlowEndpoint, type FlowService, unenriched, unremarkable } from "../../core/records/flow.ts";
import { ruleIdOf } from "../../core/rule-id.ts";

// The records of a cluster as collectors make and enrichers complete them, for benchmarks. 20 nodes, 40 namespaces, 2,000 pods of 300
// workloads with 7 labels each, 300 Services. A connection lives for 1 to 6 windows of 15 s, each with a record; of all records
// 8 in 100 are denials, 15 go to or come from one of 50,000 internet addresses, 60 of the rest go through a Service, 20 are UDP (DNS). A
// pod calls 5 others. Packets and bytes are log-normal. Records of a node come in the order of their windows.
// As enrichers do, records share the objects of endpoints and Services; paths are of each record its own.
// Deterministic: a seed gives the same records.

const nodes = 20;
const namespaces = 40;
const workloads = 300;
const pods = 2_000;
const windowUs = 15_000_000;

interface Pod {
  readonly address: Address;
  readonly node: number;
  readonly end: FlowEndpoint;
  readonly calls: readonly number[];
  readonly policy: readonly string[];
  readonly service: FlowService;
}

interface Connection {
  readonly parts: Partial<Flow>;
  readonly node: number;
  readonly startedAt: number;
  left: number;
  totals: readonly [number, number, number, number];
}

/** Batches of `batch` records, endlessly, from `start` (microseconds) on, `rate` records a second of record time. */
export function* realisticFlows(options: {
  readonly start: number;
  readonly rate: number;
  readonly batch: number;
  readonly seed?: number;
}): Generator<readonly Flow[]> {
  const random = generator(options.seed ?? 1);
  const cluster = Array.from({ length: pods }, (_, index) => podOf(index, random));
  const seqs = new Array<number>(nodes).fill(0);
  let living: Connection[] = [];
  let id = 1;
  let out: Flow[] = [];
  for (let window = options.start; ; window += windowUs) {
    const wanted = (options.rate * windowUs) / 1e6;
    while (living.length < wanted) living.push(connect(cluster, window, id++, random));
    living.sort((a, b) => a.node - b.node);
    for (const connection of living) {
      const seq = seqs[connection.node] as number;
      seqs[connection.node] = seq + 1;
      out.push(recordOf(connection, window, seq, random));
      if (out.length < options.batch) continue;
      yield out;
      out = [];
    }
    living = living.filter(({ left }) => left > 0);
  }
}

type Random = () => number;

/** mulberry32, public domain. */
function generator(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}

const below = (random: Random, limit: number) => Math.floor(random() * limit);
const hex = (random: Random, digits: number) =>
  Array.from({ length: digits }, () => below(random, 16).toString(16)).join("");

const services: readonly FlowService[] = Array.from({ length: workloads }, (_, workload) => ({
  namespace: `team-${workload % namespaces}`,
  name: `app-${workload}`,
  port: "http",
}));

function podOf(index: number, random: Random): Pod {
  const workload = index % workloads;
  const namespace = `team-${workload % namespaces}`;
  const name = `app-${workload}`;
  const node = below(random, nodes);
  const end: FlowEndpoint = {
    kind: "pod",
    namespace,
    name: `${name}-${hex(random, 10)}-${hex(random, 5)}`,
    uid: `${hex(random, 8)}-${hex(random, 4)}-4${hex(random, 3)}-8${hex(random, 3)}-${hex(random, 12)}`,
    workloadKind: "Deployment",
    workload: name,
    node: `node-${node}`,
    labels: {
      "app.kubernetes.io/name": name,
      "app.kubernetes.io/instance": `${name}-${workload % 3}`,
      "app.kubernetes.io/version": `1.${workload % 20}.${workload % 7}`,
      "pod-template-hash": hex(random, 10),
      env: ["dev", "staging", "prod"][workload % 3] as string,
      zone: ["dmz", "trusted"][workload % 2] as string,
      team: namespace,
    },
  };
  return {
    address: formatAddress(4, BigInt((10 << 24) | (node << 16) | (1 + index))),
    node,
    end,
    calls: Array.from({ length: 5 }, () => below(random, pods)),
    policy: [`0|security|gnp:security.zones|pass|3`, `1|app|np:${namespace}/app.${name}|allow|${workload % 4}`],
    service: services[workload] as FlowService,
  };
}

const internet: FlowEndpoint = {
  kind: "network",
  namespace: null,
  name: null,
  uid: null,
  workloadKind: null,
  workload: null,
  node: null,
  labels: {},
};

function connect(cluster: readonly Pod[], window: number, id: number, random: Random): Connection {
  const caller = cluster[below(random, pods)] as Pod;
  const callee = cluster[caller.calls[below(random, 5)] as number] as Pod;
  const outside = random() < 0.15;
  const denied = random() < 0.08;
  const dns = !outside && random() < 0.2;
  const ports = [8080, 8443, 5432, 6379, 9090, 3000];
  const port = outside ? 443 : dns ? 53 : (ports[below(random, ports.length)] as number);
  const sourcePort = 32_768 + below(random, 28_232);
  const workload = callee.end.workload as string;
  const service = !outside && random() < 0.6 ? callee.service : null;
  const target = outside ? formatAddress(4, BigInt(0x5000_0000 + below(random, 50_000) * 977)) : callee.address;
  const virtual = formatAddress(4, BigInt(0x0a60_0000 + Number(workload.slice(4))));
  const rule = ruleIdOf(createHash("sha256").update(`${workload} 0`).digest());
  const parts: Partial<Flow> = {
    state: denied ? "denied" : "open",
    connection: denied ? null : below(random, 2 ** 32),
    protocol: dns ? 17 : 6,
    sourceAddress: caller.address,
    sourcePort,
    destinationAddress: target,
    destinationPort: port,
    nat:
      service === null
        ? null
        : { destinationAddress: virtual, destinationPort: 80, sourceAddress: caller.address, sourcePort },
    denied: denied ? "ingress" : null,
    egressRule: rule,
    ingressRule: outside ? null : rule,
    inInterface: `cali${(id % 100).toString(16)}`,
    outInterface: "eth0",
    reporter: outside ? "src" : "dst",
    authoritative: true,
    action: denied ? "deny" : "allow",
    mode: "enforced",
    verdictSource: "kernel",
    programRevision: "0123456789abcdef0123456789abcdef",
    enforced: denied
      ? [...caller.policy, `0|security|gnp:security.${callee.end.labels["env"]}-only|deny|0`]
      : [...caller.policy, ...callee.policy],
    source: caller.end,
    destination: outside ? internet : callee.end,
    service,
  };
  const startedAt = window + below(random, windowUs);
  return {
    parts,
    node: outside ? caller.node : callee.node,
    startedAt,
    left: denied ? 1 : 1 + below(random, 6),
    totals: [0, 0, 0, 0],
  };
}

function recordOf(connection: Connection, window: number, seq: number, random: Random): Flow {
  connection.left -= 1;
  const packets = Math.ceil(Math.exp(1 + 1.5 * normal(random)));
  const bytes = packets * (52 + below(random, 400));
  const denied = connection.parts.state === "denied";
  const replyPackets = denied ? 0 : Math.ceil(packets * (0.7 + 0.6 * random()));
  const replyBytes = replyPackets * (52 + below(random, 1_200));
  const [a, b, c, d] = connection.totals;
  connection.totals = [a + packets, b + bytes, c + replyPackets, d + replyBytes];
  const [totalPackets, totalBytes, totalReplyPackets, totalReplyBytes] = connection.totals;
  const closes = connection.left === 0 && !denied;
  const start = Math.max(window, connection.startedAt);
  return {
    ...unremarkable,
    ...unenriched,
    ...unremarkable,
    cluster: "production",
    node: `node-${connection.node}`,
    epoch: 1_700_000_000_000 + connection.node,
    seq,
    start,
    end: closes ? start + below(random, window + windowUs - start) : window + windowUs,
    startedAt: connection.startedAt,
    zone: 0,
    icmp: null,
    reason: null,
    replied: !denied,
    packets,
    bytes,
    replyPackets,
    replyBytes,
    totalPackets,
    totalBytes,
    totalReplyPackets,
    totalReplyBytes,
    ...connection.parts,
    enforced: [...(connection.parts.enforced ?? [])],
    ...(closes ? { state: "closed" as const, endReason: "finished" as const } : {}),
  } as Flow;
}

/** Box and Muller. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

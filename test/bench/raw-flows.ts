import { parseAddress } from "../../core/address.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { type RawFlow, unremarkable } from "../../core/records/flow.ts";
import type { Evaluate, Packet } from "../../policy/verdict.ts";
import { type ClusterSize, podObject } from "./large-cluster.ts";

// What collectors of the cluster in large-cluster.ts see, for benchmarks. An application calls 5 others, any
// of its pods any of theirs, each at a port of its own; or one of 50,000 internet addresses (15 in 100 connections). 60 of 100 go through a Service. A connection lives for 1 to 6 windows, each with a
// record of the destination's node (of the source's to the internet); verdicts carry the ids of the rules that decide in the evaluator, as labels of
// the kernel would. Deterministic.

const windowUs = 15_000_000;
const outside = 50_000;
const ports = [8080, 5432, 9090];
const podsPerNode = 100;
const applications = 20;

/** A Service for each application of each namespace. */
export function* serviceObjects(size: ClusterSize): Generator<KubeObject> {
  for (let number = 0; number < size.namespaces * applications; number++)
    yield {
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace: `ns-${number % size.namespaces}`, name: `app-${Math.floor(number / size.namespaces)}` },
      spec: { clusterIP: serviceAddress(number), ports: [{ name: "http", port: 80, targetPort: 8080 }] },
    };
}

interface Talk {
  readonly flow: RawFlow;
  left: number;
}

/** Batches of one node's records, endlessly; a window of all nodes holds `perWindow` of them. */
export function* rawFlows(options: {
  readonly size: ClusterSize;
  readonly evaluate: Evaluate;
  readonly start: number;
  readonly perWindow: number;
  readonly batch: number;
}): Generator<readonly RawFlow[], never> {
  const { size, evaluate, start, perWindow, batch } = options;
  const random = generator(7);
  const seqs = new Map<string, number>();
  let living: Talk[] = [];
  for (let window = start; ; window += windowUs) {
    while (living.length < perWindow) living.push(newTalk(size, evaluate, window, random));
    for (const [node, talks] of Map.groupBy(living, ({ flow }) => flow.node)) {
      const records = talks.map((talk) => recordOf(talk, window, nextOf(seqs, node), random));
      for (let at = 0; at < records.length; at += batch) yield records.slice(at, at + batch);
    }
    living = living.filter(({ left }) => left > 0);
  }
}

type Random = (below: number) => number;

/** mulberry32, public domain. */
function generator(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return Math.floor((((value ^ (value >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

function nextOf(seqs: Map<string, number>, node: string): number {
  const seq = seqs.get(node) ?? 0;
  seqs.set(node, seq + 1);
  return seq;
}

const addressOf = (text: string) => parseAddress(text);
const serviceAddress = (number: number) => `10.96.${number >> 8}.${number & 255}`;
/** That of the pod's application. */
const serviceOf = (pod: number, { namespaces }: ClusterSize) => pod % (namespaces * applications);
/** Always the same five. */
const calledBy = (application: number, which: number, { namespaces }: ClusterSize) =>
  generator(application * 5 + which)(namespaces * applications);
const nodeOf = (pod: number) => `node-${Math.floor(pod / podsPerNode)}`;

function newTalk(size: ClusterSize, evaluate: Evaluate, window: number, random: Random): Talk {
  const caller = random(size.pods);
  const called = calledBy(serviceOf(caller, size), random(5), size);
  const callee = called + size.namespaces * applications * random(size.pods / (size.namespaces * applications));
  const isOutside = random(100) < 15;
  const source = addressOf(podObject(caller, size).status.podIPs[0]?.ip ?? "");
  const destination = isOutside
    ? addressOf(`80.${random(outside) >> 8}.${random(256)}.1`)
    : addressOf(podObject(callee, size).status.podIPs[0]?.ip ?? "");
  const destinationPort = isOutside ? 443 : (ports[called % ports.length] as number);
  const sourcePort = 32_768 + random(28_232);
  const packet: Packet = { source, destination, protocol: 6, sourcePort, destinationPort, icmp: null };
  const verdict = evaluate(packet);
  const node = isOutside ? nodeOf(caller) : nodeOf(callee);
  const isDenied = verdict.action === "deny";
  const isLocal = nodeOf(caller) === node;
  const throughService = !isOutside && random(100) < 60;
  const virtual = addressOf(serviceAddress(serviceOf(callee, size)));
  const translated = { destinationAddress: virtual, destinationPort: 80, sourceAddress: source, sourcePort };
  const denied = verdict.egress?.action === "deny" ? "egress" : "ingress";
  return {
    left: isDenied ? 1 : 1 + random(6),
    flow: {
      ...unremarkable,
      cluster: "production",
      node,
      epoch: 1_790_000_000_000,
      seq: 0,
      start: window,
      end: window + windowUs,
      startedAt: window + random(windowUs),
      state: isDenied ? "denied" : "open",
      connection: isDenied ? null : random(2 ** 32),
      zone: 0,
      protocol: 6,
      sourceAddress: source,
      sourcePort,
      destinationAddress: destination,
      destinationPort,
      icmp: null,
      nat: throughService ? translated : null,
      ...{ packets: 0, bytes: 0, replyPackets: 0, replyBytes: 0 },
      ...{ totalPackets: 0, totalBytes: 0, totalReplyPackets: 0, totalReplyBytes: 0 },
      replied: !isDenied,
      denied: isDenied ? denied : null,
      reason: null,
      egressRule: isLocal ? (verdict.egress?.rule ?? null) : null,
      ingressRule: isOutside ? null : (verdict.ingress?.rule ?? null),
      inInterface: `cali${random(100)}`,
      outInterface: "eth0",
    },
  };
}

function recordOf(talk: Talk, window: number, seq: number, random: Random): RawFlow {
  talk.left -= 1;
  const { flow } = talk;
  const packets = 1 + random(40);
  const replyPackets = flow.replied ? 1 + random(40) : 0;
  const isOver = talk.left === 0 && flow.state === "open";
  return {
    ...flow,
    seq,
    start: Math.max(window, flow.startedAt),
    end: window + windowUs,
    packets,
    bytes: packets * (52 + random(400)),
    replyPackets,
    replyBytes: replyPackets * (52 + random(1200)),
    totalPackets: packets,
    totalBytes: packets * 452,
    totalReplyPackets: replyPackets,
    totalReplyBytes: replyPackets * 1252,
    ...(isOver ? { state: "closed" as const, endReason: "finished" as const } : {}),
  };
}

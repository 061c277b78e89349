// What it takes to find, in a full table, the connections that a change forbids. Run by hand as root: node test/bench/revoke.bench.ts
//
// Method. The cluster of large-cluster.ts with 50,000 pods and 2,000 policies; the node of its first 100 pods. 100,000 TCP connections
// that the policies allow are put into the connection table of a network namespace: between the node's pods and others, either way, half
// of them by pairs that have met before, from any port. Measured are reading the table (the worker's time is in the CPU time of the
// process), judging all of them by a new evaluator, as after a change of policies, and finding whom a change of one pod concerns, and
// judging those; then all of it with a host endpoint, for which the interfaces of all ends are asked of the kernel. CPU time of the
// process (process.cpuUsage), garbage collection included; the middle of five. Ends with code 1 above the limit.
import { execFileSync } from "node:child_process";
import { parseAddress } from "../../core/address.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { namespacePath } from "../../core/netlink/namespace.ts";
import { type Concern, concernOf, isConcerned } from "../../enforcer/concern.ts";
import type { Connection, Connections } from "../../enforcer/conntrack.ts";
import { KernelConntrack } from "../../enforcer/conntrack-kernel.ts";
import type { Enforced } from "../../enforcer/enforced.ts";
import { revocationOf, sparing } from "../../enforcer/revocation.ts";
import { judgeOf } from "../../enforcer/revoke.ts";
import { World } from "../../policy/world.ts";
import { connection } from "../support/connections.ts";
import { deleteNamespace, makeNamespace } from "../support/namespace.ts";
import { type ClusterSize, clusterObjects, podObject } from "./large-cluster.ts";

const size: ClusterSize = { namespaces: 250, pods: 50_000, policies: 2_000 };
const node = "node-0";
const podsOfNode = 100;
const entries = 100_000;
const rounds = 5;
const limitMs = 1_000;

/** Of the first tier. */
const closing: KubeObject = {
  apiVersion: "projectcalico.org/v3",
  kind: "GlobalNetworkPolicy",
  metadata: { name: "platform.closing" },
  spec: {
    tier: "platform",
    order: 0,
    selector: "role == 'frontend'",
    types: ["Ingress"],
    ingress: [{ action: "Deny", source: { selector: "role == 'backend'" } }, { action: "Pass" }],
  },
};

const hostEndpoint: KubeObject = {
  apiVersion: "projectcalico.org/v3",
  kind: "HostEndpoint",
  metadata: { name: "bench" },
  spec: { node, interfaceName: "eth0", profiles: ["projectcalico-default-allow"] },
};

/** The namespace has no interfaces: as if pods were behind some, and all else behind eth0. */
function* at(connections: Iterable<Connection>): Generator<Connection> {
  for (const each of connections) yield { ...each, sourceLink: "eth0", destinationLink: "veth0" };
}

const world = new World();
world.apply([...clusterObjects(size)].map((object) => ({ type: "upsert", object })));
const addressOf = (pod: number) => String(podObject(pod, size).status.podIP);
const situation = (): Enforced => ({
  program: world.program(),
  placement: world.placement(),
  podCidrs: [],
  links: { own: new Map() },
});
const before = situation();
const localAddresses = new Set([parseAddress("192.0.2.1")]);
const seat = { node, localAddresses, unknownEndpoints: "deny" } as const;

/** The same every time; half of them are between a pod and one of ten others that it deals with. */
function* connections(): Generator<Connection> {
  const judge = judgeOf(before, seat);
  for (let n = 0, made = 0; made < entries; n++) {
    const own = n % podsOfNode;
    const other = n % 2 === 0 ? podsOfNode + own * 10 + (Math.floor(n / podsOfNode) % 10) : (n * 7919) % size.pods;
    const [from, to] = n % 3 === 0 ? [other, own] : [own, other];
    const opened = connection({ from: `${addressOf(from)} ${1024 + (n % 64_507)}`, to: `${addressOf(to)} 8080` });
    if (judge(opened) !== null) continue;
    made += 1;
    yield opened;
  }
}

async function measured<T>(work: () => T | Promise<T>): Promise<{ readonly ms: number; readonly result: T }> {
  const start = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(start);
  return { ms: (user + system) / 1000, result };
}

async function middle<T>(
  what: string,
  work: () => T | Promise<T>,
): Promise<{ readonly ms: number; readonly result: T }> {
  const all = [];
  for (let round = 0; round < rounds; round++) all.push(await measured(work));
  const found = all.toSorted((a, b) => a.ms - b.ms)[Math.floor(rounds / 2)];
  if (found === undefined) throw new Error("no rounds");
  console.log(`${what.padEnd(60)} ${`${Math.round(found.ms)} ms`.padStart(10)}`);
  return found;
}

function denied({ all }: Connections, after: Enforced, concern: Concern): number {
  const judge = judgeOf(after, seat);
  const revocations = [...all].flatMap((each) => {
    const direction = isConcerned(each, concern) ? judge(each) : null;
    return direction === null ? [] : [revocationOf(each, direction)];
  });
  return sparing(revocations, all).length;
}

const namespace = makeNamespace("revoke-bench");
const kernel = new KernelConntrack();
try {
  const insertions = [...connections()].map(({ zone, original, reply }) => ({
    ...{ zone, original, tcpState: 3 },
    reply: { ...original, ...reply },
  }));
  const program = new URL("../support/insert-connections.ts", import.meta.url).pathname;
  execFileSync("ip", ["netns", "exec", namespace, process.execPath, program], { input: JSON.stringify(insertions) });
  const conntrack = kernel.in(namespacePath(namespace));
  const read = await middle("reading the table", () => conntrack.list({ links: false }));
  console.log(`${"  connections".padEnd(60)} ${String([...read.result.all].length).padStart(10)}`);

  world.apply([{ type: "upsert", object: closing }]);
  const edited = situation();
  const everything = await middle("judging all, after a policy changed", () =>
    denied(read.result, edited, concernOf(before, edited, node)),
  );
  console.log(`${"  denied".padEnd(60)} ${String(everything.result).padStart(10)}`);

  world.apply([{ type: "upsert", object: podObject(7, size, { role: "database" }) }]);
  const relabelled = situation();
  const some = await middle("judging those of one pod, after its labels changed", () =>
    denied(read.result, relabelled, concernOf(edited, relabelled, node)),
  );
  console.log(`${"  denied".padEnd(60)} ${String(some.result).padStart(10)}`);

  world.apply([{ type: "upsert", object: hostEndpoint }]);
  const hosted = situation();
  const withLinks = await middle("reading the table, with the interfaces of all ends", () =>
    conntrack.list({ links: true }),
  );
  const atInterfaces = await middle("judging all, where the node has a host endpoint", () =>
    denied({ ...withLinks.result, all: [...at(withLinks.result.all)] }, hosted, concernOf(relabelled, hosted, node)),
  );
  console.log(`${"  denied".padEnd(60)} ${String(atInterfaces.result).padStart(10)}`);
  process.exitCode = read.ms + everything.ms <= limitMs ? 0 : 1;
  console.log(`reading and judging all: ${Math.round(read.ms + everything.ms)} ms, limit ${limitMs} ms`);
} finally {
  await kernel.close();
  deleteNamespace(namespace);
}

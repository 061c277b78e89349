// What the policy engine takes of time and memory in a large cluster. Run by hand: node test/bench/policy.bench.ts [scale]
//
// Method. The cluster of large-cluster.ts: 10,000 policies, 100,000 pods, 500 namespaces (times `scale`, 1 by default). One process,
// one thread. Cold: from the objects of the API server, as they are given to World.apply in batches of 500, to Program and
// Placement. Changes: one object each, applied, then Program and Placement asked for; of 200 (20 of the dear kinds) the middle, the
// 99th of a hundred and the worst. Times are CPU time, so that what else the machine does is not in them: of a cold start that of all
// threads of the process; of a change that of the thread that makes it, garbage collection there included, since it is what one waits
// for (process.threadCpuUsage), and beside it the 99th of a hundred with all threads. Memory is the peak of the process (VmHWM),
// objects and Node.js included; the limit is that of the cold start, not of what 900 changes at full speed leave to be collected.
// Classes are made when they are asked for, so the cold start ends when all have been asked for, and each change when those of 200
// pods have, which is what an enforcer asks for its node; that is told beside it where all pods get another class.
// Ends with code 1 beyond a limit.

import { readFileSync } from "node:fs";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { ClassId, EndpointId } from "../../policy/placement.ts";
import { World } from "../../policy/world.ts";
import { type ClusterSize, clusterObjects, namespaceObject, podObject, policyObject } from "./large-cluster.ts";

const scale = Number(process.argv[2] ?? 1);
const size: ClusterSize = { namespaces: 500 * scale, pods: 100_000 * scale, policies: 10_000 * scale };
const batch = 500;
const mib = 2 ** 20;

const limits = { coldMs: 10_000, changeMs: 10, peakMib: 1024 };

/** Milliseconds of CPU time, of all threads. */
function timed(work: () => void): number {
  const start = process.cpuUsage();
  work();
  return milliseconds(process.cpuUsage(start));
}

const milliseconds = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1000;

/** Most memory that the process ever held. */
function peakMib(): number {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return (Number(kib) * 1024) / mib;
}

function report(what: string, value: string, limit?: { readonly is: number; readonly atMost: number }): void {
  const isMet = limit === undefined || limit.is <= limit.atMost;
  if (!isMet) process.exitCode = 1;
  const judged = limit === undefined ? "" : `   ${isMet ? "ok  " : "FAIL"} (at most ${limit.atMost})`;
  console.log(`${what.padEnd(46)} ${value.padStart(52)}${judged}`);
}

function put(world: World, ...objects: readonly KubeObject[]): void {
  const faults = world.apply(objects.map((object) => ({ type: "upsert", object })));
  if (faults.length > 0) throw new Error(`refused: ${JSON.stringify(faults[0])}`);
}

function cold(world: World): void {
  let [made, read, compiled, placed] = [0, 0, 0, 0];
  let batched: KubeObject[] = [];
  const hand = () => {
    read += timed(() => put(world, ...batched));
    batched = [];
  };
  made = timed(() => {
    for (const object of clusterObjects(size)) {
      batched.push(object);
      if (batched.length === batch) hand();
    }
    hand();
  });
  compiled = timed(() => world.program());
  placed = timed(() => world.placement().classes.size);
  const [program, placement] = [world.program(), world.placement()];
  const total = read + compiled + placed;
  report("cold start", `${Math.round(total)} ms`, { is: total, atMost: limits.coldMs });
  report(
    "  reading objects, program, placement",
    [read, compiled, placed].map((ms) => `${Math.round(ms)} ms`).join(", "),
  );
  report("  (making the objects)", `${Math.round(made - read)} ms`);
  report("  peak memory", `${Math.round(peakMib())} MiB`, { is: peakMib(), atMost: limits.peakMib });
  report("  heap after collection", `${Math.round(heapMib())} MiB`);
  const { sets, blocks, rules, applies } = program;
  console.log(`  ${sets.size} sets, ${blocks.size} blocks, ${rules.size} rules, ${applies.length} entries`);
  console.log(`  ${placement.classes.size} classes of ${placement.classOf.size} endpoints`);
}

/** Each 499th pod: as many as a node has, of many kinds. */
const ofOneNode = Array.from({ length: 200 }, (_, turn) => podId(podObject(499 * turn, size)));

function podId({ metadata: { namespace, name } }: KubeObject): EndpointId {
  return `pod:${namespace}/${name}` as EndpointId;
}

function askClasses(world: World, pods: readonly EndpointId[]): void {
  const { classOf, classes } = world.placement();
  for (const pod of pods)
    if (classes.get(classOf.get(pod) as ClassId) === undefined) throw new Error(`${pod} has no class`);
}

function heapMib(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / mib;
}

/** `atMost`: milliseconds that 99 of 100 take. */
function changes(
  what: string,
  world: World,
  times: number,
  change: (turn: number) => KubeObject,
  atMost?: number,
): void {
  const took = Array.from({ length: times }, (_, turn) => {
    const object = change(turn);
    const start = process.threadCpuUsage();
    const all = timed(() => {
      put(world, object);
      world.program();
      askClasses(world, ofOneNode);
    });
    return { own: milliseconds(process.threadCpuUsage(start)), all };
  });
  const at = (share: number, of: "own" | "all") => {
    const sorted = took.map((each) => each[of]).sort((a, b) => a - b);
    return sorted[Math.ceil(share * times) - 1] as number;
  };
  const told = [at(0.5, "own"), at(0.99, "own"), at(0.99, "all"), at(1, "own")].map((ms) => ms.toFixed(2));
  const text = `${told[0]} ms, 99 %: ${told[1]} (${told[2]}), worst: ${told[3]}`;
  report(what, text, atMost === undefined ? undefined : { is: at(0.99, "own"), atMost });
}

function main(): void {
  const world = new World();
  cold(world);
  const each = limits.changeMs;
  const labels = (turn: number) => ({ generation: String(turn), role: turn % 2 ? "frontend" : "backend" });
  const scoped = (turn: number) => 1001 + 7 * turn - (turn % 10 === 7 ? 1 : 0);
  changes("a pod comes", world, 200, (turn) => podObject(size.pods + turn, size), each);
  changes("a pod's labels change", world, 200, (turn) => podObject(17 * turn, size, labels(turn)), each);
  changes("a namespaced policy is edited", world, 200, (turn) => notGlobal(scoped(turn), turn % 8), each);
  changes("one of them gets 200 rules", world, 20, (turn) => notGlobal(scoped(300 + turn), 200));
  changes("a namespaced policy comes", world, 200, (turn) => notGlobal(size.policies + turn, 0), each);
  changes("a team's global policy is edited", world, 200, (turn) => policyObject(1000 + 10 * turn, size, 1), each);
  changes("a global policy of every pod is edited", world, 20, (turn) => policyObject(0, size, 1 + turn), each);
  changes("a namespace is relabelled", world, 20, (turn) => namespaceObject(turn, { env: "other" }));
  report("peak memory at the end", `${Math.round(peakMib())} MiB`);
}

function notGlobal(number: number, edition: number): KubeObject {
  return policyObject(number % 10 === 0 ? number + 1 : number, size, 1 + edition);
}

main();

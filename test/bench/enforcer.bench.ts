// What it takes to get a node's policies into the kernel, and to follow a change. Run by hand, as root:
// node test/bench/enforcer.bench.ts [--changes 200]
//
// Method. The node of large-node.ts: 2,000 policies of five rules each that are all about this node's 200 pods, and 50,000 pods of
// the cluster. Everything is real: the objects go through World to the Enforcer, which loads a network namespace by libnftables and
// our own batches. Interfaces are given by a map, as there are not 200 of them.
// Cold: from the first object (in batches of 500, parsed but for the JSON of them) until the kernel has taken the rules. At the end all of it, made from scratch, is loaded into
// another namespace three times by the Enforcer's way and three times by `nft -f` of the same text, in turn; of each the best counts.
// Changes, one at a time: from the object, as the watch gives it, until the kernel has taken the transaction: a pod of
// another node comes and goes; one is sent to this node, gets its address, and goes, as the watch tells of every pod (kubelet tells
// the address when the pod's network is there, seconds after the scheduler has chosen the node); one of this node comes that nobody told of before;
// a policy's ports are edited, without and with the guard of paths (guarded.ts). A kind of change ends after a minute.
// Then `nft flush ruleset` by another process, five times, with all that watches over the rules: the gap is from the last moment at which
// nothing had happened to the acknowledgement of the transaction that makes everything anew. While anybody else on the machine listens
// to changes of nftables, in whatever network namespace, the kernel makes a message for each element, which takes as long again.
// Judged are CPU times of the threads that are waited for, their time in the kernel included (waited-time.ts), so that what else the
// machine does is not in them; elapsed times stand beside them. Memory is the peak of the process
// (VmHWM), World and Node.js included, read before `nft -f` and the second loads.

import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { systemClock } from "../../core/clock.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { keepHeapLean } from "../../core/lean-heap.ts";
import { namespacePath } from "../../core/netlink/namespace.ts";
import { NftLibrary } from "../../enforcer/nft-library.ts";
import type { Transaction } from "../../enforcer/ruleset.ts";
import { textOf } from "../../enforcer/text.ts";
import { deleteNamespace, makeNamespace } from "../support/namespace.ts";
import { type Flushed, FlushRepair } from "./flush-repair.ts";
import { guardedObjects, guardOf } from "./guarded.ts";
import { fullSize, localPods, nodeObjects, pathPolicies, podObject, policyObject } from "./large-node.ts";
import { MeasuredEnforcer } from "./measured-enforcer.ts";
import { sumOf, type Took, timed } from "./waited-time.ts";

const limits = { coldMs: 2000, loadRatio: 1.2, podMs: 5, policyMs: 50, peakMib: 300, flushMs: 500 };
const flushes = 5;
const longestMs = 60_000;
const batch = 500;
const mib = 2 ** 20;

let missed = 0;

function report(what: string, value: string, limit = "", isWithin = true): void {
  if (!isWithin) missed += 1;
  const judged = limit === "" ? "" : `   limit ${limit.padEnd(10)} ${isWithin ? "ok" : "FAIL"}`;
  console.log(`${what.padEnd(46)} ${value.padStart(52)}${judged}`);
}

function peakMib(): number {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return (Number(kib) * 1024) / mib;
}

const inWords = ({ cpuMs, elapsedMs }: Took) => `${Math.round(cpuMs)} ms (elapsed ${Math.round(elapsedMs)})`;

async function cold(enforcer: MeasuredEnforcer): Promise<void> {
  const { world } = enforcer;
  const steps: [string, Took, number][] = [];
  const step = async (name: string, took: Promise<Took>) => steps.push([name, await took, peakMib()]);
  await step("reading objects", readAll(enforcer));
  await step(
    "program",
    timed(() => void world.program()),
  );
  await step(
    "placement",
    timed(() => void world.placement()),
  );
  await step(
    "rendering, text, kernel",
    timed(async () => {
      enforcer.hand();
      await enforcer.nextTransaction();
    }),
  );
  const total = sumOf(steps.map(([, took]) => took));
  report("cold: from objects to the kernel", inWords(total), `${limits.coldMs} ms`, total.cpuMs <= limits.coldMs);
  for (const [name, took, peak] of steps) report(`  ${name}`, `${inWords(took)}, memory up to ${Math.round(peak)} MiB`);
  report("  of which text and kernel", `elapsed ${Math.round(enforcer.kernelMs[0] as number)} ms`);
  const { sets, blocks, rules } = world.program();
  console.log(`  the program: ${sets.size} sets, ${blocks.size} blocks, ${rules.size} rules`);
  console.log(`  in the kernel: ${enforcer.census}`);
}

/** Making the objects is not counted. As they come from the API server each is a text until it is its turn, and is gone then. */
async function readAll(enforcer: MeasuredEnforcer): Promise<Took> {
  const took: Took[] = [];
  let texts: string[] = [];
  const hand = async () => {
    const objects = texts.map((text) => JSON.parse(text) as KubeObject);
    texts = [];
    took.push(await timed(() => enforcer.put(...objects)));
  };
  for (const object of nodeObjects(fullSize)) {
    texts.push(JSON.stringify(object));
    if (texts.length === batch) await hand();
  }
  await hand();
  return sumOf(took);
}

interface Step {
  readonly what: string;
  readonly limitMs?: number;
  readonly change: () => void;
}

/** Each object in turn, alone. */
async function changes(steps: Iterable<Step>, enforcer: MeasuredEnforcer) {
  const took = new Map<
    string,
    { readonly limitMs: number | undefined; readonly all: Took[]; readonly kernel: number[] }
  >();
  const deadline = systemClock.monotonic() + longestMs;
  for (const { what, limitMs, change } of steps) {
    const of = took.get(what) ?? { limitMs, all: [], kernel: [] };
    took.set(what, of);
    const taken = enforcer.nextTransaction();
    of.all.push(
      await timed(async () => {
        change();
        enforcer.hand();
        await taken;
      }),
    );
    of.kernel.push(enforcer.kernelMs.at(-1) as number);
    if (systemClock.monotonic() > deadline) break;
  }
  for (const [what, { limitMs, all, kernel }] of took) reportChanges(what, limitMs, all, kernel);
}

function reportChanges(
  what: string,
  limitMs: number | undefined,
  all: readonly Took[],
  kernel: readonly number[],
): void {
  const at = (of: (took: Took) => number, share: number) => percentile(all.map(of), share);
  const shares = [0.5, 0.99, 1].map((share) => at((one) => one.cpuMs, share).toFixed(1));
  const value = `${shares.join(" / ")} ms (elapsed 99 %: ${at((one) => one.elapsedMs, 0.99).toFixed(1)})`;
  const isWithin = limitMs === undefined || at((one) => one.cpuMs, 0.99) <= limitMs;
  report(`${what}, ${all.length} times, 50/99/100 %`, value, limitMs === undefined ? "" : `${limitMs} ms`, isWithin);
  const middle = [0.5, 0.99, 1].map((share) => percentile(kernel, share).toFixed(2));
  report("  of which the kernel's transaction, elapsed", `${middle.join(" / ")} ms`);
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] as number;
}

function* podsElsewhere(enforcer: MeasuredEnforcer, count: number): Generator<Step> {
  const what = "a pod elsewhere comes or goes";
  for (let turn = 0; turn * 2 < count; turn++) {
    const pod = podObject(fullSize.pods + 2 * turn + 1, {}, false);
    yield { what, limitMs: limits.podMs, change: () => enforcer.put(pod) };
    yield { what, limitMs: limits.podMs, change: () => enforcer.delete(pod) };
  }
}

/** Before a pod has an address, the watch tells that it was sent here. */
function* podsHere(enforcer: MeasuredEnforcer, count: number): Generator<Step> {
  const what = "a pod here gets its address, or goes";
  for (let turn = 0; turn * 2 < count; turn++) {
    const number = fullSize.pods + 2 * turn;
    const pod = podObject(number, {}, true);
    yield { what: "a pod is sent here", change: () => enforcer.put({ ...pod, status: { phase: "Pending" } }) };
    yield { what, limitMs: limits.podMs, change: () => comes(enforcer, number) };
    yield { what, limitMs: limits.podMs, change: () => goes(enforcer, number) };
  }
}

function* podsUnexpected(enforcer: MeasuredEnforcer, count: number): Generator<Step> {
  for (let turn = 0; turn * 2 < count; turn++) {
    const number = fullSize.pods + 2 * turn;
    yield { what: "a pod here comes that was not told of", change: () => comes(enforcer, number) };
    yield { what: "  and goes", change: () => goes(enforcer, number) };
  }
}

function comes(enforcer: MeasuredEnforcer, number: number): void {
  enforcer.bind(number, true);
  enforcer.put(podObject(number, {}, true));
}

function goes(enforcer: MeasuredEnforcer, number: number): void {
  enforcer.bind(number, false);
  enforcer.delete(podObject(number, {}, true));
}

/** `first`: of the editions. */
function* policyEdits(enforcer: MeasuredEnforcer, count: number, first = 1): Generator<Step> {
  for (let turn = 0; turn < count; turn++) {
    const number = pathPolicies + (((localPods + 3) * turn) % (fullSize.policies - pathPolicies));
    const policy: KubeObject = policyObject(number, first + turn);
    yield { what: "a policy is edited", limitMs: limits.policyMs, change: () => enforcer.put(policy) };
  }
}

/** The same behind the guard of paths, as the engine has it: it is asked before the enforcer is told. */
function* guardedEdits(enforcer: MeasuredEnforcer, count: number): Generator<Step> {
  enforcer.put(...guardedObjects());
  const { rollout, held } = guardOf(enforcer.world);
  rollout.take([]);
  for (const edit of policyEdits(enforcer, count, 1 + count)) {
    const change = () => {
      edit.change();
      rollout.take([]);
      if (held()) throw new Error("the guard holds back a policy that closes no path");
    };
    yield { ...edit, what: "a policy is edited, paths guarded", change };
  }
}

/** Everything flushed by `nft`, some times; the best counts, as whatever else the machine does only adds to them. */
async function repairs(namespace: string, enforcer: MeasuredEnforcer): Promise<void> {
  const repair = new FlushRepair(namespace, enforcer);
  try {
    const took: Flushed[] = [];
    for (let turn = 0; turn < flushes; turn++) took.push(await repair.flush());
    const at = (of: (one: Flushed) => number) => [0, 0.5, 1].map((share) => percentile(took.map(of), share || 0.01));
    const [cpu, gaps] = [at((one) => one.took.cpuMs), at(({ gapMs }) => gapMs)].map((all) => all.map(Math.round));
    const value = `${cpu?.join(" / ")} ms (gap ${gaps?.join(" / ")})`;
    const best = cpu?.[0] ?? Number.POSITIVE_INFINITY;
    report(
      "nft flush ruleset, to the rules standing, 0/50/100 %",
      value,
      `${limits.flushMs} ms`,
      best <= limits.flushMs,
    );
  } finally {
    await repair.close();
  }
}

/** The Enforcer's way to load a transaction against `nft -f`, in a namespace of its own. */
async function loads(library: NftLibrary, transaction: Transaction): Promise<void> {
  const namespace = makeNamespace("bench-load");
  const file = `/run/sluice-bench-${process.pid}.nft`;
  try {
    writeFileSync(file, textOf(transaction));
    const [ours, program]: [number[], number[]] = [[], []];
    for (let turn = 0; turn < 3; turn++) {
      const nft = library.in(namespacePath(namespace));
      ours.push((await timed(() => nft.apply(transaction))).cpuMs);
      program.push(programMs(namespace, file));
    }
    const [best, other] = [Math.min(...ours), Math.min(...program)];
    const value = `${Math.round(best)} ms / ${Math.round(other)} ms = ${(best / other).toFixed(2)}`;
    report(
      "the kernel load against nft -f of the same text",
      value,
      `x ${limits.loadRatio}`,
      best <= limits.loadRatio * other,
    );
  } finally {
    rmSync(file, { force: true });
    deleteNamespace(namespace);
  }
}

/** CPU time of `nft -f`, as bash tells it. */
function programMs(namespace: string, file: string): number {
  const command = `TIMEFORMAT="%U %S"; { time nft -f ${file}; } 2>&1`;
  const told = execFileSync("ip", ["netns", "exec", namespace, "bash", "-c", command], { encoding: "utf8" });
  return told.split(" ").reduce((sum, seconds) => sum + 1000 * Number(seconds), 0);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { changes: { type: "string", default: "200" } } });
  const count = Number(values.changes);
  // As sluice up does.
  keepHeapLean();
  const namespace = makeNamespace("bench");
  const library = await NftLibrary.open();
  const enforcer = new MeasuredEnforcer(library.in(namespacePath(namespace)));
  try {
    await cold(enforcer);
    report("  peak memory", `${Math.round(peakMib())} MiB`);
    for (const steps of [podsElsewhere, podsHere, podsUnexpected, policyEdits, guardedEdits])
      await changes(steps(enforcer, count), enforcer);
    report("peak memory", `${Math.round(peakMib())} MiB`, `${limits.peakMib} MiB`, peakMib() <= limits.peakMib);
    const { failed, repaired } = enforcer.status;
    report("transactions refused, tables repaired", `${failed}, ${repaired}`, "0", failed + repaired === 0);
    await repairs(namespace, enforcer);
    await loads(library, enforcer.fromScratch());
  } finally {
    await enforcer.stop();
    await library.close();
    deleteNamespace(namespace);
  }
  process.exitCode = missed === 0 ? 0 : 1;
}

await main();

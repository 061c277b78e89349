// What it takes to know a cluster from its API server. npm run bench -- kube [pods]
//
// Method. A real kube-apiserver with etcd on this machine, which shares the two cores, with the cluster of large-cluster.ts: 20,000 pods (padded to
// what such pods are: two containers with environment and mounts, and the fields that a server manages), 2,000 policies, 500 namespaces. It is filled once, in
// minutes, and kept below .cache. Another process follows it: time until all is known, its CPU time, and its memory beyond what it had before the first request, at
// the most (VmHWM; what neither V8 nor the allocator has given back is in it). The limit is that of one which keeps nothing of what it is told, so of core/kube;
// a second one does as `sluice up`, into a World whose Program is made. Then the server is
// killed, is started anew, and 600 objects are changed at once; how long until the World of the follower is the same as one of a fresh list. Its versions are
// unknown by then (410), so all is listed again. At last nothing crosses its connections any more, and nobody tells it; 600 other objects are changed, which it
// can know once it has given those connections up (90 s). Ends with code 1 beyond a limit.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCluster } from "../../bin/objects/read-cluster.ts";
import { systemClock } from "../../core/clock.ts";
import { Api } from "../../core/kube/api/api.ts";
import { connectionOf } from "../../core/kube/api/connection.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { ApiServer } from "../../lab/api-server/api-server.ts";
import { apiServerProgram } from "../../lab/api-server/build.ts";
import { World } from "../../policy/world.ts";
import { collectionOf, deleteObject, fillApiServer, installCrds } from "../support/fill-api-server.ts";
import { Link } from "../support/link.ts";
import type { FollowerFingerprint, FollowerSynced } from "./kube-follower.ts";
import { clusterObjects, podObject, policyObject } from "./large-cluster.ts";
import { fingerprintOf } from "./world-fingerprint.ts";

const pods = Number(process.argv[2] ?? 20_000);
const size = { pods, policies: pods / 10, namespaces: pods / 40 };
const limits = { cpuMs: 10_000, peakMib: 120, againMs: 30_000, frozenMs: 120_000 };
const changed = 200;

/** As it is after filling; each run works on a copy. */
const filled = join(import.meta.dirname, "..", "..", ".cache", "bench", `kube-${pods}`);

async function main(): Promise<boolean> {
  const program = await apiServerProgram(console.log);
  if (!existsSync(filled)) await fill(program);
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-kube-"));
  cpSync(filled, folder, { recursive: true });
  const server = serverIn(folder, program);
  try {
    await server.start();
    return await measure(server);
  } finally {
    await server.remove();
  }
}

function serverIn(folder: string, program: string): ApiServer {
  const policy = join(folder, "no-audit.yaml");
  mkdirSync(folder, { recursive: true });
  writeFileSync(policy, "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None}]\n");
  return new ApiServer({ program, folder, flags: ["--controllers", "", "--audit-policy", policy] });
}

const apiOf = (server: ApiServer) => new Api(connectionOf({ kubeconfig: server.kubeconfig() }));

async function fill(program: string): Promise<void> {
  const begun = systemClock.monotonic();
  rmSync(`${filled}.part`, { recursive: true, force: true });
  const server = serverIn(`${filled}.part`, program);
  await server.start();
  try {
    await installCrds(apiOf(server));
    await fillApiServer(apiOf(server), padded(clusterObjects(size)));
  } finally {
    await server.stop();
  }
  renameSync(`${filled}.part`, filled);
  console.log(`filled in ${Math.round((systemClock.monotonic() - begun) / 1000)} s`);
}

function* padded(objects: Iterable<KubeObject>): Generator<KubeObject> {
  for (const object of objects) yield object.kind === "Pod" ? paddedPod(object) : object;
}

function paddedPod(pod: KubeObject): KubeObject {
  const spec = pod["spec"] as { readonly containers: readonly object[] };
  const env = Array.from({ length: 8 }, (_, at) => ({
    name: `SETTING_${at}`,
    value: `value ${at} of ${pod.metadata.name}`,
  }));
  const resources = { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "256Mi" } };
  const volumeMounts = [{ name: "scratch", mountPath: "/scratch" }];
  const sidecar = { name: "sidecar", image: "registry/sidecar" };
  const containers = [...spec.containers, sidecar].map((one) => ({ ...one, env, resources, volumeMounts }));
  return { ...pod, spec: { ...spec, containers, volumes: [{ name: "scratch", emptyDir: {} }] } };
}

async function measure(server: ApiServer): Promise<boolean> {
  const alone = follow(server.kubeconfig(), "nothing");
  const isWithin = tell("kept by nobody", await messageOf<FollowerSynced>(alone), limits);
  alone.disconnect();
  const link = await Link.to(Number(new URL(server.url).port));
  const follower = follow(kubeconfigBy(server, link), "world");
  try {
    tell("kept in a World with its Program", await messageOf<FollowerSynced>(follower));
    await server.stop("SIGKILL");
    await server.start();
    await change(server, 0);
    const isBack = await isSameAgain(server, follower, "crash", limits.againMs);
    link.freeze();
    await change(server, 1);
    return (await isSameAgain(server, follower, "frozen connections", limits.frozenMs)) && isBack && isWithin;
  } finally {
    follower.disconnect();
    link.close();
  }
}

function kubeconfigBy(server: ApiServer, link: Link): string {
  const path = `${server.kubeconfig()}.link`;
  writeFileSync(path, readFileSync(server.kubeconfig(), "utf8").replace(server.url, `https://127.0.0.1:${link.port}`));
  return path;
}

const follow = (kubeconfig: string, use: "nothing" | "world") =>
  fork(join(import.meta.dirname, "kube-follower.ts"), [kubeconfig, use]);
const messageOf = async <T>(child: ChildProcess) => (await once(child, "message"))[0] as T;

/** Whether the follower comes to the same World as a fresh list makes. */
async function isSameAgain(
  server: ApiServer,
  follower: ChildProcess,
  after: string,
  limitMs: number,
): Promise<boolean> {
  const begun = systemClock.monotonic();
  const wanted = await fresh(server);
  for (;;) {
    follower.send("fingerprint");
    const { fingerprint, peakMib } = await messageOf<FollowerFingerprint>(follower);
    const ms = systemClock.monotonic() - begun;
    if (fingerprint !== wanted && ms < limitMs) {
      await systemClock.sleep(250);
      continue;
    }
    report("  MiB of memory added, at most, by then", `${Math.round(peakMib)}`);
    const what = `ms after ${after} and 600 changes until equal to a fresh list`;
    return judged(what, ms, limitMs) && fingerprint === wanted;
  }
}

/** With limits, whether they are kept. */
function tell(
  use: string,
  synced: FollowerSynced,
  limits?: { readonly cpuMs: number; readonly peakMib: number },
): boolean {
  const { objects, elapsedMs, cpuMs, peakMib, nowMib } = synced;
  report(`ms until ${objects} objects are known, ${use}`, `${Math.round(elapsedMs)}`);
  const isFast = judged("  ms of CPU time", cpuMs, limits?.cpuMs);
  const isLean = judged("  MiB of memory added, at most", peakMib, limits?.peakMib);
  report("  MiB of memory added, then", `${Math.round(nowMib)}`);
  return isFast && isLean;
}

/** A third each of what is deleted, changed and made; others each turn. */
async function change(server: ApiServer, turn: number): Promise<void> {
  const api = apiOf(server);
  const numbers = Array.from({ length: changed }, (_, at) => 2 * changed * turn + at);
  await Promise.all(numbers.map((at) => deleteObject(api, podObject(at, size))));
  await Promise.all(numbers.map((at) => relabel(api, podObject(changed + at, size))));
  const more = { ...size, pods: size.pods + 2 * changed };
  const made = numbers.map((_, at) => paddedPod(podObject(size.pods + changed * turn + at, more)));
  await fillApiServer(api, made);
  const [same, other] = [1 + 4 * turn, 3 + 4 * turn];
  await Promise.all([deleteObject(api, policyObject(same, size)), deleteObject(api, policyObject(other, size))]);
  await fillApiServer(api, [policyObject(same, size), policyObject(other, size, 1)]);
}

async function relabel(api: Api, pod: KubeObject): Promise<void> {
  const patch = { body: { metadata: { labels: { role: "moved" } } }, type: "application/merge-patch+json" } as const;
  await api.send("PATCH", `${collectionOf(pod)}/${pod.metadata.name}`, patch);
}

async function fresh(server: ApiServer): Promise<string> {
  const world = new World();
  const { objects } = await readCluster({ kubeconfig: server.kubeconfig() }, () => []);
  world.apply(objects.map((object) => ({ type: "upsert", object })));
  return fingerprintOf(world);
}

function judged(what: string, is: number, atMost = Number.POSITIVE_INFINITY): boolean {
  const isMet = is <= atMost;
  const limit = Number.isFinite(atMost) ? `   ${isMet ? "ok  " : "FAIL"} (at most ${atMost})` : "";
  report(what, `${Math.round(is)}${limit}`);
  return isMet;
}

function report(what: string, value: string): void {
  console.log(`${what.padEnd(66)} ${value}`);
}

process.exitCode = (await main()) ? 0 : 1;

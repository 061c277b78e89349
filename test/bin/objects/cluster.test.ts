import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openObjects } from "../../../bin/objects/open-objects.ts";
import { readCluster } from "../../../bin/objects/read-cluster.ts";
import { systemClock } from "../../../core/clock.ts";
import { parseConfig } from "../../../core/config.ts";
import { Api } from "../../../core/kube/api/api.ts";
import { connectionOf } from "../../../core/kube/api/connection.ts";
import type { KubeObject } from "../../../core/kube/objects.ts";
import { silentLog } from "../../../core/log.ts";
import { Metrics } from "../../../core/metrics.ts";
import { Owners } from "../../../enrichers/owners.ts";
import { problemsOf } from "../../../policy/kinds/read.ts";
import type { EndpointId } from "../../../policy/placement.ts";
import { World } from "../../../policy/world.ts";
import { clusterObjects, podObject } from "../../bench/large-cluster.ts";
import { collectionOf, deleteObject, fillApiServer, installCrds } from "../../support/fill-api-server.ts";
import { Followed } from "../../support/followed.ts";
import { needsApiServer } from "../../support/needs-api-server.ts";
import { nodeObject } from "../../support/objects.ts";
import { until } from "../../support/until.ts";
import { world as builder } from "../../support/world.ts";

const sluice = fileURLToPath(new URL("../../../bin/sluice.ts", import.meta.url));

/** A pod that an API server takes, as it is at some point of its life. */
const pod = (name: string, spec: object, status: object): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { namespace: "life", name, labels: { app: name } },
  spec: { nodeName: "life-1", containers: [{ name: "main", image: "none" }], ...spec },
  status,
});
const at = (...ips: readonly string[]) => ({ podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) });

/** `is`: the addresses by which rules mean it; of one on the host's network those are the node's. */
const lives: readonly { readonly title: string; readonly pod: KubeObject; readonly is?: readonly string[] | "host" }[] =
  [
    { title: "one that runs", pod: pod("runs", {}, { phase: "Running", ...at("10.1.0.11") }), is: ["10.1.0.11"] },
    {
      title: "one with addresses of both families",
      pod: pod("dual", {}, { phase: "Running", ...at("10.1.0.12", "fd01::2") }),
      is: ["10.1.0.12", "fd01::2"],
    },
    {
      title: "one whose address is to come, as its node expects it",
      pod: pod("comes", {}, { phase: "Pending" }),
      is: [],
    },
    {
      title: "one on the host's network",
      pod: pod("host", { hostNetwork: true }, { phase: "Running", ...at("192.0.2.1") }),
      is: "host",
    },
    { title: "none that has succeeded", pod: pod("done", {}, { phase: "Succeeded", ...at("10.1.0.13") }) },
    { title: "none that has failed", pod: pod("failed", {}, { phase: "Failed", ...at("10.1.0.14") }) },
  ];

describe("the world from a Kubernetes API server", function () {
  this.timeout(120_000);
  const server = needsApiServer({ flags: ["--controllers", ""] });
  let api: Api;
  let metrics: Metrics;
  let followed: Followed;
  const world = new World();
  const owners = new Owners({ clock: systemClock });

  before(async () => {
    api = new Api(connectionOf({ kubeconfig: server().kubeconfig() }));
    metrics = new Metrics();
    await installCrds(api);
    const cluster = [...builder().namespace("life").objects, nodeObject("life-1", ["192.0.2.1"], ["10.1.0.0/16"])];
    await fillApiServer(api, [...cluster, ...lives.map(({ pod }) => pod)]);
    const flags = { "objects.source": "api", "objects.kubeconfig": server().kubeconfig() };
    const config = parseConfig({ flags: { ...flags, "objects.auto-host-endpoints": "true" }, env: {} });
    const source = openObjects({ config, clock: systemClock, log: silentLog, metrics });
    followed = new Followed({
      name: source.name,
      async *watch(signal) {
        for await (const changes of source.watch(signal)) {
          assert.deepEqual(world.apply(changes), []);
          owners.update(changes);
          yield changes;
        }
      },
    });
    await followed.synced();
  });
  after(() => followed?.stop());

  const endpoint = (name: string) => world.placement().endpoints.get(`pod:life/${name}` as EndpointId);
  const ownerOf = (address: string) => owners.ownerOf(address as never, systemClock.now() * 1000, "life-1")?.name;

  for (const { title, pod, is } of lives)
    it(`knows of pods ${title}`, () => {
      const known = endpoint(pod.metadata.name);
      assert.deepEqual(known?.hostNetwork ? "host" : known?.addresses, is);
      if (Array.isArray(is)) for (const address of is) assert.equal(ownerOf(address), pod.metadata.name);
    });

  it("gives the address of a pod that has ended to nobody", () => {
    assert.deepEqual([ownerOf("10.1.0.13"), ownerOf("10.1.0.14")], [undefined, undefined]);
  });

  it("gives an address to its node, where a pod on the host's network has it too", () => {
    assert.equal(ownerOf("192.0.2.1"), "life-1");
  });

  it("gives a node its host endpoint", () => {
    const host = world.placement().endpoints.get("host:life-1-auto-hep" as EndpointId);
    assert.deepEqual(host?.addresses, ["192.0.2.1"]);
  });

  it("knows a pod that ends until it is gone, and another of its name by its own address", async () => {
    const runs = lives[0]?.pod ?? assert.fail();
    const uid = followed.named("runs")?.metadata.uid;
    await api.send("DELETE", `${collectionOf(runs)}/runs`);
    await until("it to end", () => followed.named("runs")?.metadata.deletionTimestamp !== undefined);
    assert.deepEqual(endpoint("runs")?.addresses, ["10.1.0.11"]);
    await deleteObject(api, runs);
    await fillApiServer(api, [{ ...runs, status: { phase: "Running", ...at("10.1.0.19") } }]);
    await until("its successor", () => endpoint("runs")?.addresses[0] === "10.1.0.19");
    assert.notEqual(followed.named("runs")?.metadata.uid, uid);
    assert.equal(ownerOf("10.1.0.19"), "runs");
  });

  it("equals a fresh list after a crash, however much changed", async () => {
    const size = { namespaces: 20, pods: 600, policies: 60 };
    await fillApiServer(api, clusterObjects(size));
    await until("all pods", () => pods(followed).length >= 600, 20_000);
    await server().stop("SIGKILL");
    await server().start();
    const [first, second] = pods(followed).filter(({ metadata }) => metadata.namespace === "ns-1");
    await deleteObject(api, first ?? assert.fail());
    await relabel(api, second ?? assert.fail(), { role: "database" });
    await deleteObject(api, policyOf(followed));
    const late = podObject(size.pods, size);
    await fillApiServer(api, [late]);
    await followed.told(`upsert ${late.metadata.name}`, 1, 30_000);
    const { objects: fresh } = await readCluster({ kubeconfig: server().kubeconfig() }, problemsOf);
    const missed = () => difference(followed.objects.values(), fresh);
    await until("all changes", () => missed().length === 0, 30_000).catch(() => assert.deepEqual(missed(), []));
    const again = new World();
    again.apply(fresh.map((object) => ({ type: "upsert", object })));
    assert.equal(world.program().revision, again.program().revision);
  });

  it("is measured: what is known, how fresh it is, and of what the server does not have nothing", async () => {
    const text = await metrics.text();
    assert.match(text, new RegExp(`^sluice_objects_known\\{resource="pods"\\} ${pods(followed).length}$`, "m"));
    assert.match(text, /^sluice_objects_known\{resource="tiers.projectcalico.org"\} 3$/m);
    assert.match(text, /^sluice_objects_staleness_seconds\{resource="namespaces"\} \d/m);
    assert.match(text, /^sluice_objects_refused\{resource="pods"\} 0$/m);
    assert.doesNotMatch(text, /^sluice_objects_(known|staleness_seconds)\{resource="adminnetworkpolicies/m);
  });

  it("answers a question at the command line", async () => {
    const run = promisify(execFile);
    const env = { ...process.env, KUBECONFIG: server().kubeconfig() };
    const args = [sluice, "policy", "tiers", "--objects", "api:", "-o", "json"];
    const { stdout } = await run(process.execPath, args, { env });
    const tiers = JSON.parse(stdout) as readonly { readonly name: string; readonly made: boolean }[];
    const made = tiers.filter(({ made }) => made).map(({ name }) => name);
    assert.ok(
      ["platform", "security", "application"].every((name) => made.includes(name)),
      made.join(),
    );
  });
});

const pods = ({ objects }: Followed) => [...objects.values()].filter(({ kind }) => kind === "Pod");

async function relabel(api: Api, object: KubeObject, labels: Readonly<Record<string, string>>): Promise<void> {
  const patch = { body: { metadata: { labels } }, type: "application/merge-patch+json" } as const;
  await api.send("PATCH", `${collectionOf(object)}/${object.metadata.name}`, patch);
}

function policyOf({ objects }: Followed): KubeObject {
  const policy = [...objects.values()].find(
    ({ kind, apiVersion }) => kind === "NetworkPolicy" && apiVersion === "projectcalico.org/v3",
  );
  return policy ?? assert.fail("there is none");
}

/** What only one of them has, but for what was derived. */
function difference(known: Iterable<KubeObject>, fresh: readonly KubeObject[]): readonly string[] {
  const written = [...known].filter(({ metadata }) => !metadata.name.endsWith("-auto-hep"));
  const [here, there] = [written, fresh].map((objects) => new Set(objects.map((object) => JSON.stringify(object))));
  return [...(here ?? []), ...(there ?? [])].filter((text) => here?.has(text) !== there?.has(text));
}

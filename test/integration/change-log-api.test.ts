import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { controlResources } from "../../bin/objects/control-resources.ts";
import { openObjects } from "../../bin/objects/open-objects.ts";
import { openControlLog } from "../../bin/open-control-log.ts";
import { systemClock } from "../../core/clock.ts";
import { parseConfig } from "../../core/config.ts";
import { readYaml } from "../../core/kube/yaml.ts";
import { silentLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import { needsApiServer } from "../support/needs-api-server.ts";
import { until } from "../support/until.ts";

const rbac = "/apis/rbac.authorization.k8s.io/v1";
const calico = "/apis/projectcalico.org/v3";
const ours = { "app.kubernetes.io/name": "sluice" };
const merge = "application/merge-patch+json";

/** A change log of the API server from its first look to `stop`. */
class Watched {
  readonly records: ChangeRecord[] = [];
  readonly #stop = new AbortController();
  readonly #ended: Promise<unknown>;

  constructor(kubeconfig: string, folder: string) {
    const flags = { "objects.source": "api", "objects.kubeconfig": kubeconfig, "data.folder": folder };
    const rim = { config: parseConfig({ flags }), clock: systemClock, log: silentLog, metrics: new Metrics() };
    const objects = openObjects({ ...rim, beside: controlResources });
    const log = openControlLog({ ...rim, objects });
    const sink = {
      name: "memory",
      write: (batch: readonly ChangeRecord[]) => Promise.resolve(void this.records.push(...batch)),
    };
    const follow = async () => {
      for await (const changes of objects.watch(this.#stop.signal)) log.hear(changes);
    };
    this.#ended = Promise.all([follow(), log.run(sink, this.#stop.signal, new AbortController().signal)]);
  }

  told(summary: string): Promise<ChangeRecord> {
    const find = () => this.records.find((record) => record.summary === summary);
    return Promise.race([until(`"${summary}"`, find, 20_000), this.#ended.then(() => assert.fail("it ended"))]);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }
}

describe("the change log of a Kubernetes API server", function () {
  this.timeout(120_000);
  const server = needsApiServer({ users: [{ name: "watcher", groups: [] }] });
  const folder = mkdtempSync(join(tmpdir(), "sluice-change-log-api-"));
  let watched: Watched | undefined;

  const send = async (method: string, path: string, body?: object, type?: string) => {
    const reply = await server().request(method, path, { ...(body && { body }), ...(type && { type }) });
    assert.ok(reply.status < 300, JSON.stringify(reply.body));
  };

  before(async () => {
    for (const plural of ["networkpolicies", "tiers"])
      for (const { value } of readYaml(readFileSync(`deploy/crds/projectcalico.org_${plural}.yaml`, "utf8")))
        await send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", value as object);
    await until("tiers", async () => (await server().request("GET", `${calico}/tiers`)).status === 200);
    await send("POST", "/api/v1/namespaces", { metadata: { name: "shop", labels: { env: "prod" } } });
  });
  afterEach(() => watched?.stop());
  after(() => rmSync(folder, { recursive: true, force: true }));

  const begin = () => {
    watched = new Watched(server().kubeconfig(), folder);
    return watched;
  };

  it("tells of policies, labels, roles and workloads, with versions and who wrote them, and of nothing else", async () => {
    const log = begin();
    await log.told("begins the change log");
    const path = `${calico}/namespaces/shop/networkpolicies`;
    const spec = { tier: "default", selector: "app == 'web'", types: ["Ingress"] };
    await until("its begin", () => readdirSync(join(folder, "controls")).includes("snapshot"));
    await send("POST", path, {
      apiVersion: "projectcalico.org/v3",
      kind: "NetworkPolicy",
      metadata: { name: "default.web" },
      spec,
    });
    const made = await log.told("created NetworkPolicy shop/default.web");
    await send(
      "PATCH",
      `${path}/default.web`,
      { spec: { ingress: [{ action: "Allow", source: { namespaceSelector: "env == 'dev'" } }] } },
      merge,
    );
    const changed = await log.told("changed spec/ingress of NetworkPolicy shop/default.web");
    assert.deepEqual(
      [changed.control?.uid, changed.control?.resourceVersionBefore],
      [made.control?.uid, made.control?.resourceVersionAfter],
    );
    assert.match(String(changed.request?.fieldManager), /./);
    await send("PATCH", "/api/v1/namespaces/shop", { metadata: { labels: { owner: "ann" } } }, merge);
    await send("PATCH", "/api/v1/namespaces/shop", { metadata: { labels: { env: "dev" } } }, merge);
    await log.told("changed metadata/labels/env of Namespace shop");
    const rules = [{ apiGroups: ["projectcalico.org"], resources: ["*"], verbs: ["*"] }];
    await send("POST", `${rbac}/clusterroles`, { metadata: { name: "all-policies" }, rules });
    await log.told("created ClusterRole all-policies");
    const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } };
    await send("POST", "/apis/apps/v1/namespaces/shop/daemonsets", {
      metadata: { name: "sluice-node", labels: ours },
      spec: { selector: { matchLabels: { a: "b" } }, template },
    });
    await log.told("created DaemonSet shop/sluice-node");
    // A controller of the cluster fills these in after its start, in its own time.
    const isAggregated = /^changed .* of ClusterRole (admin|edit|view)$/;
    const told = log.records.map(({ summary }) => summary).filter((summary) => !isAggregated.test(summary));
    assert.deepEqual(told, [
      "begins the change log",
      "created NetworkPolicy shop/default.web",
      "changed spec/ingress of NetworkPolicy shop/default.web",
      "changed metadata/labels/env of Namespace shop",
      "created ClusterRole all-policies",
      "created DaemonSet shop/sluice-node",
    ]);
  });

  it("finds what was done while it was away, and what goes with its namespace", async () => {
    await send("POST", `${calico}/tiers`, {
      apiVersion: "projectcalico.org/v3",
      kind: "Tier",
      metadata: { name: "team" },
      spec: { order: 5 },
    });
    const log = begin();
    const made = await log.told("created Tier team");
    assert.equal(made.control?.foundAtStart, true);
    await send("DELETE", "/api/v1/namespaces/shop");
    await log.told("deleted NetworkPolicy shop/default.web, with its namespace");
    await log.told("deleted DaemonSet shop/sluice-node, with its namespace");
  });

  it("takes what it may not read any more for still there", async () => {
    const rules = [
      { apiGroups: ["", "networking.k8s.io", "discovery.k8s.io"], resources: ["*"], verbs: ["get", "list", "watch"] },
    ];
    await send("POST", `${rbac}/clusterroles`, { metadata: { name: "watcher" }, rules });
    await send("POST", `${rbac}/clusterrolebindings`, {
      metadata: { name: "watcher" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "watcher" },
      subjects: [{ kind: "User", name: "watcher", apiGroup: "rbac.authorization.k8s.io" }],
    });
    watched = new Watched(server().kubeconfig("watcher"), folder);
    await send("POST", "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies", {
      metadata: { name: "mark" },
      spec: { podSelector: {}, policyTypes: ["Ingress"] },
    });
    await watched.told("created NetworkPolicy default/mark");
    assert.deepEqual(
      watched.records.map(({ summary }) => summary),
      ["created NetworkPolicy default/mark"],
    );
  });
});

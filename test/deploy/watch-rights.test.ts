import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Beside } from "../../bin/bus/bus-engine.ts";
import { besideWatch } from "../../bin/controls/beside-watch.ts";
import { controlResources } from "../../bin/objects/control-resources.ts";
import { openObjects } from "../../bin/objects/open-objects.ts";
import { sluiceVersion } from "../../bin/version.ts";
import { systemClock } from "../../core/clock.ts";
import { parseConfig } from "../../core/config.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { silentLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import { namespaceObject, workingObjects } from "../../deploy/objects/installation.ts";
import { watchRights } from "../../deploy/objects/rights.ts";
import { valuesOf } from "../../deploy/objects/values.ts";
import { policyResources } from "../../policy/kinds/custom-resources.ts";
import { World } from "../../policy/world.ts";
import { apply, applyTierControls } from "../support/apply.ts";
import { needsApiServer } from "../support/needs-api-server.ts";
import { until } from "../support/until.ts";

const namespace = "sluice-system";
const account = `system:serviceaccount:${namespace}:sluice-watch`;
const calico = "/apis/projectcalico.org/v3";
const tiers = `${calico}/tiers`;
const policies = `${calico}/globalnetworkpolicies`;
const taxonomies = "/apis/controls.sluice.dev/v1alpha1/labeltaxonomies";
const admission = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";

describe("rights of sluice watch on a Kubernetes API server", function () {
  this.timeout(90_000);
  const server = needsApiServer();
  const folder = mkdtempSync(join(tmpdir(), "sluice-watch-rights-"));
  const stop = new AbortController();
  let working: Promise<unknown> = Promise.resolve();
  const rim = () => {
    const config = parseConfig({
      flags: { "objects.source": "api", "objects.kubeconfig": join(folder, "kubeconfig") },
    });
    return { config, clock: systemClock, log: silentLog, metrics: new Metrics() };
  };
  const ask = async (method: string, path: string, body?: object) =>
    (await server().request(method, path, { body })).body;
  const finalizers = async () => ((await ask("GET", `${tiers}/held`)) as KubeObject).metadata;

  before(async () => {
    await apply(server(), [namespaceObject(namespace)]);
    await applyTierControls(server());
    const values = valuesOf(sluiceVersion(), { config: { bus: { brokers: ["kafka:9092"] } } });
    const isRight = ({ kind }: KubeObject) => /^(ServiceAccount|ClusterRole|ClusterRoleBinding)$/.test(kind);
    await apply(server(), workingObjects(values, namespace).filter(isRight));
    writeFileSync(join(folder, "kubeconfig"), await kubeconfig());
  });

  after(async () => {
    stop.abort();
    await working;
    rmSync(folder, { recursive: true });
  });

  it("let it read all that it reads", async () => {
    const objects = openObjects({ ...rim(), beside: controlResources });
    const read = new AbortController();
    const reading = (async () => {
      for await (const _ of objects.watch(read.signal));
    })();
    await until("all to be read", () => objects.unread().size === 0, 20_000);
    read.abort();
    await reading;
  });

  it("let it hold tiers and let them go, keep taxonomies, and nothing beyond what it then does", async () => {
    const beside = besideWatch(rim());
    working = Promise.all([beside.run(stop.signal), follow(beside)]);
    for (const { kind, plural, scope } of policyResources) {
      const metadata = { name: "default.p", ...(scope === "Namespaced" ? { namespace: "default" } : {}) };
      const path = scope === "Namespaced" ? `namespaces/default/${plural}` : plural;
      await ask("POST", `${calico}/${path}`, { apiVersion: "projectcalico.org/v3", kind, metadata, spec: {} });
    }
    await ask("POST", tiers, {
      apiVersion: "projectcalico.org/v3",
      kind: "Tier",
      metadata: { name: "held" },
      spec: {},
    });
    await until(
      "the tier to be held",
      async () => JSON.stringify(await finalizers()).includes("controls.sluice.dev"),
      20_000,
    );
    const policy = { apiVersion: "projectcalico.org/v3", kind: "GlobalNetworkPolicy", metadata: { name: "held.p" } };
    await ask("POST", policies, { ...policy, spec: { tier: "held" } });
    await ask("DELETE", `${tiers}/held`);
    await ask("DELETE", `${policies}/held.p`);
    await until(
      "the tier to be let go",
      async () => (await server().request("GET", `${tiers}/held`)).status === 404,
      20_000,
    );
    await ask("POST", taxonomies, taxonomy);
    const generated = async () => JSON.stringify(await ask("GET", admission)).includes("sluice-labels-team");
    await until("its admission policy", generated, 20_000);
    await until(
      "its status",
      async () => JSON.stringify(await ask("GET", `${taxonomies}/team`)).includes("Accepted"),
      20_000,
    );
    await ask("DELETE", `${taxonomies}/team`);
    await until("its admission policy to go", async () => !(await generated()), 20_000);

    const granted = watchRights
      .flatMap(({ group, resources, verbs }) =>
        resources.flatMap((each) => verbs.map((verb) => `${verb} ${group}/${each}`)),
      )
      .filter((right) => !/^(list|watch) /.test(right));
    // Its finalizer came off, which deploy/admission allows by this right alone.
    const all = () => [...used(), "update projectcalico.org/tiers/finalizers"].sort();
    await until("all rights to be used", () => all().length >= granted.length, 20_000);
    assert.deepEqual(all(), granted.sort());
  });

  /** As the engine does. */
  async function follow({ onObjects }: Beside): Promise<void> {
    const world = new World();
    for await (const changes of openObjects({ ...rim(), beside: controlResources }).watch(stop.signal)) {
      world.apply(changes);
      const endpoints = () => world.placement().endpoints.values();
      onObjects?.(changes, { revision: world.program().revision, endpoints });
    }
  }

  /** What it did beyond reading lists, as the audit log has it. */
  function used(): readonly string[] {
    const events = readFileSync(server().auditLog, "utf8").trimEnd().split("\n");
    const rights = events.flatMap((line) => {
      const { user, verb, objectRef, responseStatus } = JSON.parse(line) as AuditEvent;
      if (user.username !== account || objectRef === undefined || /^(list|watch)$/.test(verb)) return [];
      assert.ok((responseStatus?.code ?? 0) !== 403, line);
      const { apiGroup = "", resource, subresource } = objectRef;
      const what = `${apiGroup}/${resource}${subresource === undefined ? "" : `/${subresource}`}`;
      // Applying what is not there creates it.
      return [`${verb} ${what}`, ...(verb === "patch" && responseStatus?.code === 201 ? [`create ${what}`] : [])];
    });
    return [...new Set(rights)];
  }

  async function kubeconfig(): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/sluice-watch/token`;
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
    const { status } = (await ask("POST", path, body)) as { readonly status: { readonly token: string } };
    return stringify({
      ...{ apiVersion: "v1", kind: "Config", "current-context": "c" },
      clusters: [{ name: "c", cluster: { server: server().url, "certificate-authority": server().caFile } }],
      users: [{ name: "c", user: { token: status.token } }],
      contexts: [{ name: "c", context: { cluster: "c", user: "c" } }],
    });
  }
});

const taxonomy = {
  apiVersion: "controls.sluice.dev/v1alpha1",
  kind: "LabelTaxonomy",
  metadata: { name: "team" },
  spec: { keys: [{ key: "team", appliesTo: ["Pod"], values: [{ value: "a" }], action: "Deny" }] },
};

interface AuditEvent {
  readonly user: { readonly username: string };
  readonly verb: string;
  readonly objectRef?: { readonly apiGroup?: string; readonly resource: string; readonly subresource?: string };
  readonly responseStatus?: { readonly code?: number };
}

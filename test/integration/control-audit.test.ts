import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { AuditedLog } from "../../bin/audit/audited-log.ts";
import { controlResources } from "../../bin/objects/control-resources.ts";
import { openObjects } from "../../bin/objects/open-objects.ts";
import { SnapshotFolder } from "../../controls/snapshot/snapshot-folder.ts";
import { systemClock } from "../../core/clock.ts";
import { parseConfig } from "../../core/config.ts";
import { Api } from "../../core/kube/api/api.ts";
import { connectionOf } from "../../core/kube/api/connection.ts";
import { silentLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import type { RequestOptions } from "../../lab/api-server/api-server.ts";
import { needsApiServer } from "../support/needs-api-server.ts";
import { until } from "../support/until.ts";

const deploy = (file: string) => join(import.meta.dirname, "..", "..", "deploy", file);
const policies = "/apis/projectcalico.org/v3/globalnetworkpolicies";
const changePolicies = "/apis/controls.sluice.dev/v1alpha1/changepolicies";
const merge = "application/merge-patch+json";

function policy(name: string, annotations: Readonly<Record<string, string>> = {}) {
  const metadata = { name: `security.${name}`, annotations };
  const spec = { tier: "security", selector: `app == '${name}'`, ingress: [{ action: "Deny" }] };
  return { apiVersion: "projectcalico.org/v3", kind: "GlobalNetworkPolicy", metadata, spec };
}

const changePolicy = (name: string, spec: object) => ({
  ...{ apiVersion: "controls.sluice.dev/v1alpha1", kind: "ChangePolicy", metadata: { name }, spec },
});

describe("the change log of a real API server", function () {
  this.timeout(60_000);
  const stop = new AbortController();
  const records: ChangeRecord[] = [];
  let folder: string;
  let log: AuditedLog;
  let running: Promise<unknown>;

  const server = needsApiServer(async () => {
    folder = mkdtempSync(join(tmpdir(), "sluice-control-audit-"));
    const port = await listen();
    const groups = { ann: ["security"], bob: ["developers"], lea: ["leads"], tom: [] };
    return {
      users: Object.entries(groups).map(([name, own]) => ({
        name,
        groups: name === "tom" ? own : [...own, "writers"],
      })),
      flags: ["--audit-policy", deploy("audit/policy.yaml")],
      auditUrl: `http://127.0.0.1:${port}/audit`,
    };
  });

  before(async () => {
    for (const plural of ["tiers", "globalnetworkpolicies"]) await install(`projectcalico.org_${plural}`);
    await install("controls.sluice.dev_changepolicies");
    await until("the new kinds", async () => {
      const found = await Promise.all([policies, changePolicies].map((path) => server().request("GET", path)));
      return found.every(({ status }) => status === 200);
    });
    await allowWriters();
    await ask("POST", "/apis/projectcalico.org/v3/tiers", {
      body: { apiVersion: "projectcalico.org/v3", kind: "Tier", metadata: { name: "security" } },
    });
    const actors = { groups: ["security"] };
    const approval = { annotation: "example.com/approved", approvers: { groups: ["leads"] } };
    const about = (tiers: readonly string[]) => [{ tiers }];
    await ask("POST", changePolicies, {
      body: changePolicy("security", { appliesTo: about(["security"]), allow: [{ actors }, { approval }] }),
    });
    await ask("POST", changePolicies, {
      body: changePolicy("guard", {
        appliesTo: [{ kinds: ["ChangePolicy"] }],
        allow: [{ actors: { users: ["admin"] } }],
      }),
    });
    follow();
    await until("all that exists to be known", () => existsSync(join(folder, "controls", "snapshot")));
  });

  after(async () => {
    stop.abort();
    await running;
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  /** Resolves with the port on which audit events are taken. */
  function listen(): Promise<number> {
    const listening = Promise.withResolvers<number>();
    const config = parseConfig({
      flags: { "data.folder": folder, "audit.listen": "127.0.0.1:0", "cluster.name": "lab" },
    });
    log = new AuditedLog({
      ...{ config, clock: systemClock, log: silentLog, metrics: new Metrics(), unread: () => new Set<string>() },
      keeping: new SnapshotFolder(join(folder, "controls")),
      api: { send: (...asked) => new Api(connectionOf({ kubeconfig: server().kubeconfig() })).send(...asked) },
      onPort: (_, port) => listening.resolve(port),
    });
    const sink = {
      name: "test",
      write: (batch: readonly ChangeRecord[]) => Promise.resolve(void records.push(...batch)),
    };
    running = log.run(sink, stop.signal, stop.signal);
    return listening.promise;
  }

  function follow(): void {
    const flags = { "objects.source": "api", "objects.kubeconfig": server().kubeconfig() };
    const rim = { config: parseConfig({ flags }), clock: systemClock, log: silentLog, metrics: new Metrics() };
    const objects = openObjects({ ...rim, beside: controlResources });
    running = Promise.all([running, pour()]);
    async function pour(): Promise<void> {
      for await (const changes of objects.watch(stop.signal)) log.hear(changes);
    }
  }

  async function install(name: string): Promise<void> {
    const body = parse(readFileSync(deploy(`crds/${name}.yaml`), "utf8"));
    await ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", { body });
  }

  async function allowWriters(): Promise<void> {
    const apiGroup = "rbac.authorization.k8s.io";
    const base = { apiVersion: `${apiGroup}/v1`, metadata: { name: "writers" } };
    const rules = [{ apiGroups: ["projectcalico.org", "controls.sluice.dev"], resources: ["*"], verbs: ["*"] }];
    const roleRef = { apiGroup, kind: "ClusterRole", name: "writers" };
    const subjects = [{ apiGroup, kind: "Group", name: "writers" }];
    await ask("POST", `/apis/${apiGroup}/v1/clusterroles`, { body: { ...base, kind: "ClusterRole", rules } });
    await ask("POST", `/apis/${apiGroup}/v1/clusterrolebindings`, {
      body: { ...base, kind: "ClusterRoleBinding", roleRef, subjects },
    });
  }

  async function ask(method: string, path: string, options: RequestOptions): Promise<void> {
    const { status, body } = await server().request(method, path, options);
    assert.ok(status === 200 || status === 201, JSON.stringify(body));
  }

  /** The one about that object, what was done to it, and by whom. */
  function recordOf(name: string, verb: string, user: string): Promise<ChangeRecord> {
    const what = (record: ChangeRecord) => `${record.control?.name} ${record.control?.verb} ${record.actor?.user}`;
    return until(`a record of ${name} ${verb} ${user}`, () =>
      records.find((record) => what(record) === `${name} ${verb} ${user}`),
    );
  }

  it("says who did it, and that it was authorised", async () => {
    const headers = { "user-agent": "kubectl/v1.36.3 (linux/amd64)" };
    await ask("POST", policies, { user: "ann", body: policy("web"), headers });
    const { actor, request, control } = await recordOf("security.web", "create", "ann");
    assert.deepEqual(
      [actor?.program, request?.userAgent, request?.sourceAddress],
      ["kubectl/v1.36.3", headers["user-agent"], "127.0.0.1"],
    );
    assert.deepEqual([control?.authorised, control?.reasons], ["yes", ["ChangePolicy security: allowed to ann"]]);
  });

  it("flags what was done by somebody who may not", async () => {
    const body = { spec: { ingress: [{ action: "Allow" }] } };
    await ask("PATCH", `${policies}/security.web`, { user: "bob", type: merge, body });
    const { control } = await recordOf("security.web", "update", "bob");
    assert.equal(control?.authorised, "no");
    assert.match(control.reasons.join(), /nobody else has approved it/);
    assert.deepEqual(
      control.diff.map(({ path }) => path),
      ["/spec/ingress/0/action"],
    );
  });

  it("knows that somebody else approved it", async () => {
    const approved = { metadata: { annotations: { "example.com/approved": "lea" } } };
    await ask("PATCH", `${policies}/security.web`, { user: "lea", type: merge, body: approved });
    const approval = await recordOf("security.web", "update", "lea");
    assert.match(approval.control?.reasons.join() ?? "", /lea approves/);
    await ask("PATCH", `${policies}/security.web`, { user: "bob", type: merge, body: { spec: { order: 5 } } });
    const change = await until("the approved change", () =>
      records.find(({ actor, control }) => actor?.user === "bob" && control?.diff[0]?.path === "/spec/order"),
    );
    assert.deepEqual(
      [change.control?.authorised, change.control?.reasons],
      ["yes", ["ChangePolicy security: allowed to bob"]],
    );
  });

  it("flags what anybody was refused", async () => {
    const { status } = await server().request("DELETE", `${policies}/security.web`, { user: "tom" });
    assert.equal(status, 403);
    const { control, summary, outcomeDetail } = await recordOf("security.web", "delete", "tom");
    assert.deepEqual([control?.refused, control?.authorised], [true, "no"]);
    assert.match(summary, /^tom was refused to delete /);
    assert.match(outcomeDetail, /User "tom" cannot delete resource/);
  });

  it("judges who weakens a policy of changes by what it was before", async () => {
    const body = { spec: { allow: [{}] } };
    await ask("PATCH", `${changePolicies}/guard`, { user: "bob", type: merge, body });
    const { control } = await recordOf("guard", "update", "bob");
    assert.deepEqual(
      [control?.authorised, control?.reasons],
      ["no", ["ChangePolicy guard: bob is not among its actors"]],
    );
  });

  it("names who deleted it", async () => {
    await ask("DELETE", `${policies}/security.web`, { user: "ann" });
    const { control } = await recordOf("security.web", "delete", "ann");
    assert.deepEqual([control?.authorised, control?.after], ["yes", null]);
  });
});

import assert from "node:assert/strict";
import { keepTaxonomies } from "../../../bin/controls/keep-taxonomies.ts";
import type { TimedCondition } from "../../../controls/conditions.ts";
import { TaxonomyCluster } from "../../../controls/taxonomy/cluster.ts";
import { TaxonomyController } from "../../../controls/taxonomy/controller.ts";
import { systemClock } from "../../../core/clock.ts";
import { parseConfig } from "../../../core/config.ts";
import { Api } from "../../../core/kube/api/api.ts";
import { connectionOf } from "../../../core/kube/api/connection.ts";
import type { KubeObject } from "../../../core/kube/objects.ts";
import { silentLog } from "../../../core/log.ts";
import { Metrics } from "../../../core/metrics.ts";
import { company } from "../../support/company-taxonomy.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { done } from "../../support/kube-requests.ts";
import { installTaxonomies, taxonomiesPath } from "../../support/label-taxonomies.ts";
import { needsApiServer } from "../../support/needs-api-server.ts";
import { ObjectStore } from "../../support/object-source.ts";
import { until } from "../../support/until.ts";

const registration = "/apis/admissionregistration.k8s.io/v1";
const policies = `${registration}/validatingadmissionpolicies`;
const bindings = `${registration}/validatingadmissionpolicybindings`;

const taxonomy = (name: string, ...keys: readonly object[]) => ({
  apiVersion: "controls.sluice.dev/v1alpha1",
  kind: "LabelTaxonomy",
  metadata: { name },
  spec: { keys: keys.map((key) => ({ appliesTo: ["Pod"], values: [{ value: "a" }], action: "Deny", ...key })) },
});

describe("controller of label taxonomies", function () {
  this.timeout(60_000);
  const server = needsApiServer();
  const stop = new AbortController();
  const clock = new FakeClock();
  const store = new ObjectStore([]);
  let ended: Promise<void> = Promise.resolve();

  const names = async (path: string) => {
    const { body } = await server().request("GET", path);
    return (body as { readonly items: readonly KubeObject[] }).items.map(({ metadata }) => metadata.name).sort();
  };
  /** Asks until these are there and no others; bindings are named as policies are. */
  const untilThereAre = (...wanted: readonly string[]) =>
    until(`policies ${wanted.join(", ")}`, async () => {
      const found = [...(await names(policies)), ...(await names(bindings))];
      return JSON.stringify(found) === JSON.stringify([...wanted, ...wanted]);
    });
  const put = async (object: KubeObject) => {
    await done(server(), {
      method: "PATCH",
      path: `${taxonomiesPath}/${object.metadata.name}`,
      type: "application/apply-patch+yaml",
      body: object,
    });
    store.change("upsert", object);
  };
  const remove = async (object: KubeObject) => {
    await done(server(), { method: "DELETE", path: `${taxonomiesPath}/${object.metadata.name}` });
    store.change("delete", object);
  };
  const conditions = async (name: string): Promise<readonly TimedCondition[]> => {
    const { body } = await server().request("GET", `${taxonomiesPath}/${name}`);
    return (body as { readonly status?: { readonly conditions: readonly TimedCondition[] } }).status?.conditions ?? [];
  };
  const untilItSays = (name: string, expected: Readonly<Record<string, RegExp>>) =>
    until(`status of ${name}`, async () => {
      const found = await conditions(name);
      return Object.entries(expected).every(([type, says]) =>
        found.some((one) => one.type === type && says.test(`${one.status} ${one.reason}: ${one.message}`)),
      );
    });

  before(async () => {
    await installTaxonomies(server());
    const api = new Api(connectionOf({ kubeconfig: server().kubeconfig() }));
    const rim = { clock, log: silentLog, metrics: new Metrics() };
    ended = new TaxonomyController({ ...rim, cluster: new TaxonomyCluster(api), changes: store }).run(stop.signal);
  });
  afterEach(async () => {
    for (const name of await names(taxonomiesPath)) await remove(taxonomy(name));
    await untilThereAre();
  });
  after(async () => {
    stop.abort();
    await ended;
  });

  it("makes policies and bindings of a taxonomy, and says so in its status", async () => {
    await put(company);
    await untilThereAre(
      "sluice-labels-company-namespaces-deny",
      "sluice-labels-company-nodes-deny",
      "sluice-labels-company-pods-deny",
      "sluice-labels-company-pods-warn",
      "sluice-labels-company-templates-deny",
      "sluice-labels-company-templates-warn",
    );
    await untilItSays("company", {
      Accepted: /^True Valid/,
      Enforced: /^True Applied: by 6 admission policies$/,
      Conflict: /^False None/,
    });
  });

  it("writes the status once, not again for itself", async () => {
    await put(company);
    await untilItSays("company", { Enforced: /^True/ });
    const version = async () => {
      const { body } = await server().request("GET", `${taxonomiesPath}/company`);
      return (body as { readonly metadata: { readonly resourceVersion: string } }).metadata.resourceVersion;
    };
    const first = await version();
    store.change("upsert", company);
    await until("a second round", () => clock.sleeping > 0);
    await clock.advance(60_000);
    await until("a third round", () => clock.sleeping > 0);
    assert.equal(await version(), first);
  });

  it("follows what a taxonomy says: the new policy is there before the old one goes", async () => {
    await put(taxonomy("t", { key: "x" }));
    await untilThereAre("sluice-labels-t-pods-deny", "sluice-labels-t-templates-deny");
    await put(taxonomy("t", { key: "x", action: "Warn" }));
    await untilThereAre("sluice-labels-t-pods-warn", "sluice-labels-t-templates-warn");
  });

  it("keeps the last good state of one that is not understood", async () => {
    await put(taxonomy("t", { key: "x" }));
    await untilItSays("t", { Enforced: /^True Applied/ });
    await put(taxonomy("t", { key: "x", required: [{ kind: "Pod", selector: "((" }] }));
    await untilItSays("t", {
      Accepted: /^False Invalid: spec.keys\[0\].required\[0\].selector: /,
      Enforced: /^True LastGoodState: as it last was accepted, by 2 admission policies$/,
    });
    await untilThereAre("sluice-labels-t-pods-deny", "sluice-labels-t-templates-deny");
  });

  it("says of one that never was understood that nothing of it is in force", async () => {
    await put(taxonomy("t", { key: "x", pattern: "(", values: undefined }));
    await untilItSays("t", { Accepted: /^False/, Enforced: /^False Invalid: it was never accepted$/ });
  });

  it("tells both of two that speak of one label", async () => {
    await put(taxonomy("one", { key: "x" }));
    await put(taxonomy("two", { key: "x", values: [{ value: "b" }] }));
    const says = /allows other values only: no value satisfies both/;
    await untilItSays("one", { Conflict: new RegExp(`^True SameLabel: x: LabelTaxonomy two ${says.source}`) });
    await untilItSays("two", { Conflict: new RegExp(`^True SameLabel: x: LabelTaxonomy one ${says.source}`) });
    await remove(taxonomy("two"));
    await untilItSays("one", { Conflict: /^False/ });
  });

  it("puts right what somebody did to its policies", async () => {
    await put(taxonomy("t", { key: "x" }));
    await untilItSays("t", { Enforced: /^True/ });
    await done(server(), { method: "DELETE", path: `${bindings}/sluice-labels-t-pods-deny` });
    const path = `${policies}/sluice-labels-t-pods-deny`;
    await done(server(), { method: "PATCH", path, body: { spec: { validations: [{ expression: "true" }] } } });
    await until("the end of a round", () => clock.sleeping > 0);
    await clock.advance(60_000);
    await untilThereAre("sluice-labels-t-pods-deny", "sluice-labels-t-templates-deny");
    await until("the policy as it was", async () => {
      const { body } = await server().request("GET", path);
      return JSON.stringify(body).includes("the value is not allowed; there is a (LabelTaxonomy t)");
    });
  });

  it("touches no admission policy of others", async () => {
    const metadata = { name: "others", labels: { "example.com/taxonomy": "gone" } };
    const spec = {
      matchConstraints: {
        resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] }],
      },
      validations: [{ expression: "true" }],
    };
    const body = { apiVersion: registration.slice("/apis/".length), kind: "ValidatingAdmissionPolicy", metadata, spec };
    await done(server(), { method: "POST", path: policies, body });
    await put(taxonomy("t", { key: "x" }));
    await untilItSays("t", { Enforced: /^True/ });
    await remove(taxonomy("t"));
    await until("the policies of t to go", async () => (await names(policies)).length === 1);
    assert.deepEqual(await names(policies), ["others"]);
    await done(server(), { method: "DELETE", path: `${policies}/others` });
  });

  it("hears of taxonomies from the API server, as sluice watch has it run", async () => {
    const own = new AbortController();
    const config = parseConfig({ flags: { "objects.kubeconfig": server().kubeconfig() }, env: {} });
    const rim = { config, clock: systemClock, log: silentLog, metrics: new Metrics() };
    const running = keepTaxonomies(rim, own.signal);
    const body = taxonomy("heard", { key: "x" });
    await done(server(), { method: "POST", path: taxonomiesPath, body });
    await untilThereAre("sluice-labels-heard-pods-deny", "sluice-labels-heard-templates-deny");
    await done(server(), { method: "DELETE", path: `${taxonomiesPath}/heard` });
    await untilThereAre();
    own.abort();
    await running;
  });
});

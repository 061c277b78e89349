import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { systemClock } from "../../core/clock.ts";
import type { Deed } from "../../core/kube/deed.ts";
import { textIn, within } from "../../core/kube/field.ts";
import type { ApiReply, RequestOptions } from "../../lab/api-server/api-server.ts";
import { auditEvent, eventList } from "../collectors/audit/audit-event.ts";
import { needsApiServer } from "../support/needs-api-server.ts";
import { until } from "../support/until.ts";
import { AuditLab } from "./audit-lab.ts";

const deploy = (file: string) => join(import.meta.dirname, "..", "..", "deploy", "audit", file);
const policies = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies";

function policy(name: string, labels: Readonly<Record<string, string>> = {}) {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name, labels },
    spec: { podSelector: {} },
  };
}

describe("with the audit events of a real API server", function () {
  this.timeout(60_000);
  let lab: AuditLab;
  const server = needsApiServer(async () => {
    lab = new AuditLab(mkdtempSync(join(tmpdir(), "sluice-audit-")));
    await lab.start();
    return {
      users: ["ann", "bob", "tom"].map((name) => ({ name, groups: name === "tom" ? ["guests"] : ["writers"] })),
      flags: ["--audit-policy", deploy("policy.yaml")],
      apiServerFlags: lab.flags(),
    };
  });

  before(async () => {
    await allowWriters();
    await refuseNamesOfNone();
  });

  after(async () => {
    await lab?.stop();
    if (lab !== undefined) rmSync(lab.folder, { recursive: true, force: true });
  });

  /** A request that must be answered so, and what list and watch would see of it. */
  async function ask(method: string, path: string, options: RequestOptions, expected: number): Promise<ApiReply> {
    const reply = await server().request(method, path, options);
    assert.equal(reply.status, expected, JSON.stringify(reply.body));
    return reply;
  }

  function sees(change: string, verb: "create" | "update" | "delete", object: unknown): void {
    const metadata = within(object, "metadata");
    const text = (field: string) => textIn(metadata, field) ?? null;
    const target = {
      group: "networking.k8s.io",
      resource: "networkpolicies",
      namespace: text("namespace"),
      name: text("name"),
      uid: text("uid"),
    };
    const [foundAt, resourceVersion] = [systemClock.now(), verb === "delete" ? null : text("resourceVersion")];
    lab.see(change, {
      target,
      verb,
      resourceVersion,
      after: verb === "delete" ? null : object,
      since: foundAt - 5_000,
      foundAt,
    });
  }

  const whoDid = (change: string) => until(`who did ${change}`, () => lab.whoDid(change));

  async function allowWriters(): Promise<void> {
    const base = { apiVersion: "rbac.authorization.k8s.io/v1", metadata: { name: "writers" } };
    const rules = [
      { apiGroups: ["networking.k8s.io"], resources: ["networkpolicies"], verbs: ["*"] },
      { apiGroups: [""], resources: ["users"], verbs: ["impersonate"] },
      { apiGroups: [""], resources: ["namespaces"], verbs: ["*"] },
    ];
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "writers" };
    const subjects = [
      { apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "writers" },
      { apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "deputy" },
    ];
    const path = "/apis/rbac.authorization.k8s.io/v1";
    await ask("POST", `${path}/clusterroles`, { body: { ...base, kind: "ClusterRole", rules } }, 201);
    await ask(
      "POST",
      `${path}/clusterrolebindings`,
      { body: { ...base, kind: "ClusterRoleBinding", roleRef, subjects } },
      201,
    );
  }

  async function refuseNamesOfNone(): Promise<void> {
    const path = "/apis/admissionregistration.k8s.io/v1";
    const base = { apiVersion: "admissionregistration.k8s.io/v1", metadata: { name: "no-none" } };
    const resourceRules = [
      { apiGroups: ["networking.k8s.io"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["networkpolicies"] },
    ];
    const spec = {
      matchConstraints: { resourceRules },
      validations: [{ expression: "object.metadata.name != 'none'" }],
    };
    const binding = { policyName: "no-none", validationActions: ["Deny"] };
    await ask(
      "POST",
      `${path}/validatingadmissionpolicies`,
      { body: { ...base, kind: "ValidatingAdmissionPolicy", spec } },
      201,
    );
    await ask(
      "POST",
      `${path}/validatingadmissionpolicybindings`,
      { body: { ...base, kind: "ValidatingAdmissionPolicyBinding", spec: binding } },
      201,
    );
    await until("the admission policy", async () => {
      const { status } = await server().request("POST", `${policies}?dryRun=All`, { body: policy("none") });
      return status === 422;
    });
  }

  it("each of two users is named for what they did, however they did it", async () => {
    const headers = { "user-agent": "kubectl/v1.36.3 (linux/amd64) kubernetes/a1b2c3d" };
    const made = await ask("POST", policies, { user: "ann", body: policy("web"), headers }, 201);
    sees("create", "create", made.body);
    const type = "application/merge-patch+json";
    const patched = await ask(
      "PATCH",
      `${policies}/web`,
      { user: "bob", type, body: { metadata: { labels: { a: "b" } } } },
      200,
    );
    sees("patch", "update", patched.body);
    const applied = { user: "ann", type: "application/apply-patch+yaml", body: policy("web", { c: "d" }) };
    sees("apply", "update", (await ask("PATCH", `${policies}/web?fieldManager=me&force=true`, applied, 200)).body);
    const put = { user: "bob", body: policy("web", { e: "f" }) };
    const updated = await ask("PUT", `${policies}/web`, put, 200);
    sees("update", "update", updated.body);
    await ask("DELETE", `${policies}/web`, { user: "ann" }, 200);
    sees("delete", "delete", updated.body);
    const who = await Promise.all(["create", "patch", "apply", "update", "delete"].map(whoDid));
    assert.deepEqual(who, ["exact ann", "exact bob", "exact ann", "exact bob", "exact ann"]);
    const deed = lab.settled.get("create")?.evidence.deed;
    assert.deepEqual([deed?.who.userAgent, deed?.who.addresses], [headers["user-agent"], ["127.0.0.1"]]);
    assert.equal(lab.settled.get("apply")?.evidence.deed?.who.fieldManager, "me");
  });

  it("who acts as somebody else is named, and as whom", async () => {
    const made = await ask(
      "POST",
      policies,
      { user: "bob", body: policy("as"), headers: { "impersonate-user": "deputy" } },
      201,
    );
    sees("impersonated", "create", made.body);
    assert.equal(await whoDid("impersonated"), "exact bob");
    assert.equal(lab.settled.get("impersonated")?.evidence.deed?.who.impersonated, "deputy");
  });

  it("who deletes all at once is named for each", async () => {
    const names = ["one", "two"];
    const made = await Promise.all(
      names.map((name) => ask("POST", policies, { user: "ann", body: policy(name) }, 201)),
    );
    await ask("DELETE", policies, { user: "bob" }, 200);
    for (const { body } of made) sees(`all ${textIn(within(body, "metadata"), "name")}`, "delete", body);
    assert.deepEqual(await Promise.all(names.map((name) => whoDid(`all ${name}`))), ["exact bob", "exact bob"]);
  });

  it("a relist that skips what was between names all who had a hand in it", async () => {
    const made = await ask("POST", policies, { user: "ann", body: policy("busy") }, 201);
    sees("busy made", "create", made.body);
    const type = "application/merge-patch+json";
    const label = (user: string) =>
      ask("PATCH", `${policies}/busy`, { user, type, body: { metadata: { labels: { by: user } } } }, 200);
    await label("bob");
    sees("busy relisted", "update", (await label("ann")).body);
    assert.equal(await whoDid("busy relisted"), "exact ann");
    const { also = [] } = lab.settled.get("busy relisted")?.evidence ?? {};
    assert.deepEqual(
      also.map(({ who }) => who.user),
      ["bob"],
    );
  });

  it("a client that uses an audit ID twice hides nothing", async () => {
    const headers = { "audit-id": "11111111-2222-3333-4444-555555555555" };
    const made = await Promise.all(
      ["x", "y"].map((name) => ask("POST", policies, { user: "bob", body: policy(name), headers }, 201)),
    );
    sees("same id 1", "create", made[0]?.body);
    sees("same id 2", "create", made[1]?.body);
    assert.deepEqual([await whoDid("same id 1"), await whoDid("same id 2")], ["exact bob", "exact bob"]);
    assert.equal(lab.settled.get("same id 2")?.evidence.deed?.requestId, headers["audit-id"]);
  });

  it("attempts that were refused are told: by authorization and by admission, but no dry runs", async () => {
    await ask("POST", policies, { user: "tom", body: policy("mine") }, 403);
    await ask("DELETE", `${policies}/as`, { user: "tom" }, 403);
    await ask("POST", policies, { user: "ann", body: policy("none") }, 422);
    await ask("POST", `${policies}?dryRun=All`, { user: "tom", body: policy("mine") }, 403);
    await until("three attempts", () => lab.refused.length >= 3);
    assert.deepEqual(
      lab.refused.map(({ who, verb, refusal, target }) => [who.user, verb, refusal?.by, refusal?.code, target.name]),
      [
        ["tom", "create", "forbidden", 403, null],
        ["tom", "delete", "forbidden", 403, "as"],
        ["ann", "create", "admission", 422, "none"],
      ],
    );
    assert.equal(lab.refused[2]?.refusal?.asked?.includes('"name":"none"'), true);
  });

  it("what Sluice asks to hear whether events come makes one", async () => {
    const core = "/api/v1/namespaces";
    const metadata = { name: "sluice-watch" };
    await ask(
      "POST",
      core,
      { body: { apiVersion: "v1", kind: "Namespace", metadata: { name: "sluice-system" } } },
      201,
    );
    const accounts = `${core}/sluice-system/serviceaccounts`;
    await ask("POST", accounts, { body: { apiVersion: "v1", kind: "ServiceAccount", metadata } }, 201);
    const request = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
    const { body } = await ask("POST", `${accounts}/sluice-watch/token`, { body: request }, 201);
    const authorization = `Bearer ${textIn(within(body, "status"), "token")}`;
    const spec = { resourceAttributes: { group: "projectcalico.org", resource: "tiers", verb: "get" } };
    const review = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", spec };
    const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    await ask("POST", path, { user: "tom", body: review }, 201);
    await ask("POST", path, { body: review, headers: { authorization } }, 201);
    const asked = logged().filter(
      (event) => textIn(within(event, "objectRef"), "resource") === "selfsubjectaccessreviews",
    );
    const users = asked.map((event) => textIn(within(event, "user"), "username"));
    assert.deepEqual(users, ["system:serviceaccount:sluice-system:sluice-watch"]);
  });

  it("the service by which the API server finds Sluice is one that it takes", async () => {
    const [service, networkPolicy] = parseAllDocuments(readFileSync(deploy("service.yaml"), "utf8")).map(
      (one) => one.toJS() as unknown,
    );
    await ask(
      "POST",
      "/api/v1/namespaces/sluice-system/services?dryRun=All&fieldValidation=Strict",
      { body: service },
      201,
    );
    const path = policies.replace("default", "sluice-system");
    await ask("POST", `${path}?dryRun=All&fieldValidation=Strict`, { body: networkPolicy }, 201);
  });

  it("events that come again count once", async () => {
    const before = lab.freshOf("repeated");
    const body = eventList([auditEvent({ auditID: "repeated" })]);
    assert.deepEqual(await Promise.all([lab.post(body), lab.post(body)]), [200, 200]);
    await lab.stop();
    await lab.start();
    const afterRestart = lab.freshOf("repeated");
    assert.equal(await lab.post(body), 200);
    assert.deepEqual([afterRestart - before, lab.freshOf("repeated") - afterRestart], [1, 0]);
    assert.match(await lab.metrics.text(), /sluice_audit_events_total\{outcome="repeated"\} [2-9]/);
  });

  it("nobody but the API server may tell", async () => {
    const before = lab.freshOf("forged");
    assert.equal(await lab.post(eventList([auditEvent({ auditID: "forged" })]), lab.stranger), 403);
    assert.equal(lab.freshOf("forged"), before);
  });

  it("who did what while the receiver was away is found in the audit log, each once", async () => {
    await lab.stop();
    await lab.start({ logFile: server().auditLog }); // where it ends by now
    await lab.stop();
    const made = await ask("POST", policies, { user: "ann", body: policy("away") }, 201);
    sees("away", "create", made.body);
    assert.equal(lab.whoDid("away"), undefined);
    await lab.start({ logFile: server().auditLog });
    assert.equal(await whoDid("away"), "exact ann");
    await lab.stop();
    // The API server itself may post what it kept meanwhile.
    const before = lab.freshOf("away");
    await lab.start();
    await lab.post(eventList(logged().filter((event) => textIn(within(event, "objectRef"), "name") === "away")));
    assert.equal(lab.freshOf("away"), before);
  });

  function logged(): readonly unknown[] {
    const lines = readFileSync(server().auditLog, "utf8").trim().split("\n");
    return lines.map((line) => JSON.parse(line) as unknown);
  }

  it("who is not told is nobody", () => {
    const object = policy("unseen");
    sees("untold", "create", {
      ...object,
      metadata: { ...object.metadata, namespace: "default", uid: "u", resourceVersion: "1" },
    });
    lab.giveUp();
    assert.equal(lab.whoDid("untold"), "none nobody");
  });

  it("who deleted the namespace is named for what went with it", async () => {
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "team" } };
    await ask("POST", "/api/v1/namespaces", { body: namespace }, 201);
    const path = policies.replace("default", "team");
    const made = await ask("POST", path, { user: "ann", body: policy("inside") }, 201);
    await ask("DELETE", "/api/v1/namespaces/team", { user: "bob" }, 200);
    await until(
      "the policy to go",
      async () => (await server().request("GET", `${path}/inside`)).status === 404,
      20_000,
    );
    sees("tidied up", "delete", made.body);
    assert.equal(await whoDid("tidied up"), "exact system:serviceaccount:kube-system:namespace-controller");
    assert.equal(lab.settled.get("tidied up")?.evidence.cause?.who.user, "bob");
  });

  it("where no events come, the admission webhook tells who did it", async () => {
    await lab.stop();
    const port = lab.port;
    lab.port = 0; // the API server knocks at the old one in vain
    await lab.start();
    const webhook = parse(readFileSync(deploy("webhook.yaml"), "utf8"));
    webhook.webhooks[0].clientConfig = {
      url: `https://127.0.0.1:${lab.admissionPort}/admission/secret`,
      caBundle: readFileSync(lab.ca).toString("base64"),
    };
    webhook.webhooks[0].timeoutSeconds = 5;
    await ask(
      "POST",
      "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations?fieldValidation=Strict",
      { body: webhook },
      201,
    );
    await until("the webhook to be asked", async () => {
      const before = lab.fresh;
      const body = policy(`probe-${before}-${systemClock.now()}`);
      await server().request("POST", policies, { body });
      return lab.fresh > before;
    });
    const made = await ask("POST", policies, { user: "bob", body: policy("told") }, 201);
    sees("admitted", "create", made.body);
    const type = "application/merge-patch+json";
    const patched = await ask(
      "PATCH",
      `${policies}/told`,
      { user: "ann", type, body: { metadata: { labels: { a: "b" } } } },
      200,
    );
    sees("admitted patch", "update", patched.body);
    await ask("DELETE", `${policies}/told`, { user: "bob" }, 200);
    sees("admitted delete", "delete", patched.body);
    const isDeletion = ({ verb, target: { name } }: Deed) => verb === "delete" && name === "told";
    await until("the webhook's word", () => lab.told.some(isDeletion));
    lab.giveUp();
    assert.deepEqual(
      ["admitted", "admitted patch", "admitted delete"].map((change) => lab.whoDid(change)),
      ["likely bob", "likely ann", "likely bob"],
    );
    assert.notEqual(lab.port, port);
  });

  it("the webhook is asked about labels, and about what is ours, not about all there is", async () => {
    const core = "/api/v1/namespaces";
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "pod" },
      spec: { containers: [{ name: "c", image: "i" }] },
    };
    const configMap = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });
    const template = { metadata: { labels: { a: "b" } }, spec: pod.spec };
    const deployment = {
      ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "deployment" } },
      spec: { replicas: 0, selector: { matchLabels: { a: "b" } }, template },
    };
    const patch = (path: string, metadata: object) =>
      ask("PATCH", path, { type: "application/merge-patch+json", body: { metadata } }, 200);
    await until(
      "the namespace's service account",
      async () => (await server().request("GET", `${core}/default/serviceaccounts/default`)).status === 200,
    );
    await ask("POST", `${core}/default/pods`, { body: pod }, 201);
    const before = lab.fresh;
    await ask("POST", `${core}/default/configmaps`, { body: configMap("theirs") }, 201);
    await ask("POST", "/apis/apps/v1/namespaces/default/deployments", { body: deployment }, 201);
    await patch(`${core}/default`, { annotations: { a: "b" } });
    await patch(`${core}/default`, { labels: { a: "b" } });
    await patch(`${core}/default/pods/pod`, { annotations: { a: "b" } });
    await patch(`${core}/default/pods/pod`, { labels: { a: "b" } });
    await patch(`${core}/default/serviceaccounts/default`, { labels: { a: "b" } });
    await ask("POST", `${core}/sluice-system/configmaps`, { body: configMap("ours") }, 201);
    await ask("POST", "/apis/apps/v1/namespaces/sluice-system/deployments", { body: deployment }, 201);
    await ask("POST", `${core}/sluice-system/pods`, { body: pod }, 201);
    await ask("DELETE", `${core}/sluice-system/pods/pod?gracePeriodSeconds=0`, {}, 200);
    await ask("DELETE", `${core}/default/pods/pod?gracePeriodSeconds=0`, {}, 200);
    await ask("DELETE", `${core}/sluice-system`, {}, 200);
    const told = () => lab.told.slice(before).map(({ verb, target }) => `${verb} ${target.resource} ${target.name}`);
    await until("the last of it", () => told().includes("delete namespaces sluice-system"));
    // What went with the namespace apart. About a pod that goes at once the API server asks twice.
    const byPeople = new Set(told().filter((text) => !text.startsWith("delete") || /namespaces|pods/.test(text)));
    assert.deepEqual(
      [...byPeople],
      [
        "update namespaces default",
        "update pods pod",
        "update serviceaccounts default",
        "create configmaps ours",
        "create deployments deployment",
        "delete pods pod",
        "delete namespaces sluice-system",
      ],
    );
  });
});

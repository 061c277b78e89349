import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { rbacAnswer } from "../../bin/rbac-answer.ts";
import { parseTarget } from "../../controls/rbac/needed.ts";
import { tierManifests } from "../../controls/tiers/manifests.ts";
import { accessOf, subjectOf } from "../../core/kube/api/access.ts";
import { Api } from "../../core/kube/api/api.ts";
import { connectionOf } from "../../core/kube/api/connection.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { ApiReply } from "../../lab/api-server/api-server.ts";
import { policyResources } from "../../policy/kinds/custom-resources.ts";
import { builtInTiers } from "../../policy/kinds/tier.ts";
import { apply, applyTierControls, deployFolder, manifestOf } from "../support/apply.ts";
import { needsApiServer } from "../support/needs-api-server.ts";
import { bound, namespaceObject } from "../support/rbac.ts";
import { until } from "../support/until.ts";
import {
  admission,
  admissionBindings,
  api,
  attempts,
  type Case,
  globalPolicy,
  inNamespace,
  moves,
  named,
  ofTiers,
  policy,
  questionOf,
  rbac,
  rights,
  roles,
  shop,
  unnamed,
  users,
  writes,
} from "./admission-cases.ts";

interface AdmissionStatus extends KubeObject {
  readonly status?: { readonly typeChecking?: { readonly expressionWarnings?: readonly unknown[] } };
}

const tiered = policyResources.map(({ plural }) => plural).sort();

interface Admission {
  readonly spec: {
    readonly matchConstraints: { readonly resourceRules: readonly [{ readonly resources: readonly string[] }] };
  };
}
const kindsOf = (file: string) =>
  [...(manifestOf(file)[0] as unknown as Admission).spec.matchConstraints.resourceRules[0].resources].sort();

describe("deploy/admission", () => {
  for (const file of ["admission/tier-rbac.yaml", "admission/tier-label.yaml"])
    it(`${file} is about every kind of policy`, () => assert.deepEqual(kindsOf(file), tiered));

  it("admission/tier-names.yaml is about every kind that names its tier", () => {
    const naming = policyResources.filter(({ selectable }) => selectable.includes(".spec.tier"));
    assert.deepEqual(kindsOf("admission/tier-names.yaml"), naming.map(({ plural }) => plural).sort());
  });

  it("admission/fixed-tiers.yaml has the tiers that are built in", () => {
    const text = readFileSync(join(deployFolder, "admission/fixed-tiers.yaml"), "utf8");
    const orders = [...text.matchAll(/^ +'([-a-z]+)': (\d+)\.0,?$/gm)].map(([, name, order]) => [name, Number(order)]);
    assert.deepEqual(
      orders,
      builtInTiers.map(({ name, order }) => [name, order]),
    );
    const denying = builtInTiers.filter(({ defaultAction }) => defaultAction === "deny").map(({ name }) => name);
    assert.deepEqual(denying, ["default"]);
  });

  it("has no file that is not applied", () => {
    const files = ["admission", "roles"].flatMap((folder) =>
      readdirSync(join(deployFolder, folder)).map((file) => `${folder}/${file}`),
    );
    assert.deepEqual(tierManifests.map(({ file }) => file).sort(), files.sort());
  });
});

describe("tiers by RBAC on a Kubernetes API server", function () {
  this.timeout(60_000);
  const server = needsApiServer({ users });
  const ask = ({ as, ask: [method, path, body, type] }: Pick<Case, "as" | "ask">, isDry = true): Promise<ApiReply> => {
    const dry = isDry && method !== "GET" ? `${path.includes("?") ? "&" : "?"}dryRun=All` : "";
    return server().request(method, path + dry, { user: as, ...(body && { body }), ...(type && { type }) });
  };

  before(async function () {
    this.timeout(60_000);
    await applyTierControls(server());
    await apply(server(), [namespaceObject("shop"), namespaceObject("other"), ...rights]);
    await apply(server(), [
      named("Tier", "app", { order: 300 }),
      { ...named("Tier", "security"), metadata: { name: "security", finalizers: ["controls.sluice.dev/policies"] } },
      ...["shop", "other"].map((namespace) => inside(namespace, policy("security.deny", "security"))),
      ...["allow-web", "other"].map((name) => inside("shop", policy(`app.${name}`, "app"))),
      globalPolicy("security.base", "security"),
    ] as readonly KubeObject[]);
    const mayNot: Pick<Case, "as" | "ask"> = { as: "none", ask: ["POST", shop, policy("app.probe", "app")] };
    await until("tiers to be asked for", async () => (await ask(mayNot)).status === 403, 20_000);
    const maySec: Pick<Case, "as" | "ask"> = { as: "sec", ask: ["POST", shop, policy("security.probe", "security")] };
    await until("roles to be gathered", async () => (await ask(maySec)).status === 201, 20_000);
  });

  for (const { title: part, cases } of [
    { title: "policies", cases: writes },
    { title: "tiers", cases: ofTiers },
    { title: "ready-made roles", cases: roles },
    { title: "escalation", cases: attempts },
  ])
    describe(part, () => {
      for (const one of cases)
        it(`${one.title} -> ${one.status}`, async () => {
          const { status, body } = await ask(one);
          const text = JSON.stringify(body);
          assert.equal(status, one.status, text);
          if (one.says !== undefined) assert.match(text, one.says);
        });
    });

  for (const { title, as, ask: asked, status } of writes) {
    const question = questionOf(asked);
    if (question === undefined || status > 403) continue;
    it(`sluice rbac can says as much: ${title} -> ${status < 400}`, async () => {
      const subject = subjectOf(as, users.find(({ name }) => name === as)?.groups ?? ["system:masters"]);
      const client = new Api(connectionOf({ kubeconfig: server().kubeconfig() }));
      const target = parseTarget(question.policy);
      assert.ok(target !== undefined, question.policy);
      const { allowed, grants } = await rbacAnswer(subject, question.verb, target, accessOf(client, subject));
      assert.equal(allowed, status < 400, JSON.stringify(grants, null, 1));
    });
  }

  it("the admission policies have no faults that the API server knows of", async () => {
    const { body } = await server().request("GET", admission);
    for (const { metadata, status } of (body as { readonly items: readonly AdmissionStatus[] }).items)
      assert.deepEqual(status?.typeChecking?.expressionWarnings ?? [], [], metadata.name);
  });

  describe("without the CRD's own rule about moves", () => {
    before(async () => {
      await apply(server(), [
        withoutRules(manifestOf("crds/projectcalico.org_globalnetworkpolicies.yaml")[0] as KubeObject),
      ]);
      await until("the rule to be gone", async () => {
        const { body } = await ask(moves[0] as Case);
        return !/stays in its tier/.test(JSON.stringify(body));
      });
    });
    for (const one of moves)
      it(`${one.title} -> ${one.status}`, async () => {
        const { status, body } = await ask(one);
        assert.equal(status, one.status, JSON.stringify(body));
        assert.match(JSON.stringify(body), one.says as RegExp);
      });
  });

  describe("without the rule of names", () => {
    const file = "admission/tier-names.yaml";
    const misnamed: Pick<Case, "as" | "ask"> = { as: "admin", ask: ["POST", shop, policy("probe", "security")] };
    before(async () => {
      await server().request("DELETE", `${admissionBindings}/tier-names.projectcalico.org`);
      await until("names to be free", async () => (await ask(misnamed)).status === 201);
    });
    after(async () => {
      await apply(server(), manifestOf(file));
      await until("names to be checked", async () => (await ask(misnamed)).status === 422);
    });
    for (const one of unnamed)
      it(`${one.title} -> ${one.status}`, async () => {
        const { status, body } = await ask(one);
        assert.equal(status, one.status, JSON.stringify(body));
      });
  });

  it("follows what becomes of the rights", async () => {
    const asked: Pick<Case, "as" | "ask"> = { as: "later", ask: ["POST", shop, policy("app.later", "app")] };
    const isAllowed = async () => (await ask(asked)).status === 201;
    const edit = bound("tier-app-edit", "user:later", "shop");
    assert.ok(!(await isAllowed()));
    await apply(server(), [bound("tier-app-get", "user:later"), edit]);
    await until("the grant to count", isAllowed);
    await server().request("DELETE", `${rbac}/namespaces/shop/rolebindings/${edit.metadata.name}`);
    await until("the grant to be gone", async () => !(await isAllowed()));
  });

  for (const { kind, plural, scope } of policyResources)
    it(`the label of a ${kind} tells its tier, whatever its writer says`, async () => {
      const spec = kind === "StagedKubernetesNetworkPolicy" ? { podSelector: {} } : { tier: "default" };
      const object = named(kind, "labelled", spec);
      const metadata = { ...object.metadata, labels: { "projectcalico.org/tier": "security" } };
      const path = scope === "Namespaced" ? inNamespace("shop", plural) : `${api}/${plural}`;
      const { body } = await ask({ as: "admin", ask: ["POST", path, { ...object, metadata }] });
      assert.equal((body as KubeObject).metadata.labels?.["projectcalico.org/tier"], "default");
    });

  it("audit events tell the tier, of what was refused too", async () => {
    await ask({ as: "sec", ask: ["POST", shop, policy("security.seen", "security")] });
    await ask({ as: "app", ask: ["POST", shop, policy("security.seen", "security")] });
    const told = '"tier-rbac.projectcalico.org/tier":"security"';
    const events = readFileSync(server().auditLog, "utf8")
      .split("\n")
      .filter((line) => line.includes(told));
    for (const code of [201, 403])
      assert.ok(
        events.some((line) => line.includes(`"code":${code}`)),
        String(code),
      );
  });

  it("lets the cluster tidy a namespace up", async () => {
    const [namespace, path] = ["/api/v1/namespaces/short", inNamespace("short")];
    await apply(server(), [namespaceObject("short")]);
    await ask({ as: "admin", ask: ["POST", path, policy("security.x", "security")] }, false);
    await ask({ as: "admin", ask: ["DELETE", namespace] }, false);
    await until(
      "the namespace to be gone",
      async () => (await server().request("GET", namespace)).status === 404,
      30_000,
    );
  });

  it("lets the garbage collector delete what an owner owned", async () => {
    const user = "system:serviceaccount:kube-system:generic-garbage-collector";
    for (const [verb, resource, name] of [
      ["get", "tiers", "security"],
      ["delete", "tier.networkpolicies", "security.*"],
    ]) {
      const spec = { user, resourceAttributes: { group: "projectcalico.org", verb, resource, name } };
      const path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
      const { body } = await server().request("POST", path, { body: { spec } });
      assert.ok((body as { status: { allowed: boolean } }).status.allowed, resource);
    }
  });
});

/** A definition that says nothing of spec as a whole. */
function withoutRules(definition: KubeObject): KubeObject {
  const copy = structuredClone(definition) as KubeObject & {
    readonly spec: {
      readonly versions: readonly [
        {
          readonly schema: {
            readonly openAPIV3Schema: { readonly properties: { readonly spec: Record<string, unknown> } };
          };
        },
      ];
    };
  };
  const { spec } = copy.spec.versions[0].schema.openAPIV3Schema.properties;
  delete spec["x-kubernetes-validations"];
  for (const field of Object.values(spec["properties"] as Record<string, Record<string, unknown>>))
    delete field["x-kubernetes-validations"];
  return copy;
}

function inside(namespace: string, object: ReturnType<typeof policy>): object {
  return { ...object, metadata: { ...object.metadata, namespace } };
}

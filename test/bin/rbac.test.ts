import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { rbacCanCommand } from "../../bin/commands/rbac-can.ts";
import { rbacMatrixCommand } from "../../bin/commands/rbac-matrix.ts";
import { parseTarget } from "../../controls/rbac/needed.ts";
import { apply, applyCrds, manifestOf } from "../support/apply.ts";
import { needsApiServer } from "../support/needs-api-server.ts";
import { bound, clusterRole, namespaceObject, rule } from "../support/rbac.ts";
import { until } from "../support/until.ts";
import { FakeRim, run } from "./fake-rim.ts";

describe("bin/commands/rbac", () => {
  const targets: readonly (readonly [text: string, kind: string | undefined, tier?: string])[] = [
    ["shop/app.web", "NetworkPolicy", "app"],
    ["shop/web", "NetworkPolicy", "default"],
    ["security.base", "GlobalNetworkPolicy", "security"],
    ["snp:shop/app.web", "StagedNetworkPolicy", "app"],
    ["sgnp:security.base", "StagedGlobalNetworkPolicy", "security"],
    ["sknp:shop/security.x", "StagedKubernetesNetworkPolicy", "default"],
    ["np:web", undefined],
    ["gnp:shop/web", undefined],
    ["knp:shop/web", undefined],
    ["a/b/c", undefined],
    ["shop/", undefined],
    ["", undefined],
  ];
  for (const [text, kind, tier] of targets)
    it(`reads "${text}" as ${kind ?? "nothing"}`, () => {
      const target = parseTarget(text);
      assert.deepEqual([target?.kind, target?.tier], [kind, tier]);
    });
});

describe("sluice rbac on a Kubernetes API server", function () {
  this.timeout(60_000);
  const server = needsApiServer();
  const folder = mkdtempSync(join(tmpdir(), "sluice-rbac-"));
  const authors = clusterRole("authors", rule(["networkpolicies"], ["create", "update"]));
  const edit = clusterRole("tier-app-edit", rule(["tier.networkpolicies"], ["create", "update"], ["app.*"]));
  const objects = [authors, edit, bound("authors", "group:authors"), bound("tier-app-edit", "user:ann", "shop")];

  before(async () => {
    await applyCrds(server());
    await apply(server(), [namespaceObject("shop"), ...objects, ...manifestOf("roles/parts.yaml")]);
    await apply(server(), [
      { apiVersion: "projectcalico.org/v3", kind: "Tier", metadata: { name: "app" }, spec: { order: 5 } },
    ]);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const can = async (rim: FakeRim, ...args: readonly string[]) =>
    run(rbacCanCommand, rim, ...args, "--kubeconfig", server().kubeconfig(), "--group", "authors");

  it("can names what is missing, and the rule to add", async () => {
    const rim = new FakeRim();
    assert.equal(
      await can(rim, "ann", "update", "shop/app.web"),
      `ann may not update NetworkPolicy shop/app.web in tier app
  has    update on networkpolicies.projectcalico.org named app.web in namespace shop
  lacks  get on tiers.projectcalico.org named app
         to be added to a ClusterRole, bound by a ClusterRoleBinding:
           - apiGroups:
               - projectcalico.org
             resources:
               - tiers
             verbs:
               - get
             resourceNames:
               - app
  has    update on tier.networkpolicies.projectcalico.org named app.* or app.web in namespace shop
`,
    );
    assert.equal(rim.code, 3);
  });

  it("the rules that can names are enough", async () => {
    const rim = new FakeRim();
    const [{ grants }] = JSON.parse(await can(rim, "bob", "patch", "shop/app.web", "-o", "json"));
    const missing = grants.filter(({ granted }: { granted: boolean }) => !granted);
    const role = clusterRole("bob", ...missing.map((grant: { rule: object }) => grant.rule));
    await apply(server(), [role, bound("bob", "user:bob")]);
    await until("bob to be allowed", async () => {
      const after = new FakeRim();
      await can(after, "bob", "patch", "shop/app.web");
      return after.code === 0;
    });
  });

  it("matrix tells of a cluster what it tells of its manifests", async () => {
    writeFileSync(join(folder, "rbac.yaml"), objects.map((object) => stringify(object)).join("---\n"));
    const csv = (...args: readonly string[]) => run(rbacMatrixCommand, new FakeRim(), "-o", "csv", ...args);
    const ofCluster = await csv("--kubeconfig", server().kubeconfig());
    const line = 'User ann,app,shop,create update,networkpolicies,*,"get on the tier, the verb on the kind"';
    assert.ok(ofCluster.includes(line), ofCluster);
    assert.match(ofCluster, /^Group system:masters,\*,\*,create update delete,tiers,\*,/m);
    const tier = { apiVersion: "projectcalico.org/v3", kind: "Tier", metadata: { name: "app" }, spec: { order: 5 } };
    writeFileSync(join(folder, "tier.yaml"), stringify(tier));
    assert.ok((await csv("--objects", folder)).includes(line));
  });
});

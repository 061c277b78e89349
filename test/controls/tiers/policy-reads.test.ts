import assert from "node:assert/strict";
import { askedOnce, mayReadPolicy, type PolicyPlace } from "../../../controls/tiers/policy-reads.ts";
import type { Access } from "../../../core/kube/api/access.ts";

const app: PolicyPlace = { kind: "np", namespace: "shop", name: "app.web", tier: "app" };
const base: PolicyPlace = { kind: "gnp", namespace: null, name: "security.base", tier: "security" };
const plain: PolicyPlace = { kind: "knp", namespace: "shop", name: "web", tier: "default" };
const grantText = ({ resource, name = "*", namespace = "*" }: Access) => `${namespace}/${resource}/${name}`;

describe("controls/tiers/policy-reads", () => {
  const cases: readonly (readonly [policy: PolicyPlace, grants: readonly string[], may: boolean])[] = [
    [app, ["shop/networkpolicies/app.web", "*/tiers/app", "shop/tier.networkpolicies/app.*"], true],
    [app, ["shop/networkpolicies/app.web", "*/tiers/app", "shop/tier.networkpolicies/app.web"], true],
    [app, ["*/tiers/app", "shop/tier.networkpolicies/app.*"], false],
    [app, ["shop/networkpolicies/app.web", "shop/tier.networkpolicies/app.*"], false],
    [app, ["shop/networkpolicies/app.web", "*/tiers/app"], false],
    [
      base,
      ["*/globalnetworkpolicies/security.base", "*/tiers/security", "*/tier.globalnetworkpolicies/security.*"],
      true,
    ],
    [base, ["*/globalnetworkpolicies/security.base", "*/tiers/security", "*/tier.networkpolicies/security.*"], false],
    [plain, ["shop/networkpolicies/web"], true],
    [plain, [], false],
  ];
  for (const [policy, grants, may] of cases)
    it(`${may ? "shows" : "hides"} ${policy.name} with [${grants.join(", ")}]`, async () => {
      assert.equal(await mayReadPolicy(policy, (access) => Promise.resolve(grants.includes(grantText(access)))), may);
    });

  it("asks each question once", async () => {
    const asked: string[] = [];
    const may = askedOnce((access) => {
      asked.push(grantText(access));
      return Promise.resolve(true);
    });
    await mayReadPolicy(app, may);
    await mayReadPolicy({ ...app, name: "app.api" }, may);
    assert.equal(asked.length, new Set(asked).size);
  });

  it("fails where it cannot ask", async () => {
    await assert.rejects(
      mayReadPolicy(app, () => Promise.reject(new Error("away"))),
      /away/,
    );
  });
});

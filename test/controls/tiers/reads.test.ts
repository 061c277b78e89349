import assert from "node:assert/strict";
import { judgeRead, reviewOf } from "../../../controls/tiers/reads.ts";
import type { Access } from "../../../core/kube/api/access.ts";
import { policyResources } from "../../../policy/kinds/custom-resources.ts";

const group = "projectcalico.org";
const selecting = (...values: readonly string[]) => ({
  fieldSelector: { requirements: [{ key: "spec.tier", operator: "In", values }] },
});

/** Who may read tier security as far as `rights` say: `tiers`, `security.*`, `security.one`; `*` is without a name. */
function reader(...rights: readonly string[]) {
  return ({ resource, name = "*" }: Access) =>
    Promise.resolve(rights.includes(resource === "tiers" ? `tiers/${name}` : name));
}
const ofSecurity = ["tiers/security", "security.*"];

describe("controls/tiers/reads", () => {
  const cases: readonly { title: string; rights: readonly string[]; asked: object; isDenied: boolean }[] = [
    { title: "a tier by field selector", rights: ofSecurity, asked: selecting("security"), isDenied: false },
    { title: "another tier", rights: ofSecurity, asked: selecting("app"), isDenied: true },
    { title: "two tiers at once", rights: ofSecurity, asked: selecting("security", "app"), isDenied: true },
    { title: "everything", rights: ofSecurity, asked: {}, isDenied: true },
    { title: "everything, with rights in all", rights: ["tiers/*", "*"], asked: {}, isDenied: false },
    { title: "one by name", rights: ofSecurity, asked: { verb: "get", name: "security.one" }, isDenied: false },
    {
      title: "one that was granted by name",
      rights: ["tiers/security", "security.one"],
      asked: { verb: "get", name: "security.one" },
      isDenied: false,
    },
    {
      title: "one without the tier",
      rights: ["security.*"],
      asked: { verb: "get", name: "security.one" },
      isDenied: true,
    },
    {
      title: "one with only the tier",
      rights: ["tiers/security"],
      asked: { verb: "get", name: "security.one" },
      isDenied: true,
    },
    { title: "one of another tier", rights: ofSecurity, asked: { verb: "get", name: "app.one" }, isDenied: true },
    {
      title: "a bare name, which is of tier default",
      rights: ["tiers/default", "default.*"],
      asked: { verb: "get", name: "web" },
      isDenied: false,
    },
    {
      title: "a bare name without rights there",
      rights: ofSecurity,
      asked: { verb: "get", name: "web" },
      isDenied: true,
    },
    {
      title: "a Kubernetes policy that is staged",
      rights: ["tiers/default", "default.*"],
      asked: { resource: "stagedkubernetesnetworkpolicies" },
      isDenied: false,
    },
    {
      title: "… whatever selector is named",
      rights: ofSecurity,
      asked: { resource: "stagedkubernetesnetworkpolicies", ...selecting("security") },
      isDenied: true,
    },
    { title: "writing, which admission decides", rights: [], asked: { verb: "create" }, isDenied: false },
    { title: "other kinds", rights: [], asked: { resource: "tiers" }, isDenied: false },
    { title: "kinds of other groups", rights: [], asked: { group: "networking.k8s.io" }, isDenied: false },
  ];
  for (const { title, rights, asked, isDenied } of cases)
    it(`${isDenied ? "denies" : "lets RBAC decide about"} ${title}`, async () => {
      const access = { group, resource: "networkpolicies", verb: "list", namespace: "shop", ...asked };
      const answer = await judgeRead(access, reader(...rights));
      assert.equal(answer.allowed, false, "it must never allow");
      assert.equal("denied" in answer, isDenied);
    });

  for (const { plural } of policyResources)
    it(`denies ${plural} to who has no rights`, async () => {
      assert.ok("denied" in (await judgeRead({ group, resource: plural, verb: "watch" }, reader())));
    });

  const wrong = [
    null,
    1,
    [],
    {},
    { spec: {} },
    { spec: { user: "a" } },
    { spec: { user: "a", resourceAttributes: { verb: "get" } } },
  ];
  for (const value of wrong)
    it(`takes ${JSON.stringify(value)} for no question`, () => assert.equal(reviewOf(value), undefined));
});

import assert from "node:assert/strict";
import type { PolicyRule } from "../../controls/rbac/rules.ts";
import { customResources, policyResources } from "../../policy/kinds/custom-resources.ts";
import { manifestOf } from "../support/apply.ts";

const parts = manifestOf("roles/parts.yaml");
const roles = manifestOf("roles/roles.yaml");
const pluralsOf = (resources: readonly { readonly plural: string }[], prefix = "") =>
  resources.map(({ plural }) => prefix + plural).sort();

/** The resources of projectcalico.org that a part is about, in each of its rules. */
function resourcesOf(name: string): readonly (readonly string[])[] {
  const part = parts.find(({ metadata }) => metadata.name === name);
  const rules = (part as unknown as { readonly rules: readonly PolicyRule[] }).rules;
  const ours = rules.filter(({ apiGroups }) => apiGroups.includes("projectcalico.org"));
  return ours.map(({ resources }) => resources.toSorted());
}

describe("deploy/roles", () => {
  const policies = pluralsOf(policyResources);
  for (const name of ["sluice-policies-view", "sluice-policies-edit"])
    it(`${name} is about every kind of policy`, () => assert.deepEqual(resourcesOf(name)[0], policies));

  it("sluice-policies-view and -edit leave no kind out", () => {
    const [seen, written] = [
      resourcesOf("sluice-policies-view").flat(),
      ["sluice-policies-edit", "sluice-globals-edit", "sluice-tiers-edit"].flatMap((name) => resourcesOf(name).flat()),
    ];
    for (const { plural } of customResources.filter(({ group }) => group === "projectcalico.org")) {
      assert.ok(seen.includes(plural), `${plural} to read`);
      assert.ok(written.includes(plural), `${plural} to write`);
    }
  });

  const granting = pluralsOf(policyResources, "tier.");
  for (const name of ["sluice-tiers-edit", "sluice-tier-security-edit", "sluice-controls-view"])
    it(`${name} grants every kind of policy by tier`, () => {
      const granted = resourcesOf(name).flat();
      assert.deepEqual(
        granted.filter((resource) => resource.startsWith("tier.")),
        granting,
      );
    });

  it("sluice-tier-app-edit grants every kind that stands in a namespace, and no other", () => {
    const inNamespaces = policyResources.filter(({ scope }) => scope === "Namespaced");
    assert.deepEqual(resourcesOf("sluice-tier-app-edit").flat(), pluralsOf(inNamespaces, "tier."));
  });

  it("every part is gathered by a role, and every role gathers parts", () => {
    const labels = roles.map((role) => {
      const { clusterRoleSelectors } = role["aggregationRule"] as {
        readonly clusterRoleSelectors: readonly [{ readonly matchLabels: Readonly<Record<string, string>> }];
      };
      return Object.keys(clusterRoleSelectors[0].matchLabels)[0] as string;
    });
    const used = new Set(parts.flatMap(({ metadata }) => Object.keys(metadata.labels ?? {})));
    assert.deepEqual([...used].sort(), labels.sort());
    assert.ok(parts.every(({ metadata }) => Object.keys(metadata.labels ?? {}).length > 0));
  });
});

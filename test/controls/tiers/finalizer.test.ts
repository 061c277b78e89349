import assert from "node:assert/strict";
import { finalizersAfter, type Step, stepFor, TierBook, tierFinalizer } from "../../../controls/tiers/finalizer.ts";
import type { KubeObject } from "../../../core/kube/objects.ts";
import { policyResources } from "../../../policy/kinds/custom-resources.ts";

const apiVersion = "projectcalico.org/v3";
const gone = { deletionTimestamp: "2026-11-23T10:00:00Z" };
const held = { finalizers: ["example.com/other", tierFinalizer] };
const tier = (name: string, metadata: object = {}): KubeObject => ({
  apiVersion,
  kind: "Tier",
  metadata: { name, ...metadata },
});

describe("controls/tiers/finalizer", () => {
  const cases: readonly { title: string; tier: KubeObject; hasPolicies: boolean; step: Step | undefined }[] = [
    { title: "a new tier is held", tier: tier("app"), hasPolicies: false, step: "hold" },
    { title: "so is one with policies", tier: tier("app"), hasPolicies: true, step: "hold" },
    { title: "one that is held stays so", tier: tier("app", held), hasPolicies: false, step: undefined },
    { title: "a built-in one needs nothing", tier: tier("default"), hasPolicies: true, step: undefined },
    {
      title: "a deleted one stays for its policies",
      tier: tier("app", { ...gone, ...held }),
      hasPolicies: true,
      step: undefined,
    },
    { title: "… and goes with the last", tier: tier("app", { ...gone, ...held }), hasPolicies: false, step: "let go" },
    { title: "one that others hold is theirs", tier: tier("app", gone), hasPolicies: false, step: undefined },
  ];
  for (const { title, tier: given, hasPolicies, step } of cases)
    it(title, () => assert.equal(stepFor(given, hasPolicies), step));

  it("leaves the finalizers of others alone", () => {
    assert.deepEqual(finalizersAfter(tier("app", held), "let go"), ["example.com/other"]);
    assert.deepEqual(finalizersAfter(tier("app", { finalizers: ["a.b/c"] }), "hold"), ["a.b/c", tierFinalizer]);
  });

  for (const { kind, selectable } of policyResources)
    it(`a ${kind} holds its tier until it is gone`, () => {
      const name = selectable.includes(".spec.tier") ? "app" : "default";
      const policy = { apiVersion, kind, metadata: { name: "x", namespace: "shop" }, spec: { tier: name } };
      const book = new TierBook();
      book.apply([
        { type: "upsert", object: tier(name, { ...gone, ...held }) },
        { type: "upsert", object: policy },
      ]);
      assert.deepEqual(book.pending(), []);
      book.apply([{ type: "delete", object: policy }]);
      assert.deepEqual(book.pending(), [name]);
    });

  it("a policy that was made anew elsewhere holds the old tier no more", () => {
    const policy = (name: string) => ({
      apiVersion,
      kind: "GlobalNetworkPolicy",
      metadata: { name: "x" },
      spec: { tier: name },
    });
    const book = new TierBook();
    book.apply([
      { type: "upsert", object: tier("app", { ...gone, ...held }) },
      { type: "upsert", object: policy("app") },
      { type: "upsert", object: policy("security") },
    ]);
    assert.deepEqual(book.pending(), ["app"]);
  });

  it("policies of Kubernetes and Calico of one name are two", () => {
    const book = new TierBook();
    const metadata = { name: "x", namespace: "shop" };
    book.apply([
      { type: "upsert", object: tier("default", { ...gone, ...held }) },
      { type: "upsert", object: { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata, spec: {} } },
    ]);
    assert.deepEqual(book.pending(), ["default"]);
  });
});

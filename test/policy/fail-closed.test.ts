import assert from "node:assert/strict";
import type { KubeObject } from "../../core/kube/objects.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import { packet, world } from "../support/world.ts";

// A rule of which a part cannot be enforced: one that allows matches nothing, one that denies or passes denies everything.

const cluster = (spec: object): KubeObject => ({
  apiVersion: "policy.networking.k8s.io/v1alpha2",
  kind: "ClusterNetworkPolicy",
  metadata: { name: "p" },
  spec: { tier: "Admin", priority: 1, subject: { pods: { podSelector: { matchLabels: { app: "web" } } } }, ...spec },
});
const global = (spec: object): KubeObject => ({
  apiVersion: "projectcalico.org/v3",
  kind: "GlobalNetworkPolicy",
  metadata: { name: "p" },
  spec: { selector: "app == 'web'", ...spec },
});
const everybody = [{ networks: ["0.0.0.0/0", "::/0"] }];
const unknown = [{ planets: {} }];

const cases: readonly {
  readonly title: string;
  readonly policy: KubeObject;
  readonly action: "allow" | "deny";
  readonly parts: readonly string[];
}[] = [
  {
    title: "a Deny rule that is not understood denies what comes after it too",
    policy: cluster({
      egress: [
        { action: "Deny", to: unknown },
        { action: "Accept", to: everybody },
      ],
    }),
    action: "deny",
    parts: ["to[0].planets: this field is not known; is it misspelt?", "to[0]: exactly one of its fields is needed"],
  },
  {
    title: "a Pass rule that is not understood denies",
    policy: cluster({ egress: [{ action: "Pass", to: unknown }] }),
    action: "deny",
    parts: ["to[0].planets: this field is not known; is it misspelt?", "to[0]: exactly one of its fields is needed"],
  },
  {
    title: "an Accept rule that is not understood matches nothing",
    policy: cluster({
      egress: [
        { action: "Accept", to: [{}] },
        { action: "Deny", to: everybody },
      ],
    }),
    action: "deny",
    parts: ["to[0]: exactly one of its fields is needed"],
  },
  {
    title: "of an Accept rule what can be enforced is",
    policy: cluster({
      egress: [
        { action: "Accept", to: [{ domainNames: ["a.example"] }, ...everybody] },
        { action: "Deny", to: everybody },
      ],
    }),
    action: "allow",
    parts: ["domainNames"],
  },
  {
    title: "an Allow rule for domains matches nothing",
    policy: global({ egress: [{ action: "Allow", destination: { domains: ["a.example"] } }] }),
    action: "deny",
    parts: ["domains"],
  },
];

describe("what cannot be enforced fails closed", () => {
  for (const { title, policy, action, parts } of cases)
    it(title, () => {
      const builder = world().namespace("a").pod("a/web", { app: "web" }).pod("a/db");
      builder.objects.push(policy);
      const made = builder.world();
      const evaluate = evaluatorOf(made.program(), made.placement());
      const verdict = evaluate(packet(builder, "a/web -> a/db tcp/80"));
      assert.equal(verdict.action, action);
      assert.deepEqual(
        made.program().notEnforced.map((rule) => rule.parts),
        [parts],
      );
    });
});

import assert from "node:assert/strict";
import { nodeCondition, nodeReport } from "../../../controls/object-status/node-report.ts";
import { StatusBook } from "../../../controls/object-status/status-book.ts";
import type { KubeObject } from "../../../core/kube/objects.ts";
import { World } from "../../../policy/world.ts";

const calico = (kind: string, name: string, spec: object, uid = "1"): KubeObject => ({
  apiVersion: "projectcalico.org/v3",
  kind,
  metadata: { name, uid, ...(kind.includes("Global") || kind === "Tier" ? {} : { namespace: "shop" }) },
  spec,
});
const policy = (spec: object = {}) => calico("GlobalNetworkPolicy", "p", { selector: "app == 'web'", ...spec });
const tier = (spec: object = { order: 5 }) => calico("Tier", "t", spec);
const pod = (namespace: string, labels: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "a", namespace, labels },
  status: { podIP: "10.0.0.1" },
});
/** `revision` undefined: it says nothing. */
const node = (name: string, revision?: string | null): KubeObject => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name },
  status: {
    conditions: [
      { type: "Ready", status: "True", message: "revision 1" },
      ...(revision === undefined ? [] : [nodeCondition({ revision }, "Enforcing")]),
    ],
  },
});
const web = pod("shop", { app: "web" });

type Batch = readonly [revision: string, ...objects: readonly (KubeObject | readonly ["-", KubeObject])[]];

/** What the status of each says at the end: batches of objects (`-` before one: it is deleted), each with its revision. */
function said(...batches: readonly Batch[]) {
  const [book, world] = [new StatusBook(), new World()];
  for (const [revision, ...objects] of batches) {
    const changes = objects.map((one) =>
      "kind" in one ? { type: "upsert" as const, object: one } : { type: "delete" as const, object: one[1] },
    );
    world.apply(changes);
    book.take(changes, revision);
  }
  return book
    .wanted(world.placement().endpoints.values())
    .flatMap(({ object, conditions }) =>
      conditions.map(
        ({ type, status, reason, message }) => `${object.metadata.name} ${type} ${status} ${reason}: ${message}`,
      ),
    );
}

const accepted = "p Accepted True Valid: it is understood";
interface Case {
  readonly title: string;
  readonly told: readonly Batch[];
  /** Only this condition is looked at. */
  readonly only?: string;
  readonly says: readonly string[];
}

const cases: readonly Case[] = [
  {
    title: "that it is in force on all nodes, since which revision",
    told: [
      ["a1", web, node("n1"), node("n2"), policy()],
      ["a1", node("n1", "a1"), node("n2", "a1")],
    ],
    says: [accepted, "p Programmed True AllNodes: on 2 of 2 nodes since revision a1"],
  },
  {
    title: "on which nodes it is not",
    told: [["a1", web, node("n1", "a1"), node("n2", "99"), node("n3", null), node("n4"), node("n5"), policy()]],
    says: [accepted, "p Programmed False SomeNodes: on 1 of 5 nodes since revision a1; not on n2, n3, n4, ..."],
  },
  {
    title: "that it is on no node",
    told: [["a1", web, node("n1"), policy()]],
    says: [accepted, "p Programmed False NoNode: on 0 of 1 nodes since revision a1; not on n1"],
  },
  {
    title: "nothing of nodes where none is known",
    told: [["a1", web, policy()]],
    says: [accepted, "p Programmed Unknown NoNodes: no node is known"],
  },
  {
    title: "that it is in force although its node is behind with others",
    told: [
      ["a1", web, node("n1", "a1"), policy()],
      ["b2", calico("NetworkPolicy", "q", {})],
      ["b2", ["-", calico("NetworkPolicy", "q", {})]],
    ],
    says: [accepted, "p Programmed True AllNodes: on 1 of 1 nodes since revision a1"],
  },
  {
    title: "that a node has not got what changed",
    told: [
      ["a1", web, node("n1", "a1"), policy()],
      ["b2", policy({ order: 1 })],
    ],
    says: [accepted, "p Programmed False NoNode: on 0 of 1 nodes since revision b2; not on n1"],
  },
  {
    title: "that what was changed and changed back is in force where the earlier revision is",
    told: [
      ["a1", web, node("n1", "a1"), policy()],
      ["b2", policy({ order: 1 })],
      ["a1", policy()],
    ],
    says: [accepted, "p Programmed True AllNodes: on 1 of 1 nodes since revision a1"],
  },
  {
    title: "that it is not accepted, and that the state before is in force",
    told: [
      ["a1", web, node("n1", "a1"), policy()],
      ["a1", policy({ selector: "((" })],
    ],
    says: [
      'p Accepted False Invalid: spec.selector: the selector ends where has(…), all(), a label or ( was expected at character 3 of selector "(("',
      "p Programmed True AllNodes: on 1 of 1 nodes since revision a1",
    ],
  },
  {
    title: "that it never was accepted",
    told: [["a1", web, node("n1", "a1"), policy({ nonsense: 1 })]],
    says: [
      "p Accepted False Invalid: spec.nonsense: this field is not known; is it misspelt?",
      "p Programmed False Invalid: it was never accepted",
    ],
  },
  {
    title: "that it selects nobody",
    told: [["a1", pod("shop", { app: "db" }), node("n1", "a1"), policy()]],
    only: "Accepted",
    says: ["p Accepted True SelectsNothing: it is about nobody just now"],
  },
  {
    title: "that it selects nobody in its namespace",
    told: [["a1", pod("other", { app: "web" }), calico("NetworkPolicy", "p", { selector: "app == 'web'" })]],
    only: "Accepted",
    says: ["p Accepted True SelectsNothing: it is about nobody just now"],
  },
  {
    title: "that nobody made its tier",
    told: [["a1", web, policy({ tier: "t" })]],
    only: "Accepted",
    says: [
      "p Accepted True UnknownTier: nobody made tier t: it comes after all others and denies what it does not allow",
    ],
  },
  {
    title: "that a part cannot be enforced, and that it selects nobody",
    told: [["a1", policy({ ingress: [{ action: "Allow", http: { methods: ["GET"] } }] })]],
    only: "Accepted",
    says: ["p Accepted True PartlyEnforceable: cannot be enforced: http; it is about nobody just now"],
  },
  {
    title: "that it is tried",
    told: [["a1", web, calico("StagedGlobalNetworkPolicy", "p", { selector: "app == 'web'" })]],
    says: [accepted, "p Programmed False Staged: it is tried, not in force"],
  },
  {
    title: "of a tier that no policy is in it",
    told: [["a1", tier(), node("n1", "a1")]],
    says: [
      "t Accepted True Empty: no policy is in it",
      "t Programmed True AllNodes: on 1 of 1 nodes since revision a1",
    ],
  },
  {
    title: "of a tier with policies that it is understood",
    told: [["a1", web, tier(), policy({ tier: "t" })]],
    only: "Accepted",
    says: ["t Accepted True Valid: it is understood", accepted],
  },
  {
    title: "nothing of what is gone",
    told: [
      ["a1", web, policy()],
      ["b2", ["-", policy()]],
    ],
    says: [],
  },
];

describe("status of policies and tiers", () => {
  for (const { title, told, only = "", says } of cases)
    it(`says ${title}`, () => {
      const lines = said(...told).filter((line) => line.includes(` ${only}`));
      assert.deepEqual(lines, says);
    });

  it("takes of a Node what was said of it", () => {
    for (const revision of ["0a1b", null]) assert.deepEqual(nodeReport(node("n", revision)), { revision });
    assert.equal(nodeReport(node("n")), undefined);
    assert.equal(nodeReport({ ...node("n"), status: { conditions: "x" } }), undefined);
  });
});

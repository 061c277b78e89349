import assert from "node:assert/strict";
import type { KubeObject } from "../../../core/kube/objects.ts";
import { readLabelTaxonomy } from "../../../policy/kinds/label-taxonomy.ts";
import { carriersIn } from "../../../policy/taxonomy/carriers.ts";
import { conflictsOf } from "../../../policy/taxonomy/conflicts.ts";
import { coverageOf, labelFaults } from "../../../policy/taxonomy/coverage.ts";
import type { LabelTaxonomy } from "../../../policy/taxonomy/taxonomy.ts";

const taxonomy = (keys: readonly object[], name = "t"): LabelTaxonomy => {
  const spec = { keys: keys.map((key) => ({ action: "Deny", ...key })) };
  const read = readLabelTaxonomy({ apiVersion: "", kind: "", metadata: { name }, spec });
  assert.ok("value" in read, JSON.stringify(read));
  return read.value;
};

const pod = (path: string, labels: object, more: object = {}): KubeObject => {
  const [namespace = "", name = ""] = path.split("/");
  return { apiVersion: "v1", kind: "Pod", metadata: { namespace, name, labels: labels as never }, ...more };
};
const placed = (kind: "Namespace" | "Node", name: string, labels: object): KubeObject => ({
  apiVersion: "v1",
  kind,
  metadata: { name, labels: labels as never },
});
const workload = (apiVersion: string, kind: string, spec: unknown, metadata: object = {}): KubeObject => ({
  apiVersion,
  kind,
  metadata: { namespace: "a", name: "w", ...metadata },
  spec,
});
const template = (labels: unknown) => ({ template: { metadata: { labels } } });

const rows = (objects: readonly KubeObject[], ...taxonomies: readonly LabelTaxonomy[]) =>
  coverageOf(carriersIn(objects), taxonomies).map(
    ({ key, target, namespace, allowed, wrong, lacking, absent }) =>
      `${key} ${target} ${namespace ?? "-"}: ${allowed} ${wrong} ${lacking} ${absent}`,
  );

const team = { key: "team", values: [{ value: "shop" }, { value: "payments" }] };
const objects = [
  placed("Namespace", "b", { team: "shop", regulated: "yes" }),
  placed("Namespace", "a", {}),
  pod("b/1", { team: "shop" }),
  pod("b/2", { team: "payment" }),
  pod("a/1", { team: "payments" }),
  pod("a/2", {}),
  pod("b/3", {}),
  placed("Node", "n", { team: "" }),
];

const coverage: readonly {
  readonly title: string;
  readonly objects: readonly KubeObject[];
  readonly keys: readonly object[];
  readonly rows: readonly string[];
}[] = [
  {
    title: "counts by key, kind and namespace who has an allowed value, another, none",
    objects,
    keys: [team],
    rows: ["team pods a: 1 0 0 1", "team pods b: 1 1 0 1", "team namespaces -: 1 0 0 1", "team nodes -: 0 1 0 0"],
  },
  {
    title: "counts what must be there and is not",
    objects,
    keys: [{ ...team, appliesTo: ["Pod"], required: [{ kind: "Pod", namespaceSelector: "regulated == 'yes'" }] }],
    rows: ["team pods a: 1 0 0 1", "team pods b: 1 1 1 0"],
  },
  {
    title: "finds a namespace by its name, as the API server labels it",
    objects: [pod("a/1", {}), pod("b/1", {})],
    keys: [
      {
        key: "x",
        appliesTo: ["Pod"],
        required: [{ kind: "Pod", namespaceSelector: "kubernetes.io/metadata.name == 'a'" }],
      },
    ],
    rows: ["x pods a: 0 0 1 0", "x pods b: 0 0 0 1"],
  },
  {
    title: "asks only those that the selector is about",
    objects: [pod("a/1", { app: "web" }), pod("a/2", {})],
    keys: [{ key: "x", appliesTo: ["Pod"], required: [{ kind: "Pod", selector: "has(app)" }] }],
    rows: ["x pods a: 0 0 1 1"],
  },
  {
    title: "compares with a pattern",
    objects: [pod("a/1", { x: "cc-1" }), pod("a/2", { x: "cc-" })],
    keys: [{ key: "x", appliesTo: ["Pod"], pattern: "cc-[0-9]+" }],
    rows: ["x pods a: 1 1 0 0"],
  },
  {
    title: "counts templates, wherever they stand, but not those that somebody made of another",
    objects: [
      ...["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"].map((kind) =>
        workload("apps/v1", kind, template({ team: "shop" })),
      ),
      workload("v1", "ReplicationController", template({ team: "x" })),
      workload("batch/v1", "Job", template({})),
      workload("batch/v1", "CronJob", { jobTemplate: { spec: template({ team: "shop" }) } }),
      workload("apps/v1", "ReplicaSet", template({ team: "x" }), {
        ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name: "w", controller: true }],
      }),
    ],
    keys: [team],
    rows: ["team templates a: 5 1 0 1"],
  },
  {
    title: "takes templates that are none for ones without labels",
    objects: [undefined, null, [], { template: 1 }, template([1]), template({ team: 1 })].map((spec) =>
      workload("apps/v1", "Deployment", spec),
    ),
    keys: [team],
    rows: ["team templates a: 0 0 0 6"],
  },
  {
    title: "leaves pods out that have ended",
    objects: ["Succeeded", "Failed", "Running"].map((phase) => pod(`a/${phase}`, {}, { status: { phase } })),
    keys: [team],
    rows: ["team pods a: 0 0 0 1"],
  },
  {
    title: "says nothing where a key does not apply",
    objects,
    keys: [{ ...team, appliesTo: ["Node"] }],
    rows: ["team nodes -: 0 1 0 0"],
  },
  {
    title: "takes no label for one that every object of JavaScript has",
    objects: [pod("a/1", {})],
    keys: [{ key: "constructor" }, { key: "toString", required: [{ kind: "Pod" }] }],
    rows: ["constructor pods a: 0 0 0 1", "toString pods a: 0 0 1 0"],
  },
];

describe("coverage of a label taxonomy", () => {
  for (const { title, objects, keys, rows: expected } of coverage)
    it(title, () => assert.deepEqual(rows(objects, taxonomy(keys)), expected));

  it("names who is wrong or lacks something, with the value that was probably meant", () => {
    const keys = [{ ...team, required: [{ kind: "Node" }] }];
    const wrong = [pod("b/2", { team: "payment" }), placed("Node", "n", {}), pod("a/1", { team: "shop" })];
    assert.deepEqual(
      labelFaults(carriersIn(wrong), [taxonomy(keys)]).map(
        ({ carrier, fault, message }) => `${carrier.kind} ${carrier.name} ${fault}: ${message}`,
      ),
      [
        'Pod 2 wrong: label team is "payment", which is not allowed; there is shop, payments; did you mean payments?',
        "Node n lacking: label team is required here",
      ],
    );
  });
});

describe("conflicts of label taxonomies", () => {
  const only = (value: string) => ({ ...team, values: [{ value }] });
  for (const { title, a, b, says } of [
    { title: "none where they speak of other labels", a: team, b: { ...team, key: "x" }, says: null },
    {
      title: "none where they speak of other kinds",
      a: { ...team, appliesTo: ["Pod"] },
      b: { ...team, appliesTo: ["Node"] },
      says: null,
    },
    { title: "the same twice", a: team, b: team, says: "says the same" },
    { title: "other values", a: team, b: only("shop"), says: "has other values: both hold" },
    {
      title: "no value that satisfies both",
      a: team,
      b: only("x"),
      says: "allows other values only: no value satisfies both",
    },
    {
      title: "other setters and another action",
      a: team,
      b: { ...team, setters: { users: ["ann"] }, action: "Warn" },
      says: "has other setters, action: both hold",
    },
  ])
    it(`are told: ${title}`, () => {
      const found = conflictsOf([taxonomy([a], "one"), taxonomy([b], "two")]);
      const expected =
        says === null ? [[], []] : [[`team: LabelTaxonomy two ${says}`], [`team: LabelTaxonomy one ${says}`]];
      assert.deepEqual([found.get("one"), found.get("two")], expected);
    });
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { KubeObject } from "../../../core/kube/objects.ts";
import { readYaml } from "../../../core/kube/yaml.ts";
import { readLabelTaxonomy } from "../../../policy/kinds/label-taxonomy.ts";
import { problemsOf } from "../../../policy/kinds/read.ts";
import { company } from "../../support/company-taxonomy.ts";

const taxonomy = (spec: unknown, name = "t"): KubeObject => ({
  apiVersion: "controls.sluice.dev/v1alpha1",
  kind: "LabelTaxonomy",
  metadata: { name },
  spec,
});
const key = (rest: object) => taxonomy({ keys: [{ key: "team", action: "Deny", ...rest }] });

const refused: readonly { readonly title: string; readonly object: KubeObject; readonly says: readonly string[] }[] = [
  { title: "no spec", object: taxonomy(undefined), says: ["spec: is missing"] },
  { title: "no keys", object: taxonomy({ keys: [] }), says: ["spec.keys: 0 entries (at least 1)"] },
  {
    title: "a misspelt field",
    object: key({ valuse: [] }),
    says: ["spec.keys[0].valuse: this field is not known; is it misspelt?"],
  },
  { title: "no action", object: key({ action: undefined }), says: ["spec.keys[0].action: is missing"] },
  {
    title: "another action",
    object: key({ action: "deny" }),
    says: ['spec.keys[0].action: "deny" is none of Warn, Deny'],
  },
  {
    title: "a key that is none",
    object: key({ key: "a b" }),
    says: ['spec.keys[0].key: "a b" is no label key of Kubernetes'],
  },
  {
    title: "a key twice",
    object: taxonomy({ keys: ["a", "b", "a"].map((name) => ({ key: name, action: "Warn" })) }),
    says: ["spec.keys: the same key stands twice: a taxonomy of its own can say otherwise for another kind"],
  },
  {
    title: "a value that is none",
    object: key({ values: [{ value: "a" }, { value: "-" }] }),
    says: ['spec.keys[0].values[1].value: "-" is no label value of Kubernetes'],
  },
  {
    title: "a value twice",
    object: key({ values: [{ value: "a" }, { value: "a" }] }),
    says: ["spec.keys[0].values: the same value stands twice"],
  },
  {
    title: "values and a pattern",
    object: key({ values: [{ value: "a" }], pattern: "a" }),
    says: ["spec.keys[0].pattern: values and pattern exclude each other"],
  },
  {
    title: "a pattern that is none",
    object: key({ pattern: "^a" }),
    says: ['spec.keys[0].pattern: "^a": the whole value is compared; leave out ^ and $'],
  },
  {
    title: "setters who are nobody",
    object: key({ setters: { users: [] } }),
    says: ["spec.keys[0].setters: names nobody: then nobody could set the label, nor take it away"],
  },
  {
    title: "a group of several lines",
    object: key({ setters: { groups: ["a\nb"] } }),
    says: ['spec.keys[0].setters.groups[0]: "a\\nb" is no name of a group'],
  },
  {
    title: "a service account without its namespace",
    object: key({ values: [{ value: "a", setters: { serviceAccounts: [{ name: "a" }] } }] }),
    says: ["spec.keys[0].values[0].setters.serviceAccounts[0].namespace: is missing"],
  },
  {
    title: "a namespaceSelector for nodes",
    object: key({ required: [{ kind: "Node", namespaceSelector: "has(a)" }] }),
    says: ["spec.keys[0].required[0].namespaceSelector: only pods are in a namespace"],
  },
  {
    title: "a selector that is none",
    object: key({ required: [{ kind: "Pod", selector: "((" }] }),
    says: [
      'spec.keys[0].required[0].selector: the selector ends where has(…), all(), a label or ( was expected at character 3 of selector "(("',
    ],
  },
  {
    title: "a selector over labels that only policies see",
    object: key({ required: [{ kind: "Pod", namespaceSelector: "projectcalico.org/name == 'a'" }] }),
    says: [
      "spec.keys[0].required[0].namespaceSelector: may name labels of the object only; a namespace has its name in kubernetes.io/metadata.name",
    ],
  },
  {
    title: "required where it does not apply",
    object: key({ appliesTo: ["Pod"], required: [{ kind: "Node" }] }),
    says: ["spec.keys[0].required: is required where it does not apply (appliesTo)"],
  },
  {
    title: "a day that there is not",
    object: key({ approval: { by: "carla", date: "2026-02-31" } }),
    says: ["spec.keys[0].approval.date: there is no such day"],
  },
  {
    title: "a name that is no label",
    object: taxonomy({ keys: [{ key: "a", action: "Warn" }] }, "a.b"),
    says: ['metadata.name: "a.b" is no name of a taxonomy: lower case letters, digits and -'],
  },
];

describe("LabelTaxonomy", () => {
  it("is accepted with every field there is", () => assert.deepEqual(problemsOf(company), []));

  it("is accepted as docs/labels.md has it", () => {
    const page = readFileSync(new URL("../../../docs/labels.md", import.meta.url), "utf8");
    const [, example = ""] = /```yaml\n(.*?)```/s.exec(page) ?? [];
    assert.deepEqual(
      readYaml(example).map(({ value }) => problemsOf(value as KubeObject)),
      [[]],
    );
  });

  for (const { title, object, says } of refused)
    it(`with ${title} is refused, and says where`, () => {
      assert.deepEqual(
        problemsOf(object).map(({ field, message }) => `${field}: ${message}`),
        says,
      );
    });

  it("applies to everything and lets everybody set any value, unless it says otherwise", () => {
    assert.deepEqual(readLabelTaxonomy(key({})), {
      value: {
        name: "t",
        keys: [
          {
            key: "team",
            appliesTo: ["Pod", "Namespace", "Node"],
            values: null,
            required: [],
            setters: null,
            action: "deny",
            approval: null,
          },
        ],
      },
    });
  });

  it("knows service accounts as the API server does", () => {
    const read = readLabelTaxonomy(key({ setters: { serviceAccounts: [{ namespace: "ci", name: "deployer" }] } }));
    assert.deepEqual("value" in read && read.value.keys[0]?.setters, {
      users: ["system:serviceaccount:ci:deployer"],
      groups: [],
    });
  });

  it("of a version that is not known is told, not passed over", () => {
    const newer = { ...company, apiVersion: "controls.sluice.dev/v2" };
    assert.match(problemsOf(newer)[0]?.message ?? "", /not supported by this version and has no effect/);
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { readManifest } from "../../../core/kube/manifest.ts";

const pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n";
const keys = (text: string) => [...readManifest("f.yaml", text).objects.keys()];
const faults = (text: string) =>
  readManifest("f.yaml", text).faults.map(({ document, line, field, message }) => ({ document, line, field, message }));

describe("core/kube/manifest reads", () => {
  for (const { title, text, expected } of [
    { title: "an object", text: pod, expected: ["v1/Pod/default/web"] },
    {
      title: "several documents, with empty ones between",
      text: `---\n# nothing\n---\n${pod}---\n---\n${pod.replace("web", "db")}---\n`,
      expected: ["v1/Pod/default/web", "v1/Pod/default/db"],
    },
    {
      title: "JSON",
      text: '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "prod"}}',
      expected: ["v1/Pod/prod/web"],
    },
    {
      title: "a List",
      text: `apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n- {apiVersion: v1, kind: Node, metadata: {name: b}}\n`,
      expected: ["v1/Pod/default/a", "v1/Node/b"],
    },
    {
      title: "a List in a List",
      text: `apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod, metadata: {name: a}}]}\n`,
      expected: ["v1/Pod/default/a"],
    },
    {
      title: "a typed list, whose items leave out kind and version",
      text: "apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- metadata: {name: a}\n- metadata: {name: b, namespace: c}\n",
      expected: ["apps/v1/Deployment/default/a", "apps/v1/Deployment/c/b"],
    },
    { title: "an empty List", text: "apiVersion: v1\nkind: List\nitems: []\n", expected: [] },
    { title: "comments alone", text: "# nothing here\n", expected: [] },
    { title: "a byte order mark", text: `\uFEFF${pod}`, expected: ["v1/Pod/default/web"] },
    { title: "Windows line ends", text: pod.replaceAll("\n", "\r\n"), expected: ["v1/Pod/default/web"] },
    {
      title: "cluster-scoped kinds without a namespace",
      text: "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: security.deny}\n",
      expected: ["projectcalico.org/v3/GlobalNetworkPolicy/security.deny"],
    },
    {
      title: "kinds of somebody else as they are written",
      text: "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\n",
      expected: ["example.com/v1/Thing/a"],
    },
    {
      title: "names of RBAC objects, which may hold colons",
      text: "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: 'system:node'}\n",
      expected: ["rbac.authorization.k8s.io/v1/ClusterRole/system:node"],
    },
    {
      title: "merge keys and anchors",
      text: "x: &base {apiVersion: v1, kind: Pod}\n<<: *base\nmetadata: {name: a}\n",
      expected: ["v1/Pod/default/a"],
    },
  ])
    it(title, () => {
      assert.deepEqual(faults(text), []);
      assert.deepEqual(keys(text), expected);
    });

  it("the rest of an object as it is", () => {
    const text = `${pod}spec:\n  hostNetwork: yes\n  mode: 0644\n  quoted: "yes"\n  since: 2026-01-01T00:00:00Z\n`;
    const object = readManifest("f", text).objects.get("v1/Pod/default/web")?.object;
    assert.deepEqual(object?.["spec"], {
      hostNetwork: true,
      mode: 0o644,
      quoted: "yes",
      since: "2026-01-01T00:00:00Z",
    });
  });

  it("null metadata, which generators write for what is not set, as absent", () => {
    const object = readManifest("f", `${pod}  creationTimestamp: null\n  labels:\n`).objects.get("v1/Pod/default/web");
    assert.deepEqual(object?.object.metadata, { name: "web", namespace: "default" });
  });
});

describe("core/kube/manifest reports", () => {
  const one = (field: string | null, message: string, document = 1, line = 1) => [{ document, line, field, message }];
  for (const { title, text, expected } of [
    { title: "a document that is no mapping", text: "just words\n", expected: one(null, "is no mapping") },
    {
      title: "a missing kind",
      text: "apiVersion: v1\nmetadata: {name: a}\n",
      expected: one("kind", "must be a kind such as Pod"),
    },
    {
      title: "a version that is none",
      text: "apiVersion: 1\nkind: Pod\nmetadata: {name: a}\n",
      expected: one("apiVersion", "must be like v1 or apps/v1"),
    },
    { title: "missing metadata", text: "apiVersion: v1\nkind: Pod\n", expected: one("metadata", "must be a mapping") },
    {
      title: "a missing name",
      text: "apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n",
      expected: one("metadata.name", "is missing"),
    },
    {
      title: "a name with capitals",
      text: pod.replace("web", "Web"),
      expected: one("metadata.name", '"Web" is no name of an object'),
    },
    {
      title: "a namespace that is none",
      text: `${pod}  namespace: a_b\n`,
      expected: one("metadata.namespace", '"a_b" is no namespace'),
    },
    {
      title: "a namespace where none belongs",
      text: "apiVersion: v1\nkind: Node\nmetadata: {name: a, namespace: b}\n",
      expected: one("metadata.namespace", "a Node is in no namespace"),
    },
    {
      title: "a label that is a number",
      text: `${pod}  labels: {tier: 1}\n`,
      expected: one("metadata.labels[tier]", "must be text; put it in quotes"),
    },
    {
      title: "a label that YAML 1.1 takes for a boolean",
      text: `${pod}  labels: {pci: yes}\n`,
      expected: one("metadata.labels[pci]", "must be text; put it in quotes"),
    },
    {
      title: "a label value with a blank",
      text: `${pod}  labels: {a: "b c"}\n`,
      expected: one("metadata.labels[a]", '"b c" is no label value'),
    },
    {
      title: "a label key with two slashes",
      text: `${pod}  labels: {a/b/c: d}\n`,
      expected: one("metadata.labels[a/b/c]", "is no label key"),
    },
    {
      title: "labels that are a list",
      text: `${pod}  labels: [a]\n`,
      expected: one("metadata.labels", "must be a mapping"),
    },
    {
      title: "an owner without a name",
      text: `${pod}  ownerReferences: [{apiVersion: v1, kind: Node}]\n`,
      expected: one("metadata.ownerReferences[0]", "must have apiVersion, kind and name"),
    },
    {
      title: "an item of a list by its place",
      text: "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n- {apiVersion: v1, kind: Pod}\n",
      expected: one("items[1].metadata", "must be a mapping"),
    },
    {
      title: "a document by number and line",
      text: `${pod}---\n---\n# third\nkind: Pod\n`,
      expected: [
        { document: 3, line: 8, field: "apiVersion", message: "must be like v1 or apps/v1" },
        { document: 3, line: 8, field: "metadata", message: "must be a mapping" },
      ],
    },
    {
      title: "an object that stands twice in the file",
      text: `${pod}---\n${pod}`,
      expected: one(null, "v1/Pod/default/web stands above already", 2, 6),
    },
    {
      title: "a key that stands twice in a mapping",
      text: `${pod}kind: Pod\n`,
      expected: one(null, "Map keys must be unique", 1, 5),
    },
    {
      title: "a file without content",
      text: "",
      expected: [
        { document: null, line: null, field: null, message: "is empty; to delete its objects, delete the file" },
      ],
    },
  ])
    it(title, () => assert.deepEqual(faults(text), expected));

  it("aliases that multiply without end", () => {
    const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"];
    for (const [name, of] of ["ba", "cb", "dc", "ed", "fe"].map((pair) => [...pair]))
      bomb.push(`${name}: &${name} [${Array(9).fill(`*${of}`).join(",")}]`);
    assert.match(String(faults(bomb.join("\n"))[0]?.message), /alias/);
  });

  for (const { title, text } of [
    { title: "brackets", text: "[".repeat(100_000) },
    { title: "braces", text: "{a: ".repeat(100_000) },
    { title: "dashes", text: "- ".repeat(100_000) },
    { title: "keys", text: "? ".repeat(100_000) },
    { title: "brackets below the bound", text: "[".repeat(199) },
    { title: "indentation", text: Array.from({ length: 1_000 }, (_, depth) => `${" ".repeat(depth)}a:\n`).join("") },
  ])
    it(`nesting without end: ${title}`, () => assert.equal(readManifest("f", text).unreadable, true));
});

describe("core/kube/manifest tells", () => {
  it("which objects it refused, where it can identify them", () => {
    const manifest = readManifest("f", `${pod}  labels: {a: 1}\n---\n${pod.replace("web", "db")}`);
    assert.deepEqual([...manifest.refused], ["v1/Pod/default/web"]);
    assert.deepEqual([...manifest.objects.keys()], ["v1/Pod/default/db"]);
    assert.equal(manifest.unreadable, false);
  });

  it("that something may hide in what it could not read", () => {
    assert.equal(readManifest("f", `${pod}---\n{ not yaml\n`).unreadable, true);
    assert.equal(readManifest("f", `${pod}---\nkind: Pod\n`).unreadable, true);
  });

  it("never throws, whatever it is given", () => {
    const fragments = [
      "---\n",
      pod,
      "kind: List\nitems:\n",
      "- ",
      "{",
      "]",
      "&a ",
      "*a",
      "'",
      '"',
      "<<: ",
      ": ",
      "\t",
      "|\n",
      "!!map ",
    ];
    const text = fc
      .array(fc.oneof(fc.constantFrom(...fragments), fc.string()), { maxLength: 20 })
      .map((parts) => parts.join(""));
    fc.assert(fc.property(text, (given) => void readManifest("f", given)));
  });
});

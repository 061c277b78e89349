import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { parseAllDocuments } from "yaml";
import { installCommand } from "../../../bin/commands/install.ts";
import { type Foreign, signsOf } from "../../../bin/install/foreign.ts";
import { addValueOptions, givenValues, type ValueOptions } from "../../../bin/install/given-values.ts";
import { planOf } from "../../../bin/install/plan.ts";
import { isEstablished, requireNames } from "../../../bin/install/served.ts";
import type { KubeObject } from "../../../core/kube/objects.ts";
import { FakeRim, run } from "../fake-rim.ts";

const version = "1.2.3";
const namespace = "s";
const nobody: Foreign = { signs: [] };
const plan = (given: object, foreign = nobody) =>
  planOf({ version, namespace, given: [given], foreign, admission: new Set() });

describe("bin/install/plan", () => {
  for (const { title, given, says } of [
    { title: "a value that nobody knows", given: { enrich: { replica: 1 } }, says: /Unrecognized key: "replica"/ },
    { title: "a setting that nobody knows", given: { config: { bus: { broker: [] } } }, says: /config.*\n?.*broker/ },
    {
      title: "a setting out of its range",
      given: { config: { bus: { partitions: 0 } } },
      says: /bus.partitions/,
    },
    {
      title: "a password among the settings",
      given: { config: { bus: { password: "s" } } },
      says: /config\.bus\.password: .*Secret/,
    },
    {
      title: "collectors that have nowhere to send to",
      given: { node: { enforcement: false } },
      says: /give config\.bus\.brokers/,
    },
  ])
    it(`refuses ${title}`, () => assert.throws(() => plan(given), says));

  it("blocks nothing unless it is told to, whatever else is said", () => {
    for (const given of [{}, { config: {} }, { config: { bus: { brokers: ["k:9092"] } } }])
      assert.equal(plan(given).config.enforcer.mode, "observe");
    assert.equal(plan({ config: { enforcer: { mode: "enforce" } } }).config.enforcer.mode, "enforce");
  });

  it("brings no kind of projectcalico.org where somebody else has them, and does not enforce there", () => {
    const foreign = { signs: ["a sign"] };
    const names = plan({}, foreign).definitions.map(({ metadata }) => metadata.name);
    assert.deepEqual(
      names.filter((name) => name.endsWith(".projectcalico.org")),
      [],
    );
    assert.throws(
      () => plan({ config: { enforcer: { mode: "enforce" } } }, foreign),
      /Calico is in this cluster: a sign/,
    );
  });
});

describe("bin/install/foreign", () => {
  const ours = { "app.kubernetes.io/name": "sluice" };
  const definition = (name: string, labels?: Record<string, string>) => ({
    metadata: { name, ...(labels && { labels }) },
  });
  for (const { title, service, definitions, signs } of [
    { title: "an empty cluster", definitions: [], signs: [] },
    { title: "kinds of ours", definitions: [definition("tiers.projectcalico.org", ours)], signs: [] },
    { title: "kinds of others", definitions: [definition("certificates.cert-manager.io")], signs: [] },
    { title: "names that only end alike", definitions: [definition("tiers.myprojectcalico.org")], signs: [] },
    {
      title: "kinds of Calico's",
      definitions: [definition("tiers.projectcalico.org"), definition("networksets.projectcalico.org", { a: "b" })],
      signs: ["2 kinds (networksets.projectcalico.org and others) of projectcalico.org that Sluice did not make"],
    },
    {
      title: "Calico's own API server and what it keeps its objects in",
      service: "calico-system/calico-api",
      definitions: [definition("tiers.crd.projectcalico.org")],
      signs: [
        "projectcalico.org/v3 is served by calico-system/calico-api",
        "the kind tiers.crd.projectcalico.org of crd.projectcalico.org, in which Calico keeps its objects",
      ],
    },
  ])
    it(`tells ${title}`, () => assert.deepEqual(signsOf(service, definitions), signs));
});

describe("bin/install/served", () => {
  const definition = (conditions: unknown): KubeObject => ({
    ...{ apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata: { name: "d" } },
    status: { conditions },
  });
  for (const { title, conditions, established } of [
    { title: "one of which the server has said nothing yet", conditions: null, established: false },
    { title: "one that is looked at", conditions: [{ type: "Established", status: "False" }], established: false },
    { title: "one that it has taken", conditions: [{ type: "Established", status: "True" }], established: true },
  ])
    it(`takes ${title} for ${established ? "" : "not "}established`, () =>
      assert.equal(isEstablished(definition(conditions)), established));

  it("says why a kind will never be served", () => {
    const refused = definition([{ type: "NamesAccepted", status: "False", message: '"tiers" is already in use' }]);
    assert.throws(() => requireNames(refused), /customresourcedefinition\/d: "tiers" is already in use/);
  });
});

describe("bin/install/given-values", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-values-"));
  after(() => rmSync(folder, { recursive: true }));
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const given = (...args: readonly string[]) => {
    const command = addValueOptions(new Command("x"))
      .exitOverride()
      .configureOutput({ writeErr: () => {} });
    return givenValues(command.parse([...args], { from: "user" }).opts<ValueOptions>());
  };

  it("takes values as YAML, each over what stands before it", () => {
    const [first, second] = [
      file("a.yaml", "enrich: { replicas: 1, secret: a }\n"),
      file("b.yaml", "enrich: { replicas: 2 }\n"),
    ];
    const set = [
      "--set",
      "config.bus.brokers=[a:1, b:2]",
      "--set",
      "node.enforcement=false",
      "--set",
      "enrich.secret=''",
    ];
    assert.deepEqual(given("--values", first, "--values", second, ...set), {
      enrich: { replicas: 2, secret: "" },
      config: { bus: { brokers: ["a:1", "b:2"] } },
      node: { enforcement: false },
    });
  });

  for (const { title, args, says } of [
    { title: "a value without a path", args: ["--set", "=1"], says: /Write path=value/ },
    { title: "a path without a value", args: ["--set", "enrich.replicas"], says: /Write path=value/ },
    { title: "what is no YAML", args: ["--set", "a=[1"], says: /no YAML/ },
    { title: "a file that is not there", args: ["--values", "nowhere.yaml"], says: /--values nowhere.yaml: ENOENT/ },
    { title: "a file of something else", args: ["--values", file("list.yaml", "- a\n")], says: /is no mapping/ },
  ])
    it(`refuses ${title}`, () => assert.throws(() => given(...args), says));
});

describe("sluice install -o yaml", () => {
  it("prints all that it would apply, kinds and namespace among it, and asks no cluster", async () => {
    const printed = await run(installCommand, new FakeRim(), "-o", "yaml", "--kubeconfig", "nowhere", "-n", "watched");
    const objects = parseAllDocuments(printed).map((document) => document.toJS() as KubeObject);
    const kinds = new Set(objects.map(({ kind }) => kind));
    for (const kind of ["Namespace", "CustomResourceDefinition", "DaemonSet", "ValidatingAdmissionPolicy", "Tier"])
      assert.ok(kinds.has(kind), kind);
    const namespaces = new Set(objects.map(({ metadata }) => metadata.namespace));
    assert.deepEqual([...namespaces].sort(), ["watched", undefined]);
  });
});

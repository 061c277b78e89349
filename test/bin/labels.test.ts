import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { labelsCommand } from "../../bin/commands/labels.ts";
import { policyValidateCommand } from "../../bin/commands/policy-validate.ts";
import type { ErrorCode, SluiceError } from "../../core/errors.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { done } from "../support/kube-requests.ts";
import { installTaxonomies, taxonomiesPath } from "../support/label-taxonomies.ts";
import { needsApiServer } from "../support/needs-api-server.ts";
import { FakeRim, run } from "./fake-rim.ts";

const taxonomy = (name: string, ...values: readonly string[]): KubeObject => ({
  apiVersion: "controls.sluice.dev/v1alpha1",
  kind: "LabelTaxonomy",
  metadata: { name },
  spec: {
    keys: [
      {
        key: "team",
        appliesTo: ["Pod"],
        values: values.map((value) => ({ value })),
        required: [{ kind: "Pod" }],
        action: "Deny",
      },
    ],
  },
});
const labelled = (labels: object) => ({ metadata: { labels }, spec: { containers: [{ name: "a", image: "a" }] } });
const workload = (name: string, labels: object): KubeObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace: "default" },
  spec: { selector: { matchLabels: { app: name } }, replicas: 0, template: labelled({ app: name, ...labels }) },
});
const folder = mkdtempSync(join(tmpdir(), "sluice-labels-"));
const file = (name: string, ...objects: readonly KubeObject[]) => {
  const path = join(folder, name);
  writeFileSync(path, objects.map((object) => stringify(object)).join("---\n"));
  return path;
};

const workloads = [workload("web", { team: "shop" }), workload("pay", { team: "payment" }), workload("db", {})];

describe("bin/commands, sluice labels", function () {
  this.timeout(60_000);
  const server = needsApiServer();
  after(() => rmSync(folder, { recursive: true }));

  const ask = async (...args: readonly string[]) => {
    const rim = new FakeRim();
    const text = await run(labelsCommand, rim, ...args);
    return { text, code: rim.code, notes: rim.notes };
  };

  it("coverage counts who is labelled as the taxonomies of the folder say, and ends with 3", async () => {
    const path = file("all.yaml", taxonomy("t", "shop", "payments"), ...workloads);
    const { text, code } = await ask("coverage", path, "-o", "csv");
    assert.equal(
      text,
      "key,of,namespace,total,allowed,wrong,lacking,absent,taxonomy\r\nteam,templates,default,3,1,1,1,0,t\r\n",
    );
    assert.equal(code, 3);
  });

  it("check names them, with the value that was probably meant", async () => {
    const path = file("all.yaml", taxonomy("t", "shop", "payments"), ...workloads);
    const { text, code, notes } = await ask("check", path, "-o", "jsonl");
    const found = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Readonly<Record<string, string>>);
    assert.deepEqual(
      found.map(({ name, reason }) => `${name}: ${reason}`),
      [
        'pay: label team is "payment", which is not allowed; there is shop, payments; did you mean payments?',
        "db: label team is required here",
      ],
    );
    assert.deepEqual([code, notes], [3, ["2 faults in 3 objects"]]);
  });

  it("both take the taxonomies of another file, and end with 0 where all is well", async () => {
    const [path, other] = [file("web.yaml", workload("web", { team: "shop" })), file("t.yaml", taxonomy("t", "shop"))];
    for (const name of ["coverage", "check"]) assert.equal((await ask(name, path, "--taxonomy", other)).code, 0, name);
  });

  it("both say so where there is no taxonomy", async () => {
    const path = file("web.yaml", workload("web", {}));
    const code: ErrorCode = "USAGE";
    for (const name of ["coverage", "check"])
      await assert.rejects(
        ask(name, path),
        (thrown: SluiceError) =>
          thrown.code === code && /there is no LabelTaxonomy in .*--taxonomy/.test(thrown.message),
      );
  });

  it("both tell of taxonomies that contradict each other", async () => {
    const path = file("two.yaml", taxonomy("a", "x"), taxonomy("b", "z"), workload("web", { team: "x" }));
    assert.deepEqual((await ask("coverage", path)).notes, [
      "LabelTaxonomy a: team: LabelTaxonomy b allows other values only: no value satisfies both",
      "LabelTaxonomy b: team: LabelTaxonomy a allows other values only: no value satisfies both",
    ]);
  });

  it("both ask the API server; a taxonomy of a file counts instead of that of its name there", async () => {
    const kubeconfig = server().kubeconfig();
    await assert.rejects(ask("coverage", "--kubeconfig", kubeconfig), /there is no LabelTaxonomy in the cluster/);
    await installTaxonomies(server());
    await done(server(), { method: "POST", path: taxonomiesPath, body: taxonomy("t", "shop") });
    for (const body of workloads)
      await done(server(), { method: "POST", path: "/apis/apps/v1/namespaces/default/deployments", body });
    const { text } = await ask("coverage", "--kubeconfig", kubeconfig, "-o", "csv", "--no-headers");
    assert.equal(text, "team,templates,default,3,1,1,1,0,t\r\n");
    const other = file("t.yaml", taxonomy("t", "shop", "payment"));
    const tried = await ask("check", "--kubeconfig", kubeconfig, "--taxonomy", other, "-o", "name");
    assert.equal(tried.text, "Deployment default/db team\n");
  });

  it("and policy validate takes the taxonomies of another file too", async () => {
    const policy: KubeObject = {
      apiVersion: "projectcalico.org/v3",
      kind: "GlobalNetworkPolicy",
      metadata: { name: "p" },
      spec: { selector: "team == 'shops'", ingress: [{ action: "Allow" }] },
    };
    const paths = [file("p.yaml", policy), "--taxonomy", file("t.yaml", taxonomy("t", "shop"))];
    const text = await run(policyValidateCommand, new FakeRim(), ...paths, "-o", "jsonl");
    assert.match(text, /no value \\"shops\\" of label team; there is shop; did you mean shop\?/);
  });
});

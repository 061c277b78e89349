import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { policyDiffCommand } from "../../bin/commands/policy-diff.ts";
import { policyEffectCommand } from "../../bin/commands/policy-effect.ts";
import { differencesOf } from "../../bin/object-diff.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { FakeRim, run } from "./fake-rim.ts";

const demo = fileURLToPath(new URL("../../lab/demo", import.meta.url));
const security = (...names: readonly string[]) =>
  names.map((name) => ({
    apiVersion: "projectcalico.org/v3",
    kind: "GlobalNetworkPolicy",
    metadata: { name },
    spec:
      name === "egress"
        ? { tier: "t", namespaceSelector: "env == 'dev'", types: ["Egress"], egress: [deny("destination", "prod")] }
        : { tier: "t", namespaceSelector: "env == 'prod'", types: ["Ingress"], ingress: [deny("source", "dev")] },
  }));
const deny = (end: string, env: string) => ({ action: "Deny", [end]: { namespaceSelector: `env == '${env}'` } });
const tier = {
  apiVersion: "projectcalico.org/v3",
  kind: "Tier",
  metadata: { name: "t" },
  spec: { order: 1, defaultAction: "Pass" },
};

describe("bin/commands, comparisons of policies", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-compare-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, ...objects: readonly object[]) => {
    const path = join(folder, `${name}.json`);
    writeFileSync(path, JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
    return path;
  };
  const both = file("both", tier, ...security("egress", "ingress"));
  const one = file("one", tier, ...security("ingress"));
  const none = file("none", tier);

  for (const { title, before, after, code, text } of [
    {
      title: "two lines between development and production taken away",
      before: both,
      after: none,
      code: 3,
      text: "opens: pods of namespace dev-shop (2) -> pods of namespaces with env=prod (6): everything\n",
    },
    {
      title: "one of two, while the other still holds",
      before: both,
      after: one,
      code: 0,
      text: "changes nothing: what egress denied is still denied by ingress (e.g. dev-shop/load-test-9fkx2 -> payments/gateway-84c6d5f7bb-hn5js, TCP 8443)\n",
    },
    {
      title: "a line drawn",
      before: none,
      after: one,
      code: 3,
      text: "closes: pods of namespace dev-shop (2) -> pods of namespaces with env=prod (6): everything\n",
    },
  ])
    it(`effect: ${title}`, async () => {
      const rim = new FakeRim();
      assert.equal(await run(policyEffectCommand, rim, before, after, "--objects", demo), text);
      assert.equal(rim.code, code);
    });

  it("effect: says in JSON who by selectors and names", async () => {
    const printed: unknown = JSON.parse(
      await run(policyEffectCommand, new FakeRim(), both, none, "--objects", demo, "-o", "json"),
    );
    const { changes } = printed as { changes: { from: { pods: object[]; podNames: string[] }; connections: string }[] };
    assert.deepEqual(changes[0]?.from.pods, [
      { words: "pods of namespace dev-shop", count: 2, selector: 'projectcalico.org/namespace == "dev-shop"' },
    ]);
    assert.deepEqual(changes[0]?.from.podNames, ["dev-shop/load-test-9fkx2", "dev-shop/web-6c7d8f9b5c-tm3fx"]);
  });

  it("effect: says in JSON who decides now, where nothing changes", async () => {
    const printed: unknown = JSON.parse(
      await run(policyEffectCommand, new FakeRim(), both, one, "--objects", demo, "-o", "json"),
    );
    const decider = { kind: "gnp", namespace: null, tier: "t", isDefault: false };
    const { alike } = printed as { alike: { takeovers: { example: object }[] } };
    const [{ example, ...takeover }, ...others] = alike.takeovers as [{ example: object }];
    assert.deepEqual(takeover, {
      action: "deny",
      was: [{ ...decider, name: "egress" }],
      now: [{ ...decider, name: "ingress" }],
    });
    assert.deepEqual(Object.keys(example), ["from", "to", "connection", "packet"]);
    assert.deepEqual(
      { ...alike, takeovers: others },
      { takeovers: [], overruled: [], folded: 0, restated: [], idle: [] },
    );
  });

  it("effect: policies of the same folder taken away by name", async () => {
    const text = await run(
      policyEffectCommand,
      new FakeRim(),
      both,
      "--objects",
      demo,
      "--without",
      "egress",
      "--without",
      "ingress",
    );
    assert.equal(text, "opens: pods of namespace dev-shop (2) -> pods of namespaces with env=prod (6): everything\n");
  });

  for (const { title, args, message = /./ } of [
    { title: "one folder alone", args: [both] },
    { title: "a policy that is not there", args: [both, "--without", "nobody"] },
    { title: "a misspelt policy", args: [both, "--without", "ingres"], message: /did you mean ingress\?/ },
  ])
    it(`effect: refuses ${title}`, async () => {
      await assert.rejects(run(policyEffectCommand, new FakeRim(), ...args), { code: "USAGE", message });
    });

  it("effect: refuses what is not there", async () => {
    await assert.rejects(run(policyEffectCommand, new FakeRim(), both, join(folder, "nowhere")), {
      code: "MANIFEST_INVALID",
    });
  });

  it("effect: says that it has no pods to tell about", async () => {
    const rim = new FakeRim();
    await run(policyEffectCommand, rim, both, one);
    const note = "there are no pods that policies could be about; --objects names those of the cluster";
    assert.deepEqual(rim.notes, [`${both}: ${note}`, `${one}: ${note}`]);
  });

  it("prints YAML as it prints JSON", async () => {
    const ask = async (command: typeof policyEffectCommand, format: string) =>
      run(command, new FakeRim(), both, none, "--objects", demo, "-o", format);
    for (const command of [policyEffectCommand, policyDiffCommand])
      assert.deepEqual(parse(await ask(command, "yaml")), JSON.parse(await ask(command, "json")));
  });

  it("effect: tells what is not accepted and goes on without it", async () => {
    const rim = new FakeRim();
    const bad = file("bad", {
      apiVersion: "projectcalico.org/v3",
      kind: "Tier",
      metadata: { name: "x" },
      spec: { oder: 1 },
    });
    await run(policyEffectCommand, rim, none, bad);
    assert.match(rim.notes.join("\n"), /bad\.json: not accepted: .*spec\.oder/);
  });

  it("diff: objects that are gone, and what that opens", async () => {
    const rim = new FakeRim();
    const printed = await run(policyDiffCommand, rim, both, none, "--objects", demo);
    assert.match(printed, /removed +GlobalNetworkPolicy egress/);
    assert.match(printed, /effect: opens: pods of namespace dev-shop/);
    assert.equal(rim.code, 3);
  });

  it("diff: nothing", async () => {
    const rim = new FakeRim();
    assert.equal(await run(policyDiffCommand, rim, both, both), "no difference\n");
    assert.equal(rim.code, 0);
  });
});

describe("bin/object-diff", () => {
  const object = (spec: object, metadata: object = {}): KubeObject => ({
    ...{ apiVersion: "v1", kind: "Thing", spec, status: { at: Math.random() } },
    metadata: { name: "x", ...metadata },
  });
  for (const { title, before, after, found } of [
    {
      title: "a field that changed",
      before: object({ a: { b: 1 } }),
      after: object({ a: { b: 2 } }),
      found: [["spec.a.b", 1, 2]],
    },
    { title: "a field that came", before: object({}), after: object({ a: 1 }), found: [["spec.a", null, 1]] },
    {
      title: "items of a list of mappings one by one",
      before: object({ l: [{ a: 1 }, { a: 2 }] }),
      after: object({ l: [{ a: 1 }] }),
      found: [["spec.l[1]", { a: 2 }, null]],
    },
    {
      title: "lists of plain values whole",
      before: object({ l: [1, 2] }),
      after: object({ l: [2] }),
      found: [["spec.l", [1, 2], [2]]],
    },
    {
      title: "labels, not what servers write",
      before: object({}, { uid: "1" }),
      after: object({}, { uid: "2", labels: { a: "b" } }),
      found: [["metadata.labels.a", null, "b"]],
    },
    { title: "nothing", before: object({ a: [1] }), after: object({ a: [1] }), found: [] },
  ])
    it(`tells ${title}`, () => {
      const told = differencesOf([before], [after]).map((one) => [one.field, one.before, one.after]);
      assert.deepEqual(told, found);
    });
});

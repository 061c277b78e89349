import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { policyCommand } from "../../bin/commands/policy.ts";
import { flow, pod, unknown } from "../support/flows.ts";
import { sluiceFed } from "./command.ts";
import { FakeRim, run } from "./fake-rim.ts";

const demo = fileURLToPath(new URL("../../lab/demo", import.meta.url));
const folders: string[] = [];

/** A folder of these files. */
function folder(files: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(tmpdir(), "sluice-policy-"));
  folders.push(path);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

const policy = (name: string, spec: string, kind = "GlobalNetworkPolicy") => `
apiVersion: projectcalico.org/v3
kind: ${kind}
metadata: { name: ${name} }
spec: ${spec}
---`;

const people = `
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { env: prod } }
---
apiVersion: v1
kind: Pod
metadata: { namespace: shop, name: web-1, labels: { app: web } }
spec: { nodeName: node-1 }
status: { podIP: 10.1.0.5 }
---
apiVersion: v1
kind: Pod
metadata: { namespace: shop, name: db-1, labels: { app: db } }
spec: { nodeName: node-1 }
status: { podIP: 10.1.0.6 }
---`;

const ask = async (...args: readonly string[]) => {
  const rim = new FakeRim();
  const text = await run(policyCommand, rim, ...args);
  return { text, code: rim.code, notes: rim.notes.join("\n") };
};

describe("bin/commands, sluice policy", function () {
  this.timeout(10_000);
  after(() => {
    for (const path of folders) rmSync(path, { recursive: true, force: true });
  });

  it("reads what kubectl pipes in", async () => {
    const run = sluiceFed("policy", "get", "--objects", "-", "-o", "name");
    run.process.stdin?.end(`${people}${policy("default.first", "{ selector: all(), ingress: [{ action: Deny }] }")}`);
    assert.equal(await run.ended, 0, run.printed.err);
    assert.match(run.printed.out, /default\.first/);
  });

  describe("validate", () => {
    const cases: readonly { title: string; text: string; says: RegExp; code: number; strict?: boolean }[] = [
      {
        title: "finds nothing wrong with good policies",
        text: policy("a", "{ selector: all() }"),
        says: /^$/,
        code: 0,
      },
      {
        title: "says where that stands of which it warns",
        text: policy("a", "{ selector: all() }") + policy("b", "{ tier: nowhere, selector: all() }"),
        says: /WARNING +p\.yaml +7 .*GlobalNetworkPolicy\/b/,
        code: 0,
      },
      {
        title: "names file, line, object, field, value and reason",
        text: policy("a", '{ selector: "app = 1" }'),
        says: /ERROR +p\.yaml +2 +projectcalico\.org\/v3\/GlobalNetworkPolicy\/a +spec\.selector +"app = 1" +unexpected/,
        code: 3,
      },
      {
        title: "finds every fault of every object",
        text: policy("a", "{ egres: [] }") + policy("b", "{ order: first, tier: A }"),
        says: /spec\.egres [\s\S]*spec\.tier [\s\S]*spec\.order |spec\.egres [\s\S]*spec\.order [\s\S]*spec\.tier /,
        code: 3,
      },
      {
        title: "tells objects with the same fault apart",
        text: policy("a", "{ egres: [] }") + policy("b", "{ egres: [1] }"),
        says: /GlobalNetworkPolicy\/a +spec\.egres +\[\] [\s\S]*GlobalNetworkPolicy\/b +spec\.egres +\[1\] /,
        code: 3,
      },
      { title: "says what is no YAML", text: "a: [", says: /ERROR +p\.yaml +\d/, code: 3 },
      {
        title: "warns of a tier that nobody made",
        text: policy("a", "{ tier: nowhere, selector: all() }"),
        says: /WARNING .*spec\.tier .*nowhere/,
        code: 0,
      },
      {
        title: "fails for warnings if asked to",
        text: policy("a", "{ tier: nowhere, selector: all() }"),
        says: /WARNING/,
        code: 3,
        strict: true,
      },
    ];
    for (const { title, text, says, code, strict = false } of cases)
      it(title, async () => {
        const path = folder({ "p.yaml": text });
        const answer = await ask("validate", path, "-o", "wide", ...(strict ? ["--strict"] : []));
        assert.match(answer.text, says);
        assert.equal(answer.code, code, answer.text);
      });
  });

  it("reads a file as it reads a folder", async () => {
    const path = join(folder({ "p.yaml": policy("a", "{ selector: all() }") }), "p.yaml");
    assert.equal((await ask("get", path, "-o", "name")).text, "gnp:a\n");
    assert.equal((await ask("validate", path)).notes, "0 errors, 0 warnings");
  });

  it("takes the folder behind the command or as --objects", async () => {
    for (const args of [["get"], ["tiers"], ["explain", "security.payments"]])
      assert.equal((await ask(...args, demo)).text, (await ask(...args, "--objects", demo)).text);
  });

  it("says that there is nothing where there is nothing", async () => {
    const path = folder({});
    assert.equal((await ask("validate", path)).notes, `there are no objects in ${path}`);
    assert.equal((await ask("get", path)).notes, `no policies in ${path}`);
    assert.equal((await ask("get", demo, "--tier", "kube-admin")).notes, "no policies in tier kube-admin");
  });

  describe("get and tiers", () => {
    it("refuses a tier that is not there", () =>
      assert.rejects(ask("get", demo, "--tier", "secuirty"), {
        code: "USAGE",
        message: 'there is no tier "secuirty" here; did you mean security?',
      }));

    it("lists policies in the order in which they are asked", async () => {
      const { text } = await ask("get", "--objects", demo, "-o", "name");
      assert.match(
        text,
        /^gnp:platform\.metadata\n[\s\S]*gnp:security\.quarantine\n[\s\S]*np:prod-shop\/app\.cart\n[\s\S]*knp:/,
      );
    });

    it("tells how many pods and host endpoints each is about", async () => {
      const { text } = await ask("get", "--objects", demo, "--tier", "security", "-o", "json");
      const counts = (JSON.parse(text) as { name: string; pods: number; hostEndpoints: number }[]).map(
        ({ name, pods, hostEndpoints }) => [name, pods, hostEndpoints],
      );
      assert.deepEqual(counts, [
        ["security.quarantine", 0, 0],
        ["security.dev-not-to-prod", 2, 0],
        ["security.prod-not-from-dev", 6, 0],
        ["security.payments", 2, 0],
        ["security.prod-nodes-not-from-dev", 0, 1],
      ]);
    });

    it("draws the tiers from the first to the last, with what goes on between them", async () => {
      const { text } = await ask("tiers", "--objects", demo);
      const words = text.split("\n").filter((line) => /^[┌▼]/.test(line));
      assert.deepEqual(words.slice(0, 5), [
        "┌ tier platform, order 100",
        "▼ what no rule matched goes on",
        "┌ tier security, order 200",
        "▼ what no rule matched goes on",
        "┌ tier app, order 300",
      ]);
    });

    it("marks a tier that nobody made", async () => {
      const path = folder({ "p.yaml": policy("a", "{ tier: nowhere, selector: all() }") });
      assert.match((await ask("tiers", "--objects", path)).text, /tier nowhere, last {2}! nobody made this tier/);
    });
  });

  describe("explain", () => {
    const cases: readonly { title: string; name: string; says: readonly RegExp[] }[] = [
      {
        title: "says whom a policy is about, and each rule as a sentence",
        name: "security.payments",
        says: [
          /^GlobalNetworkPolicy security\.payments\n {2}stands in tier security \(order 200\), order 40, number 4 there\n/,
          /is about pods with namespace label pci == "true": 2 just now\n {4}payments\/gateway-/,
          /0\. allow TCP from pods with namespace label env == "prod" and payments-access == "true" to port 8443/,
          /1\. pass to the next tier: everything from pods with namespace label pci == "true"\n/,
          /what no rule of the tier matches goes on/,
        ],
      },
      {
        title: "finds a policy by a step of a flow record",
        name: "0|app|np:prod-shop/app.cart|deny|-1",
        says: [/^NetworkPolicy prod-shop/],
      },
      { title: "finds it by namespace and name", name: "prod-web/app.web", says: [/port "http"/] },
    ];
    for (const { title, name, says } of cases)
      it(title, async () => {
        const { text } = await ask("explain", "--objects", demo, name);
        for (const part of says) assert.match(text, part);
      });

    const shadows: readonly { title: string; text: string; says: RegExp }[] = [
      {
        title: "what a rule that matches everything keeps from being asked",
        text:
          policy(
            "a",
            "{ order: 1, selector: all(), types: [Ingress], ingress: [{ action: Allow }, { action: Deny }] }",
          ) + policy("b", "{ order: 2, selector: all(), types: [Ingress] }"),
        says: /in its shadow:\n {4}ingress rule 1 is never reached.*\n {4}GlobalNetworkPolicy b is not asked about ingress of 2 endpoints: ingress rule 0 matches everything\n$/,
      },
      {
        title: "which later tier a default of deny keeps from being asked",
        text:
          `${policy("app", "{ order: 5, defaultAction: Deny }", "Tier")}` +
          policy("a", "{ tier: app, selector: app == 'web', types: [Egress] }") +
          policy("b", "{ selector: all(), types: [Egress] }"),
        says: /GlobalNetworkPolicy b is not asked about egress of 1 endpoint: tier app denies by default\n$/,
      },
    ];
    for (const { title, text, says } of shadows)
      it(`tells ${title}`, async () => {
        const path = folder({ "p.yaml": text + people });
        assert.match((await ask("explain", "--objects", path, "a")).text, says);
      });

    it("keeps silent about a shadow from which something may pass", async () => {
      const passing =
        "{ selector: all(), types: [Ingress], ingress: [{ action: Pass, protocol: TCP }, { action: Deny }] }";
      const text = `${policy("app", "{ order: 5, defaultAction: Deny }", "Tier")}${policy("a", passing.replace("{", "{ tier: app,"))}`;
      const path = folder({ "p.yaml": text + policy("b", "{ selector: all() }") + people });
      assert.doesNotMatch((await ask("explain", "--objects", path, "a")).text, /shadow/);
    });

    for (const [title, name, message] of [
      ["a policy that is not there, with one of a like name", "quarantine", /did you mean gnp:security\.quarantine\?/],
      ["a misspelt name", "securty.paymnts", /did you mean security\.payments\?/],
      ["a name that nothing is like", "zzz", /there is no policy "zzz" here$/],
    ] as const)
      it(`refuses ${title}`, () => assert.rejects(ask("explain", "--objects", demo, name), { code: "USAGE", message }));
  });

  describe("test", () => {
    const cases: readonly { title: string; one: string; code: number; says: RegExp }[] = [
      {
        title: "passes what is as expected",
        one: "{ from: prod-web/web, to: prod-shop/cart, port: 8080, expect: allow, by: app.cart, tier: app }",
        code: 0,
        says: /^✓ prod-web\/web -> prod-shop\/cart TCP 8080: allow\n$/,
      },
      {
        title: "takes a Service, and a title",
        one: "{ name: dev stays out, from: dev-shop/web, to: service:prod-shop/cart, port: 80, expect: deny, tier: security }",
        code: 0,
        says: /^✓ dev stays out\n$/,
      },
      {
        title: "shows what was expected and what decided instead",
        one: "{ from: dev-shop/web, to: prod-shop/cart, port: 80, expect: allow }",
        code: 3,
        says: /^✗ .*\n {4}expected allow\n {4}got {6}deny: GlobalNetworkPolicy security\.dev-not-to-prod, rule 0 \(dev-shop\/web-/,
      },
      {
        title: "fails where the verdict is right and another policy decides",
        one: "{ from: dev-shop/web, to: prod-shop/cart, port: 80, expect: deny, by: app.cart }",
        code: 3,
        says: /expected deny by app\.cart\n {4}got {6}deny: GlobalNetworkPolicy security\.dev-not-to-prod/,
      },
      {
        title: "fails a case about a pod that is not there, and goes on",
        one: "{ from: dev-shop/nobody, to: prod-shop/cart, port: 80, expect: deny }",
        code: 3,
        says: /got {6}"dev-shop\/nobody" is no pod/,
      },
    ];
    for (const { title, one, code, says } of cases)
      it(title, async () => {
        const file = join(folder({ "t.yaml": `objects: ${demo}\ncases:\n  - ${one}\n` }), "t.yaml");
        const answer = await ask("test", file);
        assert.match(answer.text, says);
        assert.equal(answer.code, code);
      });

    it("holds the demo's policies to what they promise", async () => {
      const { text, code } = await ask("test", join(demo, "../demo-policies.test.yaml"));
      assert.equal(code, 0, text);
    });

    it("writes JUnit that holds names of any kind", async () => {
      const cases = `
        - { name: 'a <b> & "c"', from: dev-shop/web, to: prod-shop/cart, port: 80, expect: allow }
        - { name: nobody, from: dev-shop/nobody, to: prod-shop/cart, port: 80, expect: allow }
        - { name: yes it is, from: dev-shop/web, to: prod-shop/cart, port: 80, expect: deny }`;
      const path = folder({ "t.yaml": `cases:${cases}\n` });
      const { code } = await ask("test", join(path, "t.yaml"), "--objects", demo, "--junit", join(path, "j.xml"));
      const xml = readFileSync(join(path, "j.xml"), "utf8");
      assert.equal(code, 3);
      assert.match(xml, /<testsuites tests="3" failures="1" errors="1">/);
      assert.match(xml, /<testcase name="a &lt;b&gt; &amp; &quot;c&quot;"/);
      assert.match(
        xml,
        /<failure message="deny: GlobalNetworkPolicy[\s\S]*<error message="&quot;dev-shop\/nobody&quot; is no pod/,
      );
      assert.match(xml, /<testcase name="yes it is" classname="[^"]*"\/>/);
    });

    it("asks the staged policies where told to", async () => {
      const staged = "{ selector: app == 'db', types: [Ingress], stagedAction: Set }";
      const path = folder({
        "p.yaml": policy("closed", staged, "StagedGlobalNetworkPolicy") + people,
        "t.yaml": "cases:\n  - { from: shop/web, to: shop/db, port: 1, expect: deny, by: sgnp:closed }\n",
      });
      assert.equal((await ask("test", join(path, "t.yaml"), "--objects", path, "--pending")).code, 0);
      assert.equal((await ask("test", join(path, "t.yaml"), "--objects", path)).code, 3);
    });

    const bad: readonly [title: string, text: string, message: RegExp][] = [
      [
        "several faults",
        "cases: [{ from: a, too: b, port: 1, expect: maybe }]",
        /cases\[0\]\.to: is missing; cases\[0\]\.expect: "maybe" is none of allow, deny; cases\[0\]\.too: .*misspelt/,
      ],
      ["a verdict that is none", "cases: [{ from: a, to: b, expect: maybe }]", /cases\[0\]\.expect/],
      ["no cases", "cases: []", /tests nothing/],
      ["no YAML", "a: [", /line \d/],
      ["nothing", "", /is empty|the file/],
      ["several documents", "cases: [{ from: a, to: b, expect: deny }]\n---\na: 1", /several documents/],
    ];
    for (const [title, text, message] of bad)
      it(`refuses a file with ${title}`, () =>
        assert.rejects(ask("test", join(folder({ "t.yaml": text }), "t.yaml"), "--objects", demo), {
          code: "MANIFEST_INVALID",
          message,
        }));

    it("refuses a file that is not there", () =>
      assert.rejects(ask("test", "/nowhere/t.yaml"), { code: "USAGE", message: /cannot be read/ }));
  });

  describe("impact and import-check", () => {
    const closed = policy("closed", "{ selector: app == 'db', types: [Ingress] }") + people;
    const end = (name: string, app: string) => ({ ...pod(`shop/${name}`, { app }), workload: app });
    const recorded = (rim: FakeRim) => {
      const between = { source: end("web-1", "web"), destination: end("db-1", "db") };
      rim.held.flows.push(flow(between), flow({ ...between, seq: 1 }), flow({ ...between, source: unknown, seq: 2 }));
      return rim;
    };

    it("prints pairs that would be denied, and what is uncertain", async () => {
      const rim = recorded(new FakeRim());
      const text = await run(policyCommand, rim, "impact", folder({ "p.yaml": closed }));
      assert.match(
        text,
        /✗ DENIED +shop\/web +shop\/db +TCP port 8080 +2 +5\.0 kB +default of tier default \(GlobalNetworkPolicy closed/,
      );
      assert.match(text, /\? UNCERTAIN +10\.1\.0\.5 +shop\/db +TCP port 8080 +1 .*\? who 10\.1\.0\.5 was/);
      assert.equal(rim.notes.at(-1), "3 flows: 0 as before, 2 newly denied, 0 newly allowed, 1 uncertain");
      assert.equal(rim.code, 3);
      assert.ok(rim.isClosed);
    });

    it("takes the flags of flows", async () => {
      const rim = recorded(new FakeRim());
      await run(
        policyCommand,
        rim,
        "impact",
        folder({ "p.yaml": closed }),
        "--since",
        "2030-01-01",
        "--until",
        "2031-01-01",
      );
      assert.equal(rim.notes.at(-1), "no recorded flows in that time");
      assert.equal(rim.code, 0);
    });

    const found: readonly { title: string; text: string; says: RegExp }[] = [
      {
        title: "fields that are not known",
        text: policy("a", "{ selector: all(), brandNew: 1 }"),
        says: /✗ NONE +projectcalico\.org\/v3\/GlobalNetworkPolicy\/a +spec\.brandNew/,
      },
      {
        title: "settings that have another place",
        text: policy("default", "{ bpfEnabled: true }", "FelixConfiguration"),
        says: /- ELSEWHERE +projectcalico\.org\/v3\/FelixConfiguration\/default/,
      },
      {
        title: "policies of other products",
        text: "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: { name: a, namespace: b }\n",
        says: /✗ NONE +cilium\.io\/v2\/CiliumNetworkPolicy\/b\/a .*policy of Cilium/,
      },
      {
        title: "Calico's own storage",
        text: "apiVersion: crd.projectcalico.org/v1\nkind: GlobalNetworkPolicy\nmetadata: { name: a }\n",
        says: /export it as projectcalico\.org\/v3/,
      },
      {
        title: "rules that ask for HTTP",
        text: policy("a", "{ ingress: [{ action: Allow, protocol: TCP, http: { methods: [GET] } }] }"),
        says: /! IN PART +projectcalico\.org\/v3\/GlobalNetworkPolicy\/a +spec\.ingress\[0\] +http cannot be enforced: it matches nothing/,
      },
      {
        title: "domains of network sets",
        text: policy("a", "{ allowedEgressDomains: [example.com] }", "GlobalNetworkSet"),
        says: /! IN PART +projectcalico\.org\/v3\/GlobalNetworkSet\/a +spec\.allowedEgressDomains/,
      },
    ];
    for (const { title, text, says } of found)
      it(`import-check finds ${title}`, async () =>
        assert.match((await ask("import-check", folder({ "p.yaml": text }))).text, says));

    it("import-check with --since tells which recorded flows would be denied", async () => {
      const rim = recorded(new FakeRim());
      const text = await run(
        policyCommand,
        rim,
        "import-check",
        folder({ "p.yaml": closed }),
        "--since",
        "1h",
        "-o",
        "json",
      );
      assert.deepEqual(JSON.parse(text), [
        {
          type: "difference",
          effect: "denies",
          object: "shop/web -> shop/db, TCP port 8080",
          field: null,
          reason: "2 recorded flows would be denied: default of tier default (GlobalNetworkPolicy closed applies)",
        },
      ]);
      assert.equal(rim.code, 3);
    });

    it("import-check finds nothing in the demo", async () => {
      const { text, code, notes } = await ask("import-check", demo);
      assert.equal(`${text} ${code} ${notes}`, " 0 all of it is enforced here");
    });
  });
});

import assert from "node:assert/strict";
import { flowsCommand } from "../../bin/commands/flows.ts";
import { pairsCommand } from "../../bin/commands/pairs.ts";
import { policyGetCommand } from "../../bin/commands/policy-get.ts";
import { topCommand } from "../../bin/commands/top.ts";
import { traceCommand } from "../../bin/commands/trace.ts";
import { formatNames } from "../../bin/formats/format.ts";
import { parseAddress } from "../../core/address.ts";
import { fields } from "../../core/filter/fields.ts";
import type { Flow } from "../../core/records/flow.ts";
import { apply, manifestOf } from "../support/apply.ts";
import { flow, network, pod, seconds } from "../support/flows.ts";
import { needsApiServer } from "../support/needs-api-server.ts";
import { bound, clusterRole, namespaceObject, type Rule } from "../support/rbac.ts";
import { until } from "../support/until.ts";
import { FakeRim, run } from "./fake-rim.ts";

const shop = pod("shop/web-1", { app: "web" }, "node-1");
const bank = { ...pod("bank/vault-secret1", { secretkey: "secretvalue" }, "secretnode"), uid: "secretuid" };
const hidden = parseAddress("10.66.6.6");
const steps = { egress: "0|app|np:shop/app.web|allow|0", ingress: "0|app|np:bank/app.secretpolicy|allow|0" };
const flows: readonly Flow[] = [
  flow({
    ...{ seq: 0, source: shop, destination: bank, destinationAddress: hidden, node: "secretnode", reporter: "dst" },
    ...{ enforced: [steps.egress, steps.ingress], pending: [steps.egress, steps.ingress], outInterface: "secretif" },
    service: { namespace: "bank", name: "secretservice", port: "secretport" },
  }),
  flow({
    ...{ seq: 1, source: bank, sourceAddress: hidden, destination: shop, destinationDomain: "secret.shop.svc" },
    ...{ node: "node-1", reporter: "dst", inInterface: "secretif", start: seconds(1) },
    nat: { destinationAddress: hidden, destinationPort: 80, sourceAddress: hidden, sourcePort: 1 },
  }),
  flow({ seq: 2, source: bank, sourceAddress: hidden, destination: network, start: seconds(2) }),
  flow({
    seq: 3,
    source: shop,
    destination: network,
    destinationDomain: "example.com",
    node: "node-1",
    start: seconds(3),
  }),
].map((one) => ({ ...one, packets: one.seq }));
const secrets = /secret|10\.66\.6\.6/;

describe("what somebody may read of flows by RBAC", function () {
  this.timeout(60_000);
  const users = ["ann", "bob", "aud", "lister"].map((name) => ({ name, groups: [] }));
  const server = needsApiServer({ users });
  const core = (resources: readonly string[], verbs: readonly string[]): Rule => ({
    apiGroups: [""],
    resources,
    verbs,
  });

  before(() =>
    apply(server(), [
      ...manifestOf("roles/parts.yaml"),
      ...["shop", "bank", "prod-web", "prod-shop"].map(namespaceObject),
      bound("sluice-flows-view", "user:ann", "shop"),
      bound("sluice-flows-view", "user:ann", "prod-web"),
      bound("sluice-flows-view", "group:web-team", "shop"),
      bound("sluice-flows-view", "user:aud"),
      clusterRole("lister", core(["namespaces"], ["list"])),
      bound("lister", "user:lister"),
      ...["sluice-policies-view", "sluice-tier-security-edit"].map((role) => bound(role, "user:sec")),
      ...["sluice-policies-view", "sluice-tier-app-edit"].map((role) => bound(role, "user:shopper", "prod-shop")),
      bound("sluice-tier-app-get", "user:shopper"),
      bound("sluice-flows-view", "user:lister", "shop"),
    ]),
  );

  const filled = () => {
    const rim = new FakeRim();
    rim.held.flows.push(...flows);
    return rim;
  };
  const as = (...who: readonly string[]) => ["--kubeconfig", server().kubeconfig(), "--as", ...who];
  const self = (user: string) => ["--kubeconfig", server().kubeconfig(user), "--access", "cluster"];
  /** Which of the flows they are: numbers are hidden where the node is. */
  const numbers = (text: string) => [...text.matchAll(/"packets":(\d+)/g)].map(([, packets]) => Number(packets));

  const readers: readonly (readonly [title: string, args: () => readonly string[], expected: readonly number[]])[] = [
    ["whom a RoleBinding names, what has an end there", () => as("ann"), [0, 1, 3]],
    ["a group, as its member", () => as("bob", "--as-group", "web-team"), [0, 1, 3]],
    ["whom a ClusterRoleBinding names, everything", () => as("aud"), [0, 1, 2, 3]],
    ["system:masters, everything", () => as("root", "--as-group", "system:masters"), [0, 1, 2, 3]],
    ["the user of the kubeconfig who may read all", () => self("aud"), [0, 1, 2, 3]],
    ["the user of the kubeconfig who may list namespaces", () => self("lister"), [0, 1, 3]],
    ["the user of the kubeconfig who names one", () => [...self("ann"), "-n", "shop"], [0, 1, 3]],
    ["the user of the kubeconfig who names one of others too", () => [...self("ann"), "-n", "shop,bank"], [0, 1, 3]],
  ];
  for (const [title, args, expected] of readers)
    it(`shows ${title}`, async () => {
      assert.deepEqual(numbers(await run(flowsCommand, filled(), "-o", "jsonl", ...args())), expected);
    });

  const refused: readonly (readonly [title: string, args: () => readonly string[], says: RegExp])[] = [
    ["who may read nothing", () => as("bob"), /user "bob" may read the flows of no namespace/],
    ["who may not list namespaces and names none", () => self("ann"), /name those that are meant, by --namespace/],
    ["who names others only", () => [...self("ann"), "-n", "bank"], /may read the flows of no namespace/],
    [
      "who may not ask about others",
      () => ["--kubeconfig", server().kubeconfig("ann"), "--as", "aud"],
      /cannot create resource "subjectaccessreviews"/,
    ],
    ["a group of nobody", () => ["--as-group", "web-team"], /--as-group goes with --as/],
  ];
  for (const [title, args, says] of refused)
    it(`refuses ${title}`, async () => {
      await assert.rejects(run(flowsCommand, filled(), ...args()), says);
    });

  for (const format of formatNames)
    it(`tells ann nothing of others as ${format}`, async () => {
      for (const command of [flowsCommand, pairsCommand]) {
        const text = await run(command, filled(), "-o", format, ...as("ann"));
        assert.notEqual(text, "");
        assert.doesNotMatch(text, secrets);
      }
    });

  it("tells ann nothing of others as top of any field", async () => {
    for (const field of Object.keys(fields)) {
      const name = fields[field as keyof typeof fields].type === "labels" ? `${field}.secretkey` : field;
      assert.doesNotMatch(
        await run(topCommand, filled(), name, "-o", "csv", "--no-headers", ...as("ann")),
        secrets,
        name,
      );
    }
  });

  it("calls the others by namespace and workload in tables", async () => {
    const table = await run(flowsCommand, filled(), ...as("ann"));
    assert.match(table, /shop\/web-1 +→ bank\/vault:8080/);
    assert.match(table, /bank\/vault +→ shop\/web-1:8080/);
    assert.match(table, /policies not shown/);
  });

  for (const filter of [
    "dst.pod = vault-secret1",
    "dst.labels.secretkey = secretvalue",
    "ip = 10.66.6.6",
    "policy ~ *secretpolicy",
    "service = secretservice",
    "domain ~ secret*",
    "node = secretnode",
  ])
    it(`finds nothing for ann by ${filter}`, async () => {
      assert.equal(await run(flowsCommand, filled(), "--filter", filter, "-o", "jsonl", ...as("ann")), "");
      assert.deepEqual(
        numbers(await run(flowsCommand, filled(), "--filter", `not ${filter}`, "-o", "jsonl", ...as("ann"))),
        [0, 1, 3],
      );
    });

  it("follows: what ann sees, each once, as long as she may", async () => {
    const rim = filled();
    const gained = bound("sluice-flows-view", "user:ann", "dev");
    const done = run(flowsCommand, rim, "-o", "jsonl", "--follow", "--since", "5m", ...as("ann"));
    const pass = async (ms: number) => {
      await until("the command to wait", () => rim.clock.sleeping > 0);
      await rim.clock.advance(ms);
    };
    await pass(500);
    // Two nodes that she may not see, whose collectors began at the same moment and count alike.
    for (const name of ["a", "b"])
      rim.held.flows.push(flow({ ...(flows[0] as Flow), packets: 9, node: `secret${name}` }));
    rim.held.flows.push(flow({ packets: 10, source: bank, destination: pod("dev/x-1"), start: seconds(4) }));
    await pass(500);
    await apply(server(), [namespaceObject("dev"), gained]);
    await until("the right to count", async () => {
      await pass(11_000);
      return numbers(rim.stdout.text).includes(10);
    });
    await until("the command to wait", () => rim.clock.sleeping > 0);
    rim.stop.abort();
    await done;
    assert.deepEqual(numbers(rim.stdout.text), [0, 1, 3, 9, 9, 10]);
    assert.doesNotMatch(rim.stdout.text, secrets);
  });

  const policies = async (...args: readonly string[]) =>
    (await run(policyGetCommand, new FakeRim(), "lab/demo", "-o", "name", ...args)).trim().split("\n");

  it("shows the policies of the tiers that somebody may read", async () => {
    const all = await policies();
    assert.deepEqual(await policies(...as("root", "--as-group", "system:masters")), all);
    assert.deepEqual(await policies(...as("bob")), [""]);
    assert.deepEqual(
      await policies(...as("sec")),
      all.filter((name) => /\bsecurity\./.test(name)),
    );
    assert.deepEqual(
      await policies(...as("shopper")),
      all.filter((name) => /^np:prod-shop\/app\./.test(name)),
    );
  });

  const trace = async (rim: FakeRim, ...args: readonly string[]) => {
    const who = ["--kubeconfig", server().kubeconfig(), "--as", "ann"];
    return run(traceCommand, rim, "--objects", "lab/demo", ...args, ...who);
  };

  for (const format of ["text", ...formatNames])
    it(`a trace shows of the other end its namespace, workload and verdict as ${format}`, async () => {
      const text = await trace(
        new FakeRim(),
        "--from",
        "prod-web/web",
        "--to",
        "prod-shop/cart",
        "--port",
        "8080",
        "-o",
        format,
      );
      assert.match(text, /prod-shop\/cart\b/);
      assert.doesNotMatch(text, /cart-[a-z0-9]|app\.cart|does not match/);
    });

  it("a trace shows their own end's policies", async () => {
    const text = await trace(new FakeRim(), "--from", "prod-web/web", "--to", "prod-shop/cart", "--port", "8080");
    assert.match(text, /egress of prod-web\/web-/);
    assert.match(text, /tier \w+: /);
    assert.match(text, /ingress of prod-shop\/cart:\n +1\. policies that are not shown: (allow|deny)/);
  });

  const byAddress: readonly (readonly [title: string, address: string, says: RegExp])[] = [
    ["another's pod", "10.244.1.4", /-> 10\.244\.1\.4 /],
    ["their own pod", "10.244.2.3", /-> prod-web\/web-/],
    ["another's Service", "10.96.0.21", /-> 10\.96\.0\.21 /],
  ];
  for (const [title, address, says] of byAddress)
    it(`a trace to the address of ${title} does not tell whose it is unless it is seen`, async () => {
      for (const format of ["text", ...formatNames]) {
        const asked = ["--from", "prod-web/web", "--to", address, "--port", "80", "-o", format];
        const text = await trace(new FakeRim(), ...asked);
        assert.doesNotMatch(text, /cart|prod-shop/);
        if (format === "text") assert.match(text, says);
      }
    });

  const untold = [
    [
      "between others",
      ["--from", "prod-shop/cart", "--to", "prod-shop/catalog", "--port", "1"],
      /neither end is in a namespace/,
    ],
    ["between addresses", ["--from", "10.1.1.1", "--to", "10.1.1.2", "--port", "1"], /neither end is in a namespace/],
    [
      "to what is not there, without telling what is",
      ["--from", "prod-web/web", "--to", "prod-shop/c", "--port", "1"],
      /^one of the ends is no pod/,
    ],
  ] as const;
  for (const [title, args, says] of untold)
    it(`refuses a trace ${title}`, async () => {
      await assert.rejects(trace(new FakeRim(), ...args), ({ message }: Error) => says.test(message));
    });
});

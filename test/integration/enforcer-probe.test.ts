import assert from "node:assert/strict";
import type { KubeObject } from "../../core/kube/objects.ts";
import { namespacePath } from "../../core/netlink/namespace.ts";
import { probeInterface } from "../../core/probe.ts";
import { diff } from "../../enforcer/diff.ts";
import { type NftAccess, openNft } from "../../enforcer/nft-open.ts";
import { judgeProbe } from "../../enforcer/probe.ts";
import { KernelProof } from "../../enforcer/proof-kernel.ts";
import { render } from "../../enforcer/render.ts";
import { World } from "../../policy/world.ts";
import { deleteNamespace, makeNamespace, runIn } from "../support/namespace.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { program } from "../support/program.ts";
import { viewOf } from "../support/render-all.ts";

const placement = program().placement();
const { ruleset } = render(program().program(), placement, viewOf(placement, "a", ["10.1.0.0/24"]));

const base = (hook: string, priority: number) =>
  `add chain inet foreign c { type filter hook ${hook} priority ${priority}; policy accept; }`;

/** What somebody does to the node, and what a probe then says. */
const cases: readonly {
  readonly title: string;
  readonly commands: readonly string[];
  readonly state: "enforcing" | "not-enforceable";
  readonly says: RegExp;
}[] = [
  { title: "nobody touched", commands: [], state: "enforcing", says: /^$/ },
  {
    title: "the table is gone",
    commands: ["flush ruleset"],
    state: "not-enforceable",
    says: /no table of ours.*forward-denied went through/,
  },
  {
    title: "the table sleeps",
    commands: ["add table inet sluice { flags dormant; }"],
    state: "not-enforceable",
    says: /forward-denied did not meet our rules in chain egress_forward.*output-denied went through/,
  },
  {
    title: "one base chain was emptied",
    commands: ["flush chain inet sluice ingress_output"],
    state: "not-enforceable",
    says: /^packet output-allowed did not meet our rules in chain ingress_output[^;]*; packet output-denied did not/,
  },
  {
    title: "somebody accepts everything before our rules",
    commands: ["insert rule inet sluice egress_forward accept"],
    state: "not-enforceable",
    says: /forward-denied did not meet our rules in chain egress_forward/,
  },
  {
    title: "somebody does not track connections",
    commands: ["add table inet foreign", base("prerouting", -300), "add rule inet foreign c notrack"],
    state: "not-enforceable",
    says: /connections are not tracked/,
  },
  {
    title: "somebody drops before our rules",
    commands: ["add table inet foreign", base("forward", -150), "add rule inet foreign c drop"],
    state: "not-enforceable",
    says: /forward-allowed did not meet our rules/,
  },
  {
    title: "another firewall drops behind our rules",
    commands: ["add table inet foreign", base("forward", 0), "add rule inet foreign c drop"],
    state: "enforcing",
    says: /^packet forward-allowed was dropped at hook forward or behind it, though our rules allow it/,
  },
  {
    title: "another firewall masquerades",
    commands: [
      "add table inet foreign",
      "add chain inet foreign c { type nat hook postrouting priority 100; }",
      "add rule inet foreign c masquerade",
    ],
    state: "enforcing",
    says: /^$/,
  },
];

describe("a probe of the node's rules", function () {
  this.timeout(20_000);
  needsKernel("nft");
  let [name, path] = ["", ""];
  let access: NftAccess;
  const proof = new KernelProof();
  before(async () => {
    name = makeNamespace("probe");
    path = namespacePath(name);
    runIn(name, "ip", "address", "add", "192.0.2.1/32", "dev", "lo");
    access = await openNft();
  });
  beforeEach(async () => {
    runIn(name, "nft", "flush ruleset");
    await access.in(path).apply(diff(undefined, ruleset));
  });
  after(async () => {
    await proof.close();
    await access?.close();
    if (name !== "") deleteNamespace(name);
  });

  for (const { title, commands, state, says } of cases)
    it(`says ${state} where ${title}`, async () => {
      for (const command of commands) runIn(name, "nft", command);
      const sighting = await proof.in(path).probe();
      const result = judgeProbe(sighting);
      assert.equal(result.state, state, JSON.stringify({ result, arrived: sighting.arrived }));
      assert.match([...result.faults, ...result.notes].join("; "), says);
    });

  it("sees all three hooks, and passes again once the rules are back", async () => {
    const { sent, arrived } = await proof.in(path).probe();
    assert.equal(sent.length, 7);
    assert.deepEqual(arrived, ["forward-allowed", "forward-reply", "output-allowed", "input-reply"]);
  });

  it("is inconclusive where the rules are replaced meanwhile", async () => {
    const { before, after, ...rest } = await proof.in(path).probe();
    assert.equal(judgeProbe({ ...rest, before: after, after: before }).state, "inconclusive");
  });

  it("proves it as well where host endpoints deny everything at every hook", async () => {
    const object = (kind: string, name: string, spec: object) =>
      ({ apiVersion: "projectcalico.org/v3", kind, metadata: { name, labels: { host: "yes" } }, spec }) as KubeObject;
    const closing = { selector: "host == 'yes'", ingress: [{ action: "Deny" }], egress: [{ action: "Deny" }] };
    const world = new World();
    world.apply(
      [
        { apiVersion: "v1", kind: "Node", metadata: { name: "a" } } as KubeObject,
        object("HostEndpoint", "a", { node: "a", interfaceName: "*" }),
        object("GlobalNetworkPolicy", "all", closing),
        object("GlobalNetworkPolicy", "forward", { ...closing, applyOnForward: true }),
        object("GlobalNetworkPolicy", "dnat", {
          ...{ selector: "host == 'yes'", types: ["Ingress"], ingress: [{ action: "Deny" }] },
          ...{ applyOnForward: true, preDNAT: true },
        }),
      ].map((one) => ({ type: "upsert", object: one })),
    );
    const placement = world.placement();
    const { ruleset } = render(world.program(), placement, viewOf(placement, "a", ["10.1.0.0/24"]));
    const hooks = [...ruleset.chains.values()].flatMap(({ name, base }) => (base === null ? [] : [name as string]));
    for (const chain of ["host_input_input", "host_output_postrouting", "host_pre_dnat_prerouting"])
      assert.ok(hooks.includes(chain), hooks.join());
    await access.in(path).apply(diff(undefined, ruleset));
    const sighting = await proof.in(path).probe();
    assert.deepEqual(judgeProbe(sighting), { state: "enforcing", faults: [], notes: [] });
    assert.equal(sighting.sent.length, 7);
  });

  it("leaves no interface, route or address behind", async () => {
    const own = new KernelProof();
    const other = makeNamespace("probed");
    try {
      await access.in(namespacePath(other)).apply(diff(undefined, ruleset));
      // No address but those of lo: nobody can answer, so the hook input is not asked.
      const { sent, arrived } = await own.in(namespacePath(other)).probe();
      assert.deepEqual([sent.length, arrived.length], [5, 3]);
      assert.match(runIn(other, "ip", "route"), new RegExp(`198.18.254.0/29 dev ${probeInterface}`));
      await own.close();
      assert.equal(runIn(other, "ip", "route"), "");
      assert.doesNotMatch(runIn(other, "ip", "link"), new RegExp(probeInterface));
    } finally {
      await own.close();
      deleteNamespace(other);
    }
  });
});

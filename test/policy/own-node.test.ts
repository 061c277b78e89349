import assert from "node:assert/strict";
import { effectOf } from "../../policy/effect.ts";
import { effectText } from "../../policy/effect-text.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import { explainList, ruleTitle } from "../../policy/explain.ts";
import type { ProgramSettings } from "../../policy/program-settings.ts";
import { parseProgramText, programText } from "../../policy/program-text.ts";
import { replayerOf } from "../../policy/replay.ts";
import { traceOf } from "../../policy/trace.ts";
import { flow, nodeEndpoint, pod } from "../support/flows.ts";
import { packet, type WorldBuilder, world } from "../support/world.ts";

// What a pod may send to its own node, as an operator sets it. Pods web and db are on node a, whose host endpoint `edge` is about all interfaces.

const nodeA = "172.18.0.1";
const nodeB = "172.18.0.2";

function shop(settings: ProgramSettings): WorldBuilder {
  return world()
    .settings(settings)
    .namespace("shop")
    .node("node-a", nodeA)
    .node("node-b", nodeB)
    .pod("shop/web-1", { app: "web" })
    .pod("shop/db-1", { app: "db" });
}

const closed = (builder: WorldBuilder) =>
  builder.host("edge", { node: "node-a", interfaceName: "*", expectedIPs: [nodeA] }, { role: "edge" });
const preDnat = (action: string) => (builder: WorldBuilder) =>
  closed(builder).global("pre", {
    ...{ selector: "role == 'edge'", preDNAT: true, applyOnForward: true },
    ingress: [{ action, protocol: "TCP", destination: { ports: [9100] } }],
  });
const egress = (builder: WorldBuilder) =>
  builder.policy("shop/web", { selector: "app == 'web'", types: ["Egress"], egress: [{ action: "Deny" }] });
const asItIs = (builder: WorldBuilder) => builder;

interface Row {
  readonly title: string;
  readonly podToHost: ProgramSettings["podToHost"];
  readonly given: (builder: WorldBuilder) => WorldBuilder;
  readonly sent: string;
  /** The action, and who decided it. */
  readonly is: string;
}

const setting = (action: string) => `the setting podToHost (${action})`;
const rows: readonly Row[] = [
  {
    title: "deny: is denied, also without host endpoints",
    ...{ podToHost: "deny", given: asItIs, sent: `shop/web-1 -> ${nodeA} tcp/9100`, is: `deny ${setting("deny")}` },
  },
  {
    title: "deny: at failsafe ports as well",
    ...{ podToHost: "deny", given: closed, sent: `shop/web-1 -> ${nodeA} tcp/22`, is: `deny ${setting("deny")}` },
  },
  {
    title: "deny: what preDNAT allows as well",
    podToHost: "deny",
    given: preDnat("Allow"),
    ...{ sent: `shop/web-1 -> ${nodeA} tcp/9100`, is: `deny ${setting("deny")}` },
  },
  {
    title: "deny: says nothing about another node",
    ...{ podToHost: "deny", given: asItIs, sent: `shop/web-1 -> ${nodeB} tcp/9100` },
    is: "allow no policy, allowed by default",
  },
  {
    title: "deny: says nothing about another pod of the node",
    ...{ podToHost: "deny", given: asItIs, sent: "shop/web-1 -> shop/db-1 tcp/9100" },
    is: "allow no policy, allowed by default",
  },
  {
    title: "deny: says nothing about what comes from elsewhere",
    ...{ podToHost: "deny", given: asItIs, sent: `8.8.8.8 -> ${nodeA} tcp/9100`, is: "allow nobody" },
  },
  {
    title: "allow: host endpoints are not asked",
    ...{ podToHost: "allow", given: closed, sent: `shop/web-1 -> ${nodeA} tcp/9100`, is: `allow ${setting("allow")}` },
  },
  {
    title: "allow: but for what preDNAT denies",
    podToHost: "allow",
    given: preDnat("Deny"),
    ...{ sent: `shop/web-1 -> ${nodeA} tcp/9100`, is: "deny GlobalNetworkPolicy pre, rule 0" },
  },
  {
    title: "allow: not before the pod's own egress policy",
    podToHost: "allow",
    given: egress,
    ...{ sent: `shop/web-1 -> ${nodeA} tcp/9100`, is: "deny NetworkPolicy shop/web, rule 0" },
  },
  {
    title: "policy: is up to host endpoints",
    ...{ podToHost: "policy", given: closed, sent: `shop/web-1 -> ${nodeA} tcp/9100` },
    is: "deny no policy, denied by default",
  },
];

describe("what a pod sends to its own node, by the setting podToHost", () => {
  for (const { title, podToHost, given, sent, is } of rows)
    it(title, () => {
      const builder = given(shop({ podToHost }));
      const current = builder.world();
      const program = current.program();
      const { action, egress: out, ingress, hosts } = evaluatorOf(program, current.placement())(packet(builder, sent));
      const decisive = [ingress, out, ...hosts].filter((path) => path?.action === action);
      const last = hosts.find(({ list }) => list === "toOwnNode") ?? decisive[0];
      const origin = last?.rule == null ? undefined : program.rules.get(last.rule);
      assert.equal(`${action} ${origin === undefined ? "nobody" : ruleTitle(origin)}`, is);
    });

  it("is told by traces in words", () => {
    const builder = shop({ podToHost: "deny" });
    const [program, placement] = [builder.world().program(), builder.world().placement()];
    const sent = packet(builder, `shop/web-1 -> ${nodeA} tcp/9100`);
    const { paths } = traceOf(program, placement)(sent);
    assert.deepEqual(
      paths.map(({ endpoint, list, outcome }) => [endpoint, list, outcome]),
      [
        ["pod:shop/web-1", "normal", "allow"],
        ["pod:shop/web-1", "toOwnNode", "deny"],
      ],
    );
    const words = paths.map((path) => explainList(path, program).map((stage) => stage.title)).at(-1);
    assert.deepEqual(words, ["pod to its own node is denied by the setting podToHost"]);
  });

  it("makes another revision, and is still there in a Program that was kept", () => {
    const [policy, deny] = (["policy", "deny"] as const).map((podToHost) => shop({ podToHost }).world().program());
    assert.ok(policy !== undefined && deny !== undefined);
    assert.notEqual(policy.revision, deny.revision);
    assert.deepEqual(parseProgramText(programText(deny)).applies, deny.applies);
  });

  it("bounds what a change opens: a node stays closed to its own pods", () => {
    const notToNode = (builder: WorldBuilder) =>
      builder.policy("shop/web", {
        ...{ selector: "app == 'web'", types: ["Egress"] },
        egress: [{ action: "Deny", destination: { nets: [`${nodeA}/32`] } }, { action: "Allow" }],
      });
    const effectWith = (settings: ProgramSettings) => {
      const situations = [notToNode(shop(settings)), shop(settings)].map((builder) => {
        const current = builder.world();
        return { program: current.program(), placement: current.placement() };
      });
      const [before, after] = situations;
      assert.ok(before !== undefined && after !== undefined);
      return effectText(effectOf(before, after, { limit: 50 }));
    };
    assert.match(effectWith({ podToHost: "policy" }), /^opens: .*shop.* -> .*node-a/);
    assert.match(effectWith({ podToHost: "allow" }), /^opens: .*shop.* -> .*node-a/);
    assert.match(effectWith({ podToHost: "deny" }), / what shop.web denied is still denied by the setting podToHost /);
  });

  for (const { podToHost, is } of [
    { podToHost: "deny", is: ["deny", "podToHost"] },
    { podToHost: "allow", is: ["allow", "podToHost"] },
    { podToHost: "policy", is: ["uncertain", undefined] },
  ] as const)
    it(`replay knows: ${podToHost}, with a closed host endpoint, is ${is[0]}`, () => {
      const builder = closed(shop({ podToHost }));
      const { source, destination } = packet(builder, `shop/web-1 -> ${nodeA} tcp/9100`);
      const current = builder.world();
      const judged = replayerOf({ program: current.program(), placement: current.placement() })(
        flow({
          ...{ sourceAddress: source, destinationAddress: destination, destinationPort: 9100 },
          ...{ source: pod("shop/web-1", { app: "web" }, "node-a"), destination: nodeEndpoint("node-a") },
        }),
      );
      assert.deepEqual([judged.after, judged.by?.name], is);
    });
});

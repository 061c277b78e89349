import assert from "node:assert/strict";
import fc from "fast-check";
import { parseAddress, parseCidr } from "../../core/address.ts";
import { concernOf, isConcerned } from "../../enforcer/concern.ts";
import type { Connection } from "../../enforcer/conntrack.ts";
import type { Enforced, Seat } from "../../enforcer/enforced.ts";
import { judgeOf } from "../../enforcer/revoke.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import type { EndpointId } from "../../policy/placement.ts";
import { World } from "../../policy/world.ts";
import { arbitraryChange } from "../support/arbitrary-changes.ts";
import { arbitraryPacket, arbitraryProgram, nodes } from "../support/arbitrary-program.ts";
import { connection, connectionOf } from "../support/connections.ts";
import { travel } from "../support/journey.ts";
import { inSet, instruction, type ProgramBuilder, ports, program } from "../support/program.ts";
import { renderAll } from "../support/render-all.ts";

// Node a: `closed` may neither send nor get, `open` is not subject to policy; node b: `far` may neither send nor get.
const closed = "10.1.0.1";
const open = "10.1.0.2";
const far = "10.2.0.1";
const service = "10.96.0.1";
const internet = "8.8.8.8";
const [nodeA, bridgeOfA] = ["192.0.2.1", "10.1.0.254"];
const noLinks = { own: new Map() };
const unknownOfA = "10.1.0.9";

function small(): ProgramBuilder {
  return program()
    .class("closed", { egress: [[[], instruction(1, "deny")]], ingress: [[[], instruction(2, "deny")]] })
    .node("a", nodeA)
    .node("b", "192.0.2.2")
    .pod("closed", "a", [closed], "closed")
    .pod("open", "a", [open])
    .pod("far", "b", [far], "closed");
}

function situationOf(builder: ProgramBuilder, podCidrs: readonly string[] = ["10.1.0.0/24"]): Enforced {
  return {
    program: builder.program(),
    placement: builder.placement(),
    podCidrs: podCidrs.map(parseCidr),
    links: noLinks,
  };
}

function seatOf(node: string, ...addresses: readonly string[]): Seat {
  return { node, localAddresses: new Set(addresses.map(parseAddress)), unknownEndpoints: "deny" };
}

const seatA = seatOf("a", nodeA, bridgeOfA);

describe("a connection", () => {
  const cases: readonly { readonly title: string; readonly of: Connection; readonly deniedBy: string | null }[] = [
    {
      title: "of a pod that may not send is denied by its egress policy",
      of: connection({ from: `${closed} 1000`, to: `${internet} 80` }),
      deniedBy: "egress",
    },
    {
      title: "to a pod that may not get is denied by its ingress policy",
      of: connection({ from: `${internet} 1000`, to: `${closed} 80` }),
      deniedBy: "ingress",
    },
    {
      title: "between pods of the node is denied at that of the two whose policy denies",
      of: connection({ from: `${open} 1000`, to: `${closed} 80` }),
      deniedBy: "ingress",
    },
    {
      title: "to a pod of another node is that node's to judge",
      of: connection({ from: `${open} 1000`, to: `${far} 80` }),
      deniedBy: null,
    },
    {
      title: "of a pod of another node, whose egress policy denies it, is that node's to judge",
      of: connection({ from: `${far} 1000`, to: `${open} 80` }),
      deniedBy: null,
    },
    {
      title: "of a pod of another node is judged by the ingress policy here, whatever its egress policy says there",
      of: connection({ from: `${far} 1000`, to: `${closed} 80` }),
      deniedBy: "ingress",
    },
    {
      title: "to a Service is judged by whom it came to",
      of: connection({ from: `${open} 1000`, to: `${service} 80`, dnat: `${closed} 8080` }),
      deniedBy: "ingress",
    },
    {
      title: "that leaves with the node's address is judged by whose it is",
      of: connection({ from: `${closed} 1000`, to: `${internet} 80`, snat: `${nodeA} 1000` }),
      deniedBy: "egress",
    },
    { title: "by UDP is judged", of: connection({ from: closed, to: internet, protocol: 17 }), deniedBy: "egress" },
    {
      title: "by SCTP is judged",
      of: connection({ from: `${closed} 1`, to: `${internet} 2`, protocol: 132 }),
      deniedBy: "egress",
    },
    {
      title: "of pings is judged",
      of: connection({ from: closed, to: internet, protocol: 1, icmp: 8 }),
      deniedBy: "egress",
    },
    {
      title: "of the node to its own pod is allowed",
      of: connection({ from: `${nodeA} 1000`, to: `${closed} 80` }),
      deniedBy: null,
    },
    {
      title: "of the node to its own pod is allowed also from an address that nobody told of, of the pods' network",
      of: connection({ from: `${bridgeOfA} 1000`, to: `${closed} 80` }),
      deniedBy: null,
    },
    {
      title: "of a pod to its own node is judged by its egress policy",
      of: connection({ from: `${closed} 1000`, to: `${bridgeOfA} 53` }),
      deniedBy: "egress",
    },
    {
      title: "of a pod to itself is allowed",
      of: connection({ from: `${closed} 1`, to: `${closed} 2` }),
      deniedBy: null,
    },
    {
      title: "of an address of the node's pods that nobody has is denied, as the ruleset would",
      of: connection({ from: `${unknownOfA} 1000`, to: `${internet} 80` }),
      deniedBy: "egress",
    },
    {
      title: "to such an address as well",
      of: connection({ from: `${internet} 1000`, to: `${unknownOfA} 80` }),
      deniedBy: "ingress",
    },
    {
      title: "between others is nothing to this node",
      of: connection({ from: `${internet} 1000`, to: "9.9.9.9 80" }),
      deniedBy: null,
    },
    {
      title: "that another one announced goes on with that one",
      of: connection({ from: `${internet} 1000`, to: `${closed} 80`, isExpected: true }),
      deniedBy: null,
    },
  ];
  const judge = judgeOf(situationOf(small()), seatA);
  for (const { title, of, deniedBy } of cases) it(title, () => assert.equal(judge(of), deniedBy));

  it("of an unknown address goes on where unknown endpoints are allowed", () => {
    const lenient = judgeOf(situationOf(small()), { ...seatA, unknownEndpoints: "allow" });
    assert.equal(lenient(connection({ from: `${unknownOfA} 1000`, to: `${internet} 80` })), null);
  });

  it("is revoked on some node exactly if the evaluator, and so the rulesets, would not let it begin", () => {
    const packets = fc.array(arbitraryPacket, { minLength: 10, maxLength: 30 });
    const property = fc.property(arbitraryProgram, packets, (builder, packets) => {
      const [program, placement] = [builder.program(), builder.placement()];
      const judges = nodes.map(({ name, addresses, podCidrs }) =>
        judgeOf({ program, placement, podCidrs: podCidrs.map(parseCidr), links: noLinks }, seatOf(name, ...addresses)),
      );
      const evaluate = evaluatorOf(program, placement);
      const rulesets = renderAll(program, placement, nodes);
      for (const packet of packets) {
        const isRevoked = judges.some((judge) => judge(connectionOf(packet)) !== null);
        assert.equal(isRevoked, evaluate(packet).action === "deny", JSON.stringify(packet));
        assert.equal(isRevoked, travel(rulesets, placement, packet).action === "deny", JSON.stringify(packet));
      }
    });
    fc.assert(property, { numRuns: Number(process.env["FUZZ_RUNS"] ?? 100) });
  }).timeout(60_000);
});

describe("a change concerns", () => {
  /** `web` may be got by whoever is a friend. */
  const world = (...friends: readonly string[]) =>
    program()
      .addresses("friends", ...friends)
      .ports("named", `${far} 6 80`)
      .block("b", instruction(1, "allow", inSet("source", "friends"), ports("destinationPort", ["@named"])))
      .class("c", { ingress: [[["b"], instruction(2, "deny")]] });
  const before = situationOf(world(open).pod("open", "a", [open]).pod("far", "b", [far], "c"));
  const changed = (over: Partial<Enforced["placement"]>): Enforced => ({
    ...before,
    placement: { ...before.placement, ...over },
  });
  const withEndpoint = (id: string, over: object) => {
    const known = before.placement.endpoints.get(id as EndpointId);
    assert.ok(known !== undefined);
    return changed({ endpoints: new Map(before.placement.endpoints).set(known.id, { ...known, ...over }) });
  };
  const cases: readonly {
    readonly title: string;
    readonly after: Enforced;
    readonly concern: readonly string[] | "all";
  }[] = [
    { title: "nobody if nothing is another", after: before, concern: [] },
    { title: "nobody if nothing is another in another placement", after: changed({}), concern: [] },
    {
      title: "everybody if policies are others",
      after: { ...before, program: { ...before.program, revision: "1" } },
      concern: "all",
    },
    { title: "everybody if the node's pods have other addresses", after: { ...before, podCidrs: [] }, concern: "all" },
    {
      title: "a pod whose labels are others",
      after: withEndpoint("pod:open", { labels: { app: "x" } }),
      concern: [open],
    },
    {
      title: "a pod that has another address, by both",
      after: withEndpoint("pod:open", { addresses: [parseAddress("10.1.0.7")] }),
      concern: [open, "10.1.0.7"],
    },
    {
      title: "a pod that is gone",
      after: changed({ endpoints: new Map([...before.placement.endpoints].filter(([id]) => id !== "pod:open")) }),
      concern: [open],
    },
    { title: "a pod of another class", after: changed({ classOf: new Map() }), concern: [far] },
    {
      title: "everybody if a network set is another",
      after: withEndpoint("pod:open", { kind: "set", nets: [parseCidr("8.0.0.0/8")] }),
      concern: "all",
    },
  ];
  for (const { title, after, concern } of cases)
    it(title, () => {
      const found = concernOf(before, after, "a");
      assert.deepEqual(found === "all" ? found : [...found].sort(), concern);
    });

  it("everybody at the start", () => assert.equal(concernOf(undefined, before, "a"), "all"));

  it("whoever is behind a Service that policies name, if others are", () => {
    const backends = (...addresses: readonly string[]) => ({
      addresses: addresses.map(parseAddress),
      cidrs: [],
      ports: [],
    });
    const id = "service" as never;
    const definition = { kind: "service", namespace: "test", name: "x", with: "addresses" } as const;
    const sets = new Map([...before.program.sets, [id, definition]]);
    const situation = (members: object): Enforced => ({
      ...before,
      program: { ...before.program, sets },
      placement: { ...before.placement, members: new Map(before.placement.members).set(id, members as never) },
    });
    const found = concernOf(situation(backends(open)), situation(backends(far)), "a");
    assert.deepEqual([...(found as ReadonlySet<string>)].sort(), [open, far].sort());
  });

  it("connections with one of its addresses at an end, after translation", () => {
    const concern = new Set([parseAddress(far)]);
    assert.ok(isConcerned(connection({ from: `${far} 1`, to: `${internet} 2` }), concern));
    assert.ok(isConcerned(connection({ from: `${open} 1`, to: `${service} 2`, dnat: `${far} 2` }), concern));
    assert.ok(!isConcerned(connection({ from: `${open} 1`, to: `${internet} 2` }), concern));
    assert.ok(isConcerned(connection({ from: `${open} 1`, to: `${internet} 2` }), "all"));
  });

  it("every connection whose verdict it changes, for random changes of a world", () => {
    const addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "192.0.2.1", "192.0.2.2", "198.51.100.7", "203.0.113.9"];
    const connections = addresses.flatMap((from) =>
      addresses.flatMap((to) => [80, 8080].map((port) => connection({ from: `${from} 1000`, to: `${to} ${port}` }))),
    );
    const verdicts = (situation: Enforced) => connections.map(judgeOf(situation, seatOf("n1", "192.0.2.1")));
    const property = fc.property(fc.array(arbitraryChange, { minLength: 5, maxLength: 25 }), (changes) => {
      const world = new World();
      const situation = () => ({
        program: world.program(),
        placement: world.placement(),
        podCidrs: [],
        links: noLinks,
      });
      for (const change of changes) {
        const before = situation();
        world.apply([change]);
        const after = situation();
        const [was, is] = [verdicts(before), verdicts(after)];
        const concern = concernOf(before, after, "a");
        for (const [index, each] of connections.entries())
          assert.ok(was[index] === is[index] || isConcerned(each, concern), JSON.stringify([change, each]));
      }
    });
    fc.assert(property, { numRuns: Number(process.env["FUZZ_RUNS"] ?? 100) });
  }).timeout(60_000);
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { evaluatorOf } from "../../policy/evaluate.ts";
import { hasPorts } from "../../policy/protocol.ts";
import { contains, equivalent } from "../../policy/relation.ts";
import { Space } from "../../policy/space/space.ts";
import { arbitraryPacket, arbitraryProgram } from "../support/arbitrary-program.ts";
import { arbitraryWorld, arbitraryWorldPacket } from "../support/arbitrary-world.ts";
import { compiledWorld } from "../support/compiled-world.ts";
import type { ProgramBuilder } from "../support/program.ts";
import { arbitraryHosts, withHosts } from "../support/with-hosts.ts";
import { world } from "../support/world.ts";

const situationOf = (builder: ProgramBuilder) => ({ program: builder.program(), placement: builder.placement() });

describe("policy/space", () => {
  it("decides every packet as the evaluator does", function () {
    this.timeout(10_000);
    const packets = fc.array(arbitraryPacket, { minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(arbitraryProgram, arbitraryHosts, packets, (builder, hosts, some) => {
        const { program, placement } = situationOf(builder);
        const situation = { program, placement: withHosts(placement, hosts) };
        const space = new Space(situation);
        const evaluate = evaluatorOf(situation.program, situation.placement);
        for (const packet of some)
          assert.equal(space.allows(0, packet), evaluate(packet).action === "allow", JSON.stringify(packet));
      }),
      { numRuns: 200 },
    );
  });
});

describe("policy/space, of whole worlds", () => {
  it("decides every packet as the evaluator does, with every kind of match, services and host endpoints", function () {
    this.timeout(20_000);
    // Of where a packet passes through, and of translation, a space knows nothing.
    const bare = arbitraryWorldPacket.filter(({ interfaces, translated }) => !interfaces && !translated);
    const packets = fc.array(bare, { minLength: 30, maxLength: 30 });
    fc.assert(
      fc.property(arbitraryWorld, packets, (one, some) => {
        const situation = compiledWorld(one);
        const space = new Space(situation);
        const evaluate = evaluatorOf(situation.program, situation.placement);
        for (const packet of some)
          assert.equal(space.allows(0, packet), evaluate(packet).action === "allow", JSON.stringify(packet));
      }),
      { numRuns: 150 },
    );
  });
});

describe("policy/relation", () => {
  it("shows a packet for every difference, which the evaluators confirm, and finds none where no packet shows one", function () {
    this.timeout(10_000);
    const usable = arbitraryPacket.filter(
      ({ protocol, destinationPort }) => !hasPorts(protocol) || destinationPort > 0,
    );
    const packets = fc.array(usable, { minLength: 30, maxLength: 30 });
    fc.assert(
      fc.property(arbitraryProgram, arbitraryProgram, arbitraryHosts, packets, (one, other, hosts, some) => {
        const [a, b] = [situationOf(one), situationOf(other)].map(({ program, placement }) => ({
          program,
          placement: withHosts(placement, hosts),
        }));
        assert(a && b);
        const [inA, inB] = [a, b].map(({ program, placement }) => evaluatorOf(program, placement));
        assert(inA && inB);
        const containment = contains(a, b);
        if (!containment.holds) {
          assert.equal(inA(containment.witness).action, "deny");
          assert.equal(inB(containment.witness).action, "allow");
        } else
          for (const packet of some)
            assert(inA(packet).action === "allow" || inB(packet).action === "deny", JSON.stringify(packet));
        const equality = equivalent(a, b);
        if (!equality.holds) assert.notEqual(inA(equality.witness).action, inB(equality.witness).action);
        else for (const packet of some) assert.equal(inA(packet).action, inB(packet).action, JSON.stringify(packet));
        assert.equal(equality.holds, containment.holds && contains(b, a).holds);
      }),
      { numRuns: 150 },
    );
  });

  const cluster = () => world().namespace("shop").pod("shop/web", { app: "web" }).pod("shop/api", { app: "api" });
  const api = (...ingress: readonly object[]) =>
    cluster().policy("shop/api", { selector: "app == 'api'", types: ["Ingress"], ingress });
  const allow = (rest: object) => ({ action: "Allow", ...rest });
  const ports = (...some: readonly (string | number)[]) => allow({ protocol: "TCP", destination: { ports: some } });
  const nets = (...some: readonly string[]) => allow({ source: { nets: some } });

  for (const { title, a, b, relation } of [
    { title: "one range is its parts", a: [ports("80:90")], b: [ports("80:84", 90), ports("85:89")], relation: "same" },
    { title: "a port more is more", a: [ports("80:90")], b: [ports("80:89")], relation: "more" },
    { title: "ports of one protocol are not those of another", a: [ports(80)], b: [], relation: "more" },
    {
      title: "two halves of a CIDR are the CIDR",
      a: [nets("10.0.0.0/8")],
      b: [nets("10.0.0.0/9", "10.128.0.0/9")],
      relation: "same",
    },
    {
      title: "the last address of a CIDR counts",
      a: [nets("10.0.0.0/31")],
      b: [nets("10.0.0.0/32")],
      relation: "more",
    },
    { title: "all IPv4 is not everybody", a: [allow({})], b: [nets("0.0.0.0/0")], relation: "more" },
    {
      title: "all types of ICMP by twos",
      a: [allow({ protocol: "ICMP" })],
      b: [allow({ protocol: "ICMP", icmp: { type: 8 } }), allow({ protocol: "ICMP", notICMP: { type: 8 } })],
      relation: "same",
    },
    {
      title: "one code of a type of ICMP",
      a: [allow({ protocol: "ICMP", icmp: { type: 3 } })],
      b: [allow({ protocol: "ICMP", icmp: { type: 3, code: 4 } })],
      relation: "more",
    },
    {
      title: "ports from 1 on are all there are",
      a: [ports(80)],
      b: [allow({ protocol: "TCP", source: { ports: ["1:65535"] }, destination: { ports: [80] } })],
      relation: "same",
    },
    {
      title: "who is selected and who has the address",
      a: [allow({ source: { selector: "app == 'web'" } })],
      b: [nets("10.244.1.1/32"), nets("fd00:10:244:1::1/128")],
      relation: "same",
    },
  ] as const)
    it(title, () => {
      const [left, right] = [api(...a), api(...b)].map((builder) => {
        const made = builder.world();
        return { program: made.program(), placement: made.placement() };
      });
      assert(left && right);
      const found = { leftHolds: contains(left, right).holds, rightHolds: contains(right, left).holds };
      const [leftHolds, rightHolds] = [true, relation === "same"];
      assert.deepEqual(found, { leftHolds, rightHolds });
    });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { type Address, addressValue, familyOf } from "../../core/address.ts";
import { compile } from "../../policy/compile.ts";
import type { Group } from "../../policy/effect/group.ts";
import { type Effect, type EffectChange, effectOf } from "../../policy/effect.ts";
import { effectText } from "../../policy/effect-text.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import { place } from "../../policy/place.ts";
import { hasPorts } from "../../policy/protocol.ts";
import { parseSelector } from "../../policy/selector/parse.ts";
import { canonical, matches } from "../../policy/selector/syntax.ts";
import type { Situation } from "../../policy/space/situation.ts";
import type { Packet } from "../../policy/verdict.ts";
import { arbitraryPacket, arbitraryProgram } from "../support/arbitrary-program.ts";
import { arbitraryWorld, arbitraryWorldPacket } from "../support/arbitrary-world.ts";
import type { NaiveWorld } from "../support/naive-evaluator.ts";
import type { ProgramBuilder } from "../support/program.ts";
import { arbitraryHosts, withHosts } from "../support/with-hosts.ts";
import { type WorldBuilder, world } from "../support/world.ts";

const handmade = (builder: ProgramBuilder, hosts: Parameters<typeof withHosts>[1]): Situation => ({
  program: builder.program(),
  placement: withHosts(builder.placement(), hosts),
});

function compiled({ tiers, policies, endpoints, services }: NaiveWorld): Situation {
  const program = compile(tiers, policies);
  return { program, placement: place(program, endpoints, services) };
}

function situationOf(builder: WorldBuilder): Situation {
  const made = builder.world();
  return { program: made.program(), placement: made.placement() };
}

/** What an effect says of a packet: the kinds of all changes that are about it. */
function told({ changes }: Effect, packet: Packet, named: ReadonlySet<Address>): readonly EffectChange["kind"][] {
  return changes
    .filter(({ from, to }) => isIn(packet.source, from.group, named) && isIn(packet.destination, to.group, named))
    .filter(({ boxes }) => boxes.some((box) => isWithin(packet, box)))
    .map(({ kind }) => kind);
}

function isIn(
  address: Address,
  { families, endpoints, addresses, ranges }: Group,
  named: ReadonlySet<Address>,
): boolean {
  if (!families.has(familyOf(address))) return false;
  if (addresses.includes(address) || endpoints.some((endpoint) => endpoint.addresses.includes(address))) return true;
  if (named.has(address)) return false;
  return ranges.some(
    ({ family, from, to }) =>
      family === familyOf(address) && from <= addressValue(address) && addressValue(address) <= to,
  );
}

/** Addresses that are not outside: of endpoints and members of sets. */
function namedIn(...situations: readonly Situation[]): ReadonlySet<Address> {
  const known = situations.flatMap(({ placement }) => [
    ...[...placement.endpoints.values()].flatMap((endpoint) => endpoint.addresses),
    ...[...placement.members.values()].flatMap((set) => [...set.addresses, ...set.ports.map(({ address }) => address)]),
  ]);
  return new Set(known);
}

function isWithin(packet: Packet, box: EffectChange["boxes"][number]): boolean {
  const within = (number: number, { from, to }: { from: number; to: number }) => from <= number && number <= to;
  const [first, second] = packet.icmp
    ? [packet.icmp.type, packet.icmp.code]
    : [packet.sourcePort, packet.destinationPort];
  return within(packet.protocol, box.protocol) && within(first, box.first) && within(second, box.second);
}

/** Of every packet the effect says what two evaluators say. */
function assertAgrees(before: Situation, after: Situation, packets: readonly Packet[]): void {
  const effect = effectOf(before, after, { limit: Number.POSITIVE_INFINITY });
  const truth = changed(before, after);
  const named = namedIn(before, after);
  for (const packet of packets) {
    const expected = truth(packet);
    if (expected !== "exempt")
      assert.deepEqual(told(effect, packet, named), expected, `${JSON.stringify(packet)}\n${effectText(effect)}`);
  }
}

/** What two evaluators make of it. */
function changed(before: Situation, after: Situation): (packet: Packet) => readonly EffectChange["kind"][] | "exempt" {
  const [old, now] = [before, after].map(({ program, placement }) => evaluatorOf(program, placement));
  assert(old && now);
  return (packet) => {
    const [was, is] = [old(packet), now(packet)];
    if (was.exempt !== null && is.exempt !== null) return "exempt";
    return was.action === is.action ? [] : is.action === "allow" ? ["opens"] : ["closes"];
  };
}

/** A small universe: all pairs of these addresses with all of these connections. */
const addresses = [
  ...["10.244.1.1", "10.244.1.2", "10.244.1.3", "10.244.1.4", "10.244.1.5", "172.18.0.1", "192.0.2.7", "198.51.100.1"],
  ...["fd00:10:244:1::1", "fd00:10:244:1::2", "fd00:10:244:1::4", "2001:db8::7"],
] as Address[];
const universe = addresses.flatMap((source) =>
  addresses
    .filter((destination) => familyOf(destination) === familyOf(source))
    .flatMap((destination) =>
      [
        ...[53, 80, 81, 443].flatMap((port) =>
          [6, 17].map((protocol) => ({ protocol, sourcePort: 40_000, destinationPort: port, icmp: null })),
        ),
        ...[0, 8].map((type) => ({ protocol: 1, sourcePort: 0, destinationPort: 0, icmp: { type, code: 0 } })),
        { protocol: 47, sourcePort: 0, destinationPort: 0, icmp: null },
      ].map((rest): Packet => ({ source, destination, ...rest })),
    ),
);

const selector = fc.constantFrom(
  "app == 'web'",
  "app == 'api'",
  "all()",
  "!has(app)",
  "env == 'prod'",
  "app in {'web', 'db'}",
);
const peerOf = (family: "four" | "six") => {
  const four = [["10.244.1.0/30"], ["192.0.2.0/24", "198.51.100.1/32"], ["0.0.0.0/0"]];
  const six = [["fd00::/8"], ["fd00:10:244:1::4/126", "2001:db8::7/128"], ["::/0"]];
  const nets = fc.constantFrom(...(family === "four" ? four : six));
  return fc.oneof(
    fc.record({ selector }),
    fc.record({ namespaceSelector: fc.constantFrom("all()", "team == 'a'", "global()") }),
    fc.record({ nets }),
    fc.record({ notNets: nets }),
    fc.constant({}),
  );
};
const rule = fc
  .constantFrom("four" as const, "six" as const)
  .chain((family) =>
    fc.record({
      action: fc.constantFrom("Allow", "Deny", "Pass"),
      protocol: fc.constantFrom("TCP", "UDP", undefined),
      source: peerOf(family),
      destination: peerOf(family),
      ports: fc.constantFrom(undefined, [80], ["80:443"], ["http"]),
    }),
  )
  .map(({ ports, protocol, destination, ...rest }) => ({
    ...rest,
    ...(protocol === undefined ? {} : { protocol }),
    destination: protocol === undefined || ports === undefined ? destination : { ...destination, ports },
  }));
const policy = fc.record({
  tier: fc.constantFrom("first", "default"),
  selector,
  types: fc.constantFrom<readonly string[]>(["Ingress"], ["Egress"], ["Ingress", "Egress"]),
  ingress: fc.array(rule, { maxLength: 2 }),
  egress: fc.array(rule, { maxLength: 2 }),
});
type PolicyDraft = typeof policy extends fc.Arbitrary<infer Draft> ? Draft : never;

function cluster(policies: readonly PolicyDraft[], labels: Readonly<Record<string, string>>): WorldBuilder {
  const http = [{ name: "http", containerPort: 81, protocol: "TCP" }];
  const builder = world()
    .namespace("a", { team: "a" })
    .namespace("b", { team: "b" })
    .node("node-a", "172.18.0.1")
    .tier("first", 1, "Pass")
    .pod("a/web", { app: "web", env: "prod" }, { ports: http })
    .pod("a/api", { app: "api" }, { node: "node-b" })
    .pod("b/web", { app: "web" }, { ips: ["10.244.1.3"] })
    .pod("b/db", labels, { node: "node-b", ports: http })
    .pod("b/host", { app: "web" }, { ips: ["172.18.0.1"], hostNetwork: true });
  for (const [index, { tier, types, ...rest }] of policies.entries()) {
    const rules = {
      ...(types.includes("Ingress") ? { ingress: rest.ingress } : {}),
      ...(types.includes("Egress") ? { egress: rest.egress } : {}),
    };
    builder.global(`${tier}.p${index}`, { tier, order: index, selector: rest.selector, types, ...rules });
  }
  return builder;
}

describe("policy/effect", () => {
  it("tells of every packet of a small cluster what became of it, and of no packet more", function () {
    this.timeout(20_000);
    const labels = fc.constantFrom({ app: "db" }, { app: "web", env: "prod" }, { tier: "x" });
    const drafts = fc.array(policy, { maxLength: 3 });
    fc.assert(
      fc.property(drafts, drafts, labels, labels, (old, now, oldLabels, newLabels) => {
        const [before, after] = [situationOf(cluster(old, oldLabels)), situationOf(cluster(now, newLabels))];
        assertAgrees(before, after, universe);
      }),
      { numRuns: 60 },
    );
  });

  it("agrees with the evaluator on programs by hand", function () {
    this.timeout(20_000);
    const usable = arbitraryPacket.filter(
      ({ protocol, destinationPort }) => !hasPorts(protocol) || destinationPort > 0,
    );
    const packets = fc.array(usable, { minLength: 40, maxLength: 40 });
    fc.assert(
      fc.property(
        arbitraryProgram,
        arbitraryProgram,
        arbitraryHosts,
        arbitraryHosts,
        packets,
        (one, other, old, now, some) => {
          const [before, after] = [handmade(one, old), handmade(other, now)];
          assertAgrees(before, after, some);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("agrees with the evaluator on whole worlds, whoever comes and goes", function () {
    this.timeout(20_000);
    const bare = arbitraryWorldPacket.filter(({ interfaces, translated }) => !interfaces && !translated);
    const usable = bare.filter(({ protocol, destinationPort }) => !hasPorts(protocol) || destinationPort > 0);
    const packets = fc.array(usable, { minLength: 60, maxLength: 60 });
    fc.assert(
      fc.property(arbitraryWorld, arbitraryWorld, packets, (one, other, some) => {
        const [before, after] = [compiled(one), compiled(other)];
        assertAgrees(before, after, some);
      }),
      { numRuns: 60 },
    );
  });

  it("names groups of pods by selectors that select exactly them", function () {
    this.timeout(20_000);
    fc.assert(
      fc.property(fc.array(policy, { maxLength: 3 }), (drafts) => {
        const [before, after] = [situationOf(cluster([], {})), situationOf(cluster(drafts, {}))];
        const all = [...after.placement.endpoints.values()].filter(
          ({ kind, hostNetwork }) => kind === "pod" && !hostNetwork,
        );
        for (const { from, to } of effectOf(before, after).changes)
          for (const { pods, group } of [from, to]) {
            const universe = all.filter(({ addresses }) => addresses.some((one) => group.families.has(familyOf(one))));
            const texts = pods
              .map(({ selector }) => selector)
              .filter((selector) => selector !== null)
              .map(canonical);
            const selected = universe.filter(({ labels }) =>
              texts.some((text) => matches(parseSelector(text), labels)),
            );
            const counted = pods.filter(({ selector }) => selector !== null).reduce((sum, one) => sum + one.pods, 0);
            assert.equal(selected.length, counted);
            for (const { id } of selected) assert(group.endpoints.some((endpoint) => endpoint.id === id));
          }
      }),
      { numRuns: 60 },
    );
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { type Address, addressValue, familyOf } from "../../core/address.ts";
import type { Group } from "../../policy/effect/group.ts";
import { type Effect, type EffectChange, effectOf } from "../../policy/effect.ts";
import { effectText } from "../../policy/effect-text.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import { hasPorts } from "../../policy/protocol.ts";
import { parseSelector } from "../../policy/selector/parse.ts";
import { canonical, matches } from "../../policy/selector/syntax.ts";
import type { Situation } from "../../policy/space/situation.ts";
import type { Packet } from "../../policy/verdict.ts";
import { arbitraryPacket, arbitraryProgram } from "../support/arbitrary-program.ts";
import { arbitraryWorld, arbitraryWorldPacket } from "../support/arbitrary-world.ts";
import { compiledWorld } from "../support/compiled-world.ts";
import type { ProgramBuilder } from "../support/program.ts";
import { arbitraryDraft, situationOfDrafts, smallUniverse } from "../support/small-cluster.ts";
import { arbitraryHosts, withHosts } from "../support/with-hosts.ts";

const handmade = (builder: ProgramBuilder, hosts: Parameters<typeof withHosts>[1]): Situation => ({
  program: builder.program(),
  placement: withHosts(builder.placement(), hosts),
});

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

describe("policy/effect", () => {
  it("tells of every packet of a small cluster what became of it, and of no packet more", function () {
    this.timeout(20_000);
    const labels = fc.constantFrom({ app: "db" }, { app: "web", env: "prod" }, { tier: "x" });
    const drafts = fc.array(arbitraryDraft, { maxLength: 3 });
    fc.assert(
      fc.property(drafts, drafts, labels, labels, (old, now, oldLabels, newLabels) => {
        const [before, after] = [situationOfDrafts(old, oldLabels), situationOfDrafts(now, newLabels)];
        assertAgrees(before, after, smallUniverse);
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
        const [before, after] = [compiledWorld(one), compiledWorld(other)];
        assertAgrees(before, after, some);
      }),
      { numRuns: 60 },
    );
  });

  it("names groups of pods by selectors that select exactly them", function () {
    this.timeout(20_000);
    fc.assert(
      fc.property(fc.array(arbitraryDraft, { maxLength: 3 }), (drafts) => {
        const [before, after] = [situationOfDrafts([], {}), situationOfDrafts(drafts, {})];
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

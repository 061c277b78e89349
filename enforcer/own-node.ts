// What pods send to their own node, where the Program has a list about it: at input, after their egress policies and before what host
// endpoints have to say. Asked by address, as their policies are, so that nobody is meant whom policy does not apply to.
import type { Family } from "../core/address.ts";
import { addressType, families, member, sourceOf } from "./base-chains.ts";
import { contentName } from "./draft.ts";
import type { MapVerdict, Name, NamedSet, Rule } from "./ruleset.ts";
import type { Guest } from "./seating.ts";

/** Chains that pods of this node are asked in about what they send to it, in order: mostly one for all of them. */
export function ownNodeChains(asked: readonly Pick<Guest, "toNode">[]): readonly Name[] {
  return [...new Set(asked.flatMap(({ toNode }) => chainIn(toNode)))].sort();
}

export function ownNodeRules(chains: readonly Name[]): readonly Rule[] {
  return chains.flatMap((to) =>
    families.map((family) => ({
      when: [member([sourceOf(family)], ownNodeSet(to, family))],
      statements: [{ do: "jump", to }],
    })),
  );
}

/** Who is asked in which of them. */
export function ownNodeSets(chains: readonly Name[], guests: readonly Guest[]): readonly NamedSet[] {
  return chains.flatMap((chain) =>
    families.map((family): NamedSet => {
      const own = guests.filter((guest) => guest.family === family && chainIn(guest.toNode).includes(chain));
      const elements = new Set(own.map(({ element }) => element));
      return { name: ownNodeSet(chain, family), type: [addressType(family)], flag: null, elements };
    }),
  );
}

/** Packets that are asked about in one of them, and so nowhere else at input. */
export function askedOfOwnNode(chains: readonly Name[]): readonly Rule[] {
  return chains.flatMap((to) =>
    families.map((family) => ({
      when: [member([sourceOf(family)], ownNodeSet(to, family))],
      statements: [{ do: "accept" }],
    })),
  );
}

function chainIn(verdict: MapVerdict | undefined): readonly Name[] {
  return verdict?.verdict === "jump" ? [verdict.to] : [];
}

function ownNodeSet(chain: Name, family: Family): Name {
  return contentName(`to_node${family}`, chain);
}

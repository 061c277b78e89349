// The rooms of seating.ts in the ruleset: a chain of each direction, asked after the maps of the dispatch.
import type { Family } from "../core/address.ts";
import type { ClassId } from "../policy/placement.ts";
import type { Direction } from "../policy/program.ts";
import { addressType, destinationOf, member, newcomersChain, sourceOf } from "./base-chains.ts";
import { contentName, Draft, type Fragment } from "./draft.ts";
import type { Name, NamedSet, Rule } from "./ruleset.ts";
import type { Guest, Rooms, Seating } from "./seating.ts";

const directions: readonly Direction[] = ["egress", "ingress"];

/** Sends the newcomers of each class to its chains. */
export function roomChains(rooms: Rooms, families: readonly Family[]): Fragment {
  const draft = new Draft();
  for (const direction of directions) {
    const rules = [...rooms].flatMap(([classId, ways]): readonly Rule[] => {
      const verdict = ways[direction];
      if (verdict.verdict !== "jump") return [];
      const field = direction === "egress" ? sourceOf : destinationOf;
      return families.map((family) => ({
        when: [member([field(family)], roomSet(classId, family))],
        statements: [{ do: "jump", to: verdict.to }],
      }));
    });
    draft.lastingChain(newcomersChain(direction), rules);
  }
  return draft.finish();
}

/** Who is in which room. */
export function roomSets(
  { rooms, newcomers }: Seating,
  families: readonly Family[],
  guests: readonly Guest[],
): NamedSet[] {
  const inside = guests.filter(({ address }) => newcomers.has(address));
  return [...rooms.keys()].flatMap((classId) =>
    families.map((family): NamedSet => {
      const own = inside.filter((guest) => guest.classId === classId && guest.family === family);
      const elements = new Set(own.map(({ element }) => element));
      return { name: roomSet(classId, family), type: [addressType(family)], flag: null, elements };
    }),
  );
}

function roomSet(classId: ClassId, family: Family): Name {
  return contentName(`newcomers${family}`, classId);
}

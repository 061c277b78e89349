import type { Address } from "../../core/address.ts";
import type { Atom } from "../space/atoms.ts";
import type { Connections } from "../space/connections.ts";
import type { Share } from "../space/shares.ts";
import type { Course, Space } from "../space/space.ts";
import type { Everybody } from "./group.ts";
import type { Handover, Handovers } from "./handover.ts";

/** A handover, and where it is to be seen. */
export interface SeenHandover extends Handover {
  readonly pair: readonly [Address, Address];
  readonly connections: Connections;
  /** At how many ends is a pod: the more the better to be understood. */
  readonly pods: number;
}

/** All handovers between the situations of a space, each where it is seen best. */
export function seenHandovers(space: Space, handovers: Handovers, everybody: Everybody): readonly SeenHandover[] {
  const found = new Map<string, SeenHandover>();
  const isPod = space.atoms.all.map((atom) => isOfPod(atom, everybody));
  space.eachChange((source, destination, before, after) => {
    const pods = Number(isPod[source.index]) + Number(isPod[destination.index]);
    for (const { handover, connections } of handoversAmong(space, [before, after], handovers)) {
      const known = found.get(handover.key);
      if (known !== undefined && known.pods >= pods) continue;
      const pair = space.pairOf(source, destination);
      if (pair !== undefined) found.set(handover.key, { ...handover, pair, connections, pods });
    }
    return false;
  });
  return [...found.values()];
}

interface Found {
  readonly handover: Handover;
  readonly connections: Connections;
}

function handoversAmong(
  space: Space,
  [before, after]: readonly [Course, Course],
  handovers: Handovers,
): readonly Found[] {
  const changed = space.sets.intersect(space.changed(before, after), space.sets.usable);
  if (changed === space.sets.none) return [];
  const [was, now] = [space.decided(before, changed), space.decided(after, changed)];
  return [
    ...common(was, now, handovers.between.bind(handovers), space),
    ...[
      { shares: was, course: before },
      { shares: now, course: after },
    ].flatMap(({ shares, course: [, ...rest] }) => {
      const denied = shares.filter(({ action }) => action === "deny");
      const later = denied.length === 0 ? [] : rest.flatMap((next) => next.within(changed));
      return common(denied, later, handovers.overruled.bind(handovers), space);
    }),
  ];
}

/** What is told of each share of the ones with each of the others that has connections in common with it. */
function common(
  ones: readonly Share[],
  others: readonly Share[],
  tell: (one: Share, other: Share) => readonly Handover[],
  { sets }: Space,
): readonly Found[] {
  return ones.flatMap((one) =>
    others.flatMap((other) => {
      const connections = sets.intersect(one.connections, other.connections);
      return connections === sets.none ? [] : tell(one, other).map((handover) => ({ handover, connections }));
    }),
  );
}

function isOfPod({ addresses: [address] }: Atom, everybody: Everybody): boolean {
  return address !== undefined && everybody.ownerOf(address)?.kind === "pod";
}

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
    for (const { was, now, connections } of changedShares(space, before, after))
      for (const handover of handovers.between(was, now)) {
        const known = found.get(handover.key);
        if (known !== undefined && known.pods >= pods) continue;
        const pair = space.pairOf(source, destination);
        if (pair !== undefined) found.set(handover.key, { ...handover, pair, connections, pods });
      }
    return false;
  });
  return [...found.values()];
}

interface ChangedShare {
  readonly was: Share;
  readonly now: Share;
  readonly connections: Connections;
}

/** What other rules decide about than before, by what these are. */
function changedShares(space: Space, before: Course, after: Course): readonly ChangedShare[] {
  const { sets } = space;
  const changed = sets.intersect(space.changed(before, after), sets.usable);
  if (changed === sets.none) return [];
  const shares = space.decided(after, changed);
  return space
    .decided(before, changed)
    .flatMap((was) =>
      shares
        .map((now) => ({ was, now, connections: sets.intersect(was.connections, now.connections) }))
        .filter(({ connections }) => connections !== sets.none),
    );
}

function isOfPod({ addresses: [address] }: Atom, everybody: Everybody): boolean {
  return address !== undefined && everybody.ownerOf(address)?.kind === "pod";
}

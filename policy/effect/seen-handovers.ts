import type { Address } from "../../core/address.ts";
import type { Atom } from "../space/atoms.ts";
import type { Connections } from "../space/connections.ts";
import { CourseMap } from "../space/course-map.ts";
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
  const onCourses = new CourseMap<Found>();
  const isPod = space.atoms.all.map((atom) => isOfPod(atom, everybody));
  space.eachChange((source, destination, before, after) => {
    const changed = space.changed(before, after);
    if (changed === undefined) return false;
    const pods = Number(isPod[source.index]) + Number(isPod[destination.index]);
    const here = onCourses.get(...changed, () => foundOn(changed, handovers, space));
    if (here.pods >= pods) return false;
    const pair = space.pairOf(source, destination);
    if (pair === undefined) return false;
    here.pods = pods;
    for (const { handover, connections } of here.handovers)
      if ((found.get(handover.key)?.pods ?? -1) < pods)
        found.set(handover.key, { ...handover, pair, connections, pods });
    return false;
  });
  return [...found.values()];
}

interface Found {
  readonly handovers: readonly { readonly handover: Handover; readonly connections: Connections }[];
  /** At how many ends were pods where they have been seen best. */
  pods: number;
}

type Courses = readonly [Course, Course];

function foundOn(courses: Courses, handovers: Handovers, space: Space): Found {
  const [was, now] = courses.map((course) => space.decided(course)) as [readonly Share[], readonly Share[]];
  const exchanged = among(was, now, (one, other) => handovers.between(one, other), space);
  const overruled = courses.flatMap(([first, ...rest]) => {
    const denied = first?.all.filter(({ action }) => action === "deny") ?? [];
    const later = rest.flatMap(({ all }) => all);
    return among(denied, later, (one, other) => handovers.overruled(one, other), space);
  });
  return { handovers: [...exchanged, ...overruled], pods: -1 };
}

/** What is told of each of some shares with each of others that has connections in common with it. */
function among(
  some: readonly Share[],
  others: readonly Share[],
  tell: (one: Share, other: Share) => readonly Handover[],
  { sets }: Space,
): Found["handovers"] {
  return some.flatMap((one) =>
    others.flatMap((other) => {
      const connections = sets.intersect(one.connections, other.connections);
      return connections === sets.none ? [] : tell(one, other).map((handover) => ({ handover, connections }));
    }),
  );
}

function isOfPod({ addresses: [address] }: Atom, everybody: Everybody): boolean {
  return address !== undefined && everybody.ownerOf(address)?.kind === "pod";
}

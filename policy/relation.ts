import { boxesOf, type Connections } from "./space/connections.ts";
import { exampleIn } from "./space/example.ts";
import type { Situation } from "./space/situation.ts";
import { Space } from "./space/space.ts";
import type { Packet } from "./verdict.ts";

/** Whether something holds of all connections there can be (port 0 is no port); if not, one that shows it. */
export type Finding = { readonly holds: true } | { readonly holds: false; readonly witness: Packet };

/** Whether `a` allows every connection that `b` allows. A witness is allowed by `b` and denied by `a`. */
export function contains(a: Situation, b: Situation): Finding {
  const space = new Space(a, b);
  return search(space, (inA, inB) => space.sets.subtract(inB, inA));
}

/** Whether both allow the same connections. A witness is allowed by one of them. */
export function equivalent(a: Situation, b: Situation): Finding {
  const space = new Space(a, b);
  const { sets } = space;
  return search(space, (inA, inB) => sets.union(sets.subtract(inA, inB), sets.subtract(inB, inA)));
}

function search(space: Space, differing: (inA: Connections, inB: Connections) => Connections): Finding {
  let finding: Finding = { holds: true };
  space.eachDifference((source, destination, inA, inB) => {
    const [box] = boxesOf(space.sets.intersect(differing(inA, inB), space.sets.usable));
    const pair = box === undefined ? undefined : space.pairOf(source, destination);
    if (box === undefined || pair === undefined) return false;
    finding = { holds: false, witness: { source: pair[0], destination: pair[1], ...exampleIn(box) } };
    return true;
  });
  return finding;
}

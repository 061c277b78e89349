import type { Packet } from "../../../policy/verdict.ts";
import type { Sighting } from "../simulate.ts";
import { deviceFrom, deviceTo, type Home, type Layout, podDevice } from "./layout.ts";

/** What one node sees of a packet: its hooks, in order. */
export interface Passage {
  readonly node: number;
  readonly hooks: readonly Hook[];
}

type Ends = Pick<Packet, "source" | "destination">;
export type Hook = Pick<Sighting, "hook" | "from" | "to">;

/** The nodes that a packet passes, from its source to its destination. */
export function passagesOf(
  layout: Layout,
  { source, destination }: Pick<Packet, "source" | "destination">,
): readonly Passage[] {
  const [from, to] = [layout.homes.get(source), layout.homes.get(destination)];
  const start = nodeOf(from);
  const end = nodeOf(to);
  if (start !== undefined && start === end) return [{ node: start, hooks: within(from as Home, to as Home) }];
  const passages: Passage[] = [];
  if (start !== undefined)
    passages.push({ node: start, hooks: through(comingFrom(from), deviceTo(layout, destination)) });
  if (end !== undefined)
    passages.push({ node: end, hooks: through(deviceFrom(layout, source, destination), goingTo(to)) });
  return passages;
}

/** The interfaces by which it comes in and goes out, by name of the node: what tells host endpoints apart. */
export function interfacesOf(layout: Layout, packet: Ends): NonNullable<Packet["interfaces"]> {
  return new Map(
    passagesOf(layout, packet).map(({ node, hooks }) => {
      const [from, to] = [hooks.find(({ from }) => from !== "")?.from, hooks.find(({ to }) => to !== "")?.to];
      const links = { ...(from === undefined ? {} : { in: from }), ...(to === undefined ? {} : { out: to }) };
      return [layout.nodes[node]?.name ?? "", links];
    }),
  );
}

/** `from` and `to` are names of interfaces, empty for the node itself. */
function through(from: string, to: string): readonly Hook[] {
  if (from === "")
    return [
      { hook: "output", from, to },
      { hook: "postrouting", from, to },
    ];
  const prerouting = { hook: "prerouting", from, to: "" } as const;
  if (to === "") return [prerouting, { hook: "input", from, to }];
  return [prerouting, { hook: "forward", from, to }, { hook: "postrouting", from, to }];
}

function within(from: Home, to: Home): readonly Hook[] {
  const [start, end] = [comingFrom(from), goingTo(to)];
  return start === "" && end === "" ? [...through("", "lo"), ...through("lo", "")] : through(start, end);
}

function comingFrom(home: Home | undefined): string {
  return home?.at === "pod" ? podDevice(home.pod) : "";
}

const goingTo = comingFrom;

function nodeOf(home: Home | undefined): number | undefined {
  return home === undefined || home.at === "nowhere" ? undefined : home.node;
}

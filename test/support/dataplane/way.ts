import type { Packet } from "../../../policy/verdict.ts";
import { type Hook, hooksThrough, hooksWithin, linksOf } from "../hooks.ts";
import { deviceFrom, deviceTo, type Home, type Layout, podDevice } from "./layout.ts";

/** What one node sees of a packet: its hooks, in order. */
export interface Passage {
  readonly node: number;
  readonly hooks: readonly Hook[];
}

type Ends = Pick<Packet, "source" | "destination">;

/** The nodes that a packet passes, from its source to its destination. */
export function passagesOf(
  layout: Layout,
  { source, destination }: Pick<Packet, "source" | "destination">,
): readonly Passage[] {
  const [from, to] = [layout.homes.get(source), layout.homes.get(destination)];
  const start = nodeOf(from);
  const end = nodeOf(to);
  if (start !== undefined && start === end) return [{ node: start, hooks: hooksWithin(deviceOf(from), deviceOf(to)) }];
  const passages: Passage[] = [];
  if (start !== undefined)
    passages.push({ node: start, hooks: hooksThrough(deviceOf(from), deviceTo(layout, destination)) });
  if (end !== undefined)
    passages.push({ node: end, hooks: hooksThrough(deviceFrom(layout, source, destination), deviceOf(to)) });
  return passages;
}

/** The interfaces by which it comes in and goes out, by name of the node: what tells host endpoints apart. */
export function interfacesOf(layout: Layout, packet: Ends): NonNullable<Packet["interfaces"]> {
  return new Map(passagesOf(layout, packet).map(({ node, hooks }) => [layout.nodes[node]?.name ?? "", linksOf(hooks)]));
}

/** Behind which it is; empty for the node itself. */
function deviceOf(home: Home | undefined): string {
  return home?.at === "pod" ? podDevice(home.pod) : "";
}

function nodeOf(home: Home | undefined): number | undefined {
  return home === undefined || home.at === "nowhere" ? undefined : home.node;
}

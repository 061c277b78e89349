import type { Address } from "../../core/address.ts";
import type { RuleId } from "../../core/rule-id.ts";
import type { LogPrefix, Ruleset } from "../../enforcer/ruleset.ts";
import type { Placement } from "../../policy/placement.ts";
import type { Packet } from "../../policy/verdict.ts";
import { type Outcome, type Sighting, simulateAll } from "./simulate.ts";

/** What became of the first packet of a connection on its way through all nodes. */
export interface Journey {
  readonly action: "allow" | "deny";
  /** Rule that decided, by direction: of a label where it was allowed, of the log packet where it was denied. */
  readonly egress: LogPrefix["because"] | null;
  readonly ingress: LogPrefix["because"] | null;
  /** Ids of `log` rules that were hit, in order. */
  readonly logged: readonly RuleId[];
}

/** Interface of the pod with this address. */
export function interfaceOf(address: Address): string {
  return `slp${[...address].reduce((hash, char) => (hash * 31 + char.charCodeAt(0)) % 1e9, 7)}`;
}

/** Sends a packet from node to node, each with its own ruleset, as the routed lab network would. */
export function travel(rulesets: ReadonlyMap<string, Ruleset>, placement: Placement, packet: Packet): Journey {
  const outcomes: Outcome[] = [];
  for (const [node, seen] of sightings(placement, packet)) {
    const ruleset = rulesets.get(node);
    if (ruleset === undefined) throw new Error(`node ${node} has no ruleset`);
    const outcome = simulateAll(ruleset, seen);
    outcomes.push(outcome);
    if (outcome.action === "drop") break;
  }
  const logs = outcomes.flatMap((outcome) => outcome.logs);
  const denied = logs.find(({ action }) => action === "D");
  const decided = (direction: "egress" | "ingress") =>
    (denied?.direction === direction ? denied.because : null) ??
    outcomes.map((outcome) => outcome[direction]).find((rule) => rule !== null) ??
    null;
  const logged = logs.filter(({ action }) => action === "L").map(({ because }) => because as RuleId);
  const action = outcomes.some((outcome) => outcome.action === "drop") ? "deny" : "allow";
  return { action, egress: decided("egress"), ingress: decided("ingress"), logged };
}

/** Through which interfaces the packet passes which node. */
export function interfacesOf(placement: Placement, packet: Packet): NonNullable<Packet["interfaces"]> {
  return new Map(
    [...sightings(placement, packet)].map(([node, seen]) => {
      const [from, to] = [seen.find((one) => one.from !== "")?.from, seen.find((one) => one.to !== "")?.to];
      return [node, { ...(from === undefined ? {} : { in: from }), ...(to === undefined ? {} : { out: to }) }];
    }),
  );
}

interface Place {
  readonly node: string | null;
  readonly isPod: boolean;
}

type Passage = readonly [from: string, to: string];

/** Which hooks of which nodes the packet passes, in order. */
function sightings(placement: Placement, packet: Packet): ReadonlyMap<string, readonly Sighting[]> {
  const [source, destination] = [placeOf(placement, packet.source), placeOf(placement, packet.destination)];
  const isOf = (place: Place, node: string) => !place.isPod && place.node === node;
  const see = (node: string, hook: Sighting["hook"], [from, to]: Passage): Sighting => ({
    ...{ packet, hook, from, to, state: "new", hopLimit: 64 },
    localSource: isOf(source, node),
    localDestination: isOf(destination, node),
  });
  const through = (node: string, from: string, to: string): Sighting[] => [
    see(node, "prerouting", [from, ""]),
    see(node, "forward", [from, to]),
    see(node, "postrouting", [from, to]),
  ];
  const into = (node: string, from: string): Sighting[] => [
    see(node, "prerouting", [from, ""]),
    see(node, "input", [from, ""]),
  ];
  const outOf = (node: string, to: string): Sighting[] => [
    see(node, "output", ["", to]),
    see(node, "postrouting", ["", to]),
  ];
  const [ofSource, ofDestination] = [interfaceOf(packet.source), interfaceOf(packet.destination)];
  const seen = new Map<string, readonly Sighting[]>();
  if (source.node !== null && source.node === destination.node) {
    if (source.isPod)
      seen.set(
        source.node,
        destination.isPod ? through(source.node, ofSource, ofDestination) : into(source.node, ofSource),
      );
    else if (destination.isPod) seen.set(source.node, outOf(source.node, ofDestination));
    else seen.set(source.node, [...outOf(source.node, "lo"), ...into(source.node, "lo")]);
    return seen;
  }
  if (source.node !== null)
    seen.set(source.node, source.isPod ? through(source.node, ofSource, "eth0") : outOf(source.node, "eth0"));
  if (destination.node !== null)
    seen.set(
      destination.node,
      destination.isPod ? through(destination.node, "eth0", ofDestination) : into(destination.node, "eth0"),
    );
  return seen;
}

/** The last endpoint that claims an address has it, as the evaluator sees it. */
function placeOf(placement: Placement, address: Address): Place {
  let found: Place = { node: null, isPod: false };
  for (const endpoint of placement.endpoints.values()) {
    if (endpoint.kind !== "pod" && endpoint.kind !== "node") continue;
    if (endpoint.hostNetwork || !endpoint.addresses.includes(address)) continue;
    const isPod = endpoint.kind === "pod";
    if (isPod || !found.isPod) found = { node: isPod ? endpoint.node : endpoint.name, isPod };
  }
  return found;
}

import type { Address } from "../../core/address.ts";
import type { RuleId } from "../../core/rule-id.ts";
import type { LogPrefix, Ruleset } from "../../enforcer/ruleset.ts";
import type { Placement } from "../../policy/placement.ts";
import type { Packet } from "../../policy/verdict.ts";
import { type Hook, hooksThrough, hooksWithin, linksOf } from "./hooks.ts";
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
  return new Map([...sightings(placement, packet)].map(([node, seen]) => [node, linksOf(seen)]));
}

interface Place {
  readonly node: string | null;
  readonly isPod: boolean;
}

/** Which hooks of which nodes the packet passes, in order. */
function sightings(placement: Placement, packet: Packet): ReadonlyMap<string, readonly Sighting[]> {
  const [source, destination] = [placeOf(placement, packet.source), placeOf(placement, packet.destination)];
  const [from, to] = [linkOf(source, packet.source), linkOf(destination, packet.destination)];
  const seenBy = (node: string, hooks: readonly Hook[]): readonly Sighting[] =>
    hooks.map((hook) => ({
      ...hook,
      ...{ packet, state: "new", hopLimit: 64 },
      localSource: !source.isPod && source.node === node,
      localDestination: !destination.isPod && destination.node === node,
    }));
  const seen = new Map<string, readonly Sighting[]>();
  if (source.node !== null && source.node === destination.node)
    return seen.set(source.node, seenBy(source.node, hooksWithin(from, to)));
  if (source.node !== null) seen.set(source.node, seenBy(source.node, hooksThrough(from, "eth0")));
  if (destination.node !== null) seen.set(destination.node, seenBy(destination.node, hooksThrough("eth0", to)));
  return seen;
}

function linkOf({ isPod }: Place, address: Address): string {
  return isPod ? interfaceOf(address) : "";
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

import type { Address } from "../../core/address.ts";
import type { RuleId } from "../../core/rule-id.ts";
import type { LogPrefix, Ruleset } from "../../enforcer/ruleset.ts";
import type { Placement } from "../../policy/placement.ts";
import type { Packet } from "../../policy/verdict.ts";
import { type Sighting, simulate } from "./simulate.ts";

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
  const outcomes: { action: "accept" | "drop"; egress: RuleId | null; ingress: RuleId | null }[] = [];
  const logs: LogPrefix[] = [];
  for (const { node, sighting } of sightings(placement, packet)) {
    const ruleset = rulesets.get(node);
    if (ruleset === undefined) throw new Error(`node ${node} has no ruleset`);
    const outcome = simulate(ruleset, sighting);
    outcomes.push(outcome);
    logs.push(...outcome.logs);
    if (outcome.action === "drop") break;
  }
  const denied = logs.find(({ action }) => action === "D");
  const decided = (direction: "egress" | "ingress") =>
    (denied?.direction === direction ? denied.because : null) ??
    outcomes.map((outcome) => outcome[direction]).find((rule) => rule !== null) ??
    null;
  const logged = logs.filter(({ action }) => action === "L").map(({ because }) => because as RuleId);
  const action = outcomes.some((outcome) => outcome.action === "drop") ? "deny" : "allow";
  return { action, egress: decided("egress"), ingress: decided("ingress"), logged };
}

interface Place {
  readonly node: string | null;
  readonly isPod: boolean;
}

/** Which hooks of which nodes the packet passes. */
function sightings(placement: Placement, packet: Packet): { node: string; sighting: Sighting }[] {
  const [source, destination] = [placeOf(placement, packet.source), placeOf(placement, packet.destination)];
  const see = (node: string, hook: Sighting["hook"], from: string, to: string) => ({
    node,
    sighting: {
      packet,
      hook,
      from,
      to,
      state: "new",
      hopLimit: 64,
      localSource: !source.isPod && source.node === node,
    } as const,
  });
  const seen = [];
  const toPod = destination.isPod ? interfaceOf(packet.destination) : "eth0";
  if (source.node !== null && source.node === destination.node) {
    const from = source.isPod ? interfaceOf(packet.source) : "";
    if (source.isPod && destination.isPod) return [see(source.node, "forward", from, toPod)];
    if (source.isPod) return [see(source.node, "input", from, "")];
    if (destination.isPod) return [see(source.node, "output", "", toPod)];
    return [see(source.node, "output", "", "lo"), see(source.node, "input", "lo", "")];
  }
  if (source.node !== null)
    seen.push(
      source.isPod
        ? see(source.node, "forward", interfaceOf(packet.source), "eth0")
        : see(source.node, "output", "", "eth0"),
    );
  if (destination.node !== null)
    seen.push(see(destination.node, destination.isPod ? "forward" : "input", "eth0", destination.isPod ? toPod : ""));
  return seen;
}

/** The last endpoint that claims an address has it, as the evaluator sees it. */
function placeOf(placement: Placement, address: Address): Place {
  let found: Place = { node: null, isPod: false };
  for (const endpoint of placement.endpoints.values()) {
    if (endpoint.hostNetwork || !endpoint.addresses.includes(address)) continue;
    const isPod = endpoint.kind === "pod";
    if (isPod || !found.isPod) found = { node: isPod ? endpoint.node : endpoint.name, isPod };
  }
  return found;
}

import type { Address } from "../../../core/address.ts";
import type { Ruleset } from "../../../enforcer/ruleset.ts";
import type { Packet } from "../../../policy/verdict.ts";
import { type Outcome, type Sighting, simulateAll } from "../simulate.ts";
import { type Answer, answerOfOutcomes } from "./answer.ts";
import type { Trial } from "./trial.ts";
import { passagesOf } from "./way.ts";

/** What the rulesets make of a packet, hook by hook, as simulate.ts runs them. Undefined where it is dropped and nobody says why. */
export function answerInMemory(
  { layout, rulesets }: Trial,
  packet: Packet,
  state: Sighting["state"],
): Answer | undefined {
  const outcomes: Outcome[] = [];
  for (const { node, hooks } of passagesOf(layout, packet)) {
    const isOwn = (address: Address) => layout.nodes[node]?.own.has(address) ?? false;
    const local = { localSource: isOwn(packet.source), localDestination: isOwn(packet.destination) };
    const seen = hooks.map((hook): Sighting => ({ ...hook, ...local, packet, state, hopLimit: 64 }));
    const outcome = simulateAll(rulesets[node] as Ruleset, seen);
    outcomes.push(outcome);
    if (outcome.action === "drop") break;
  }
  return answerOfOutcomes(outcomes);
}

import type { Ruleset } from "../../../enforcer/ruleset.ts";
import type { Packet } from "../../../policy/verdict.ts";
import type { Hook } from "../hooks.ts";
import { type Outcome, type Sighting, simulateAll } from "../simulate.ts";
import { type Answer, answerOfOutcomes } from "./answer.ts";
import { asSent } from "./service-addresses.ts";
import type { Trial } from "./trial.ts";
import { passagesOf } from "./way.ts";

/** What the rulesets make of a packet, as simulate.ts runs them. Undefined where it is dropped and nobody says why. */
export function answerInMemory(trial: Trial, packet: Packet, state: Sighting["state"]): Answer | undefined {
  return answerOfOutcomes(outcomesInMemory(trial, packet, state));
}

/** Hook by hook on each node on the way, to where it is dropped. */
export function outcomesInMemory(
  { layout, rulesets }: Trial,
  packet: Packet,
  state: Sighting["state"],
): readonly Outcome[] {
  const outcomes: Outcome[] = [];
  for (const [at, { node, hooks }] of passagesOf(layout, packet).entries()) {
    const seenBy = (some: Packet, hook: Hook): Sighting => ({
      ...hook,
      ...localEnds(layout, node, some),
      packet: some,
      state,
      hopLimit: 64,
    });
    const seen = hooks.map((hook): Sighting => {
      const sighting = seenBy(packet, hook);
      if (at > 0 || packet.translated === undefined || hook.hook === "input") return sighting;
      return { ...sighting, untranslated: seenBy(asSent(packet), hook) };
    });
    const outcome = simulateAll(rulesets[node] as Ruleset, seen);
    outcomes.push(outcome);
    if (outcome.action === "drop") break;
  }
  return outcomes;
}

function localEnds({ nodes }: Trial["layout"], node: number, { source, destination }: Packet) {
  const own = nodes[node]?.own;
  return { localSource: own?.has(source) ?? false, localDestination: own?.has(destination) ?? false };
}

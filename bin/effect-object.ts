import type { Alike, Takeover } from "../policy/effect/alike.ts";
import type { Decider } from "../policy/effect/decider.ts";
import type { Party } from "../policy/effect/party.ts";
import type { Effect, EffectChange } from "../policy/effect.ts";
import { policyTitle } from "../policy/kind-names.ts";
import { canonical } from "../policy/selector/syntax.ts";

/** An effect as `-o json` prints it; keys stay. */
export function effectObject({ changes, folded, policies, alike }: Effect): object {
  const reason = alike === null ? null : alikeObject(alike);
  return { type: "effect", changes: changes.map(changeObject), folded, policies, alike: reason };
}

function alikeObject({ takeovers, overruled, folded, restated, idle }: Alike): object {
  return {
    takeovers: takeovers.map(takeoverObject),
    overruled: overruled.map(takeoverObject),
    folded,
    restated: restated.map(policyTitle),
    idle: idle.map(policyTitle),
  };
}

function takeoverObject({ action, was, now, example: { packet, from, to, words } }: Takeover): object {
  const example = { from, to, connection: words, packet };
  return { action, was: was.map(deciderObject), now: now.map(deciderObject), example };
}

function deciderObject({ tier, kind, namespace, name, isDefault }: Decider): object {
  return { kind, namespace, name, tier, isDefault };
}

function changeObject({ kind, from, to, family, words, boxes }: EffectChange): object {
  return { kind, from: partyObject(from), to: partyObject(to), family, connections: words, boxes };
}

function partyObject({ words, pods, nodes, hosts, networks, group }: Party): object {
  return {
    words,
    pods: pods.map((phrase) => ({
      words: phrase.words,
      count: phrase.pods,
      selector: phrase.selector === null ? null : canonical(phrase.selector),
    })),
    podNames: group.endpoints.filter(({ kind }) => kind === "pod").map(({ namespace, name }) => `${namespace}/${name}`),
    nodes,
    hosts,
    networks,
  };
}

import type { Party } from "../policy/effect/party.ts";
import type { Effect, EffectChange } from "../policy/effect.ts";
import { canonical } from "../policy/selector/syntax.ts";

/** An effect as `-o json` prints it; keys stay. */
export function effectObject({ changes, folded, policies }: Effect): object {
  return { type: "effect", changes: changes.map(changeObject), folded, policies };
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

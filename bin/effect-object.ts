import type { Alike, Takeover } from "../policy/effect/alike.ts";
import { type Decider, deciderWords } from "../policy/effect/decider.ts";
import type { Party } from "../policy/effect/party.ts";
import type { Effect, EffectChange } from "../policy/effect.ts";
import { canonical } from "../policy/selector/syntax.ts";

/** An effect as `-o json` prints it; keys stay. */
export function effectObject({ changes, folded, policies, alike }: Effect): object {
  const reason = alike === null ? null : alikeObject(alike);
  return { type: "effect", changes: changes.map(changeObject), folded, policies, alike: reason };
}

function alikeObject({ takeovers, ...rest }: Alike): object {
  return { takeovers: takeovers.map(takeoverObject), ...rest };
}

function takeoverObject({ action, was, now, example: { packet, from, to, words } }: Takeover): object {
  const example = { from, to, connection: words, packet };
  return { action, was: was.map(deciderObject), now: now.map(deciderObject), example };
}

function deciderObject(decider: Decider): object {
  return { ...decider, words: deciderWords(decider) };
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

import type { Alike, Takeover } from "./alike.ts";
import { DeciderWords } from "./decider-words.ts";

/** Each fact by itself; `what a.x denied is still denied by b.y (e.g. dev/web -> prod/db, TCP 5432)`. None where nothing differs. */
export function alikeWords({ takeovers, overruled, folded, restated, idle }: Alike): readonly string[] {
  const deciders = [...takeovers, ...overruled].flatMap(({ was, now }) => [...was, ...now]);
  const words = new DeciderWords([...deciders, ...restated, ...idle]);
  return [
    ...takeovers.map(({ action, was, now, example }) => {
      const word = action === "deny" ? "denied" : "allowed";
      return `what ${words.of(was)} ${word} is still ${word} by ${words.of(now)} ${exampleWords(example)}`;
    }),
    ...overruled.map(({ action, was, now, example }) => {
      const conditional = `what ${words.of(was)} would ${action} is denied before`;
      return `${conditional}, by ${words.of(now)} ${exampleWords(example)}`;
    }),
    ...(folded === 0 ? [] : [`and ${folded} more like these, of other policies`]),
    ...(restated.length === 0 ? [] : [`what differs in ${words.policies(restated)} decides as it did`]),
    ...(idle.length === 0 ? [] : [`what differs in ${words.policies(idle)} decides about no connection`]),
  ];
}

function exampleWords({ from, to, words }: Takeover["example"]): string {
  return `(e.g. ${from} -> ${to}, ${words})`;
}

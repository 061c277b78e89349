import type { Alike } from "./effect/alike.ts";
import { alikeWords } from "./effect/alike-words.ts";
import type { Effect, EffectChange } from "./effect.ts";

/** What a change opens and closes, a line each; `opens: pods of namespace dev (12) -> app=web in shop (3): TCP 80`. */
export function effectText(effect: Effect): string {
  const lines = effect.changes.length === 0 ? nothing(effect) : [...effect.changes.map(lineOf), ...foldedLine(effect)];
  return lines.map((line) => `${line}\n`).join("");
}

/** Why, where there is a reason to tell: a policy may be gone and others still decide as it did. */
function nothing({ alike }: Effect): readonly string[] {
  const [first, ...others] = alike === null ? [] : alikeWords(alike);
  if (first === undefined) return ["changes nothing: every connection is decided as before"];
  if (others.length === 0) return [`changes nothing: ${first}`];
  return ["changes nothing, every connection is decided as before:", ...[first, ...others].map((fact) => `  ${fact}`)];
}

function lineOf({ kind, from, to, family, words }: EffectChange): string {
  const over = family === null ? "" : ` (IPv${family} only)`;
  return `${kind}: ${from.words} -> ${to.words}: ${words}${over}`;
}

function foldedLine({ folded: { opens, closes } }: Effect): readonly string[] {
  if (opens + closes === 0) return [];
  const parts = [...(opens > 0 ? [`${opens} that open`] : []), ...(closes > 0 ? [`${closes} that close`] : [])];
  return [`and ${parts.join(" and ")} something between fewer pods`];
}

function alikeSummary(alike: Alike): readonly string[] {
  const [first, ...others] = alikeWords(alike);
  if (first === undefined) return [];
  return [others.length === 0 ? first : `${first} and more (${others.length})`];
}

/** In one line: `opens 3, closes 1; most of all: pods of namespace dev (12) -> app=web in shop (3): TCP 80`. */
export function effectSummary({ changes, folded, alike }: Effect): string {
  const [widest] = changes;
  if (widest === undefined) return ["changes no connection", ...(alike === null ? [] : alikeSummary(alike))].join(": ");
  const count = (kind: EffectChange["kind"]) => changes.filter((change) => change.kind === kind).length + folded[kind];
  const [opens, closes] = [count("opens"), count("closes")];
  if (opens + closes === 1) return lineOf(widest);
  const counts = [...(opens > 0 ? [`opens ${opens}`] : []), ...(closes > 0 ? [`closes ${closes}`] : [])].join(", ");
  return `${counts}; most of all ${lineOf(widest)}`;
}

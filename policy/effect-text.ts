import { listed } from "./effect/words.ts";
import type { Effect, EffectChange } from "./effect.ts";

const maxPolicies = 3;

/** What a change opens and closes, a line each; `opens: pods of namespace dev (12) -> app=web in shop (3): TCP 80`. */
export function effectText(effect: Effect): string {
  if (effect.changes.length === 0) return `${nothing(effect)}\n`;
  return [...effect.changes.map(lineOf), ...foldedLine(effect)].map((line) => `${line}\n`).join("");
}

/** A policy may be gone and others still decide as it did. */
function nothing({ policies }: Effect): string {
  const others =
    policies.length === 0
      ? ""
      : `; wherever ${listed(policies, maxPolicies)} differ${policies.length === 1 ? "s" : ""}, other policies decide alike`;
  return `changes nothing: every connection is decided as before${others}`;
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

/** In one line: `opens 3, closes 1; most of all: pods of namespace dev (12) -> app=web in shop (3): TCP 80`. */
export function effectSummary({ changes, folded }: Effect): string {
  const [widest] = changes;
  if (widest === undefined) return "changes no connection";
  const count = (kind: EffectChange["kind"]) => changes.filter((change) => change.kind === kind).length + folded[kind];
  const [opens, closes] = [count("opens"), count("closes")];
  if (opens + closes === 1) return lineOf(widest);
  const counts = [...(opens > 0 ? [`opens ${opens}`] : []), ...(closes > 0 ? [`closes ${closes}`] : [])].join(", ");
  return `${counts}; most of all ${lineOf(widest)}`;
}

// The revision of a Program, as a tree of SHA-256 so that a change hashes anew only what it touches:
//
//   revision => first 16 digits of hash(stage "\n" ...)   for stage 0, 1, ... to the last of `applies`
//   stage    => hash(entry "\n" ...)                      for its entries in order
//   entry    => first 32 digits of hash(canonical JSON of the entry without its stage)
//
// An entry names its block, and a block its sets, by hashes of their contents.
import { canonicalJson, textHash } from "./hash.ts";
import type { Applicability } from "./program.ts";

/** An entry of a Program's `applies` that has no place yet. */
export type Entry = Omit<Applicability, "stage">;

export function linesOf(entries: readonly Entry[]): readonly string[] {
  return entries.map((entry) => textHash(canonicalJson(entry)).slice(0, 32));
}

/** Of the lines of its entries. */
export function stageDigest(lines: readonly string[]): string {
  return textHash(lines.map((line) => `${line}\n`).join(""));
}

export function revisionOfStages(digests: readonly string[]): string {
  return textHash(digests.map((digest) => `${digest}\n`).join("")).slice(0, 16);
}

/** From the `applies` of a Program or of its archived text: whoever has the text can check the revision. */
export function revisionOf(applies: readonly Applicability[]): string {
  const count = Math.max(-1, ...applies.map(({ stage }) => stage)) + 1;
  const stages = Array.from({ length: count }, (_, rank) => applies.filter(({ stage }) => stage === rank));
  return revisionOfStages(
    stages.map((entries) => stageDigest(linesOf(entries.map(({ stage: _, ...entry }) => entry)))),
  );
}

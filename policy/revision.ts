// The revision of a Program, as a tree of SHA-256 so that a change hashes anew only what it touches:
//
//   revision => first 16 digits of hash(stage "\n" ...)   for stage 0, 1, ... to the last of `applies`
//   stage    => hash(entry ...)                           for its entries in order
//   entry    => first 16 bytes of hash(canonical JSON of the entry without its stage)
//
// An entry names its block, and a block its sets, by hashes of their contents.
import { DigestList } from "./digest-list.ts";
import { canonicalJson, textHash } from "./hash.ts";
import type { Applicability } from "./program.ts";

/** An entry of a Program's `applies` that has no place yet. */
export type Entry = Omit<Applicability, "stage">;

export function hashesOf(entries: readonly Entry[]): readonly string[] {
  return entries.map((entry) => textHash(canonicalJson(entry)));
}

export function stageDigest(hashes: readonly string[]): string {
  const list = new DigestList();
  list.splice(0, 0, hashes);
  return textHash(list.bytes());
}

export function revisionOfStages(digests: readonly string[]): string {
  return textHash(digests.map((digest) => `${digest}\n`).join("")).slice(0, 16);
}

/** From the `applies` of a Program or of its archived text: whoever has the text can check the revision. */
export function revisionOf(applies: readonly Applicability[]): string {
  const count = Math.max(-1, ...applies.map(({ stage }) => stage)) + 1;
  const stages = Array.from({ length: count }, (_, rank) => applies.filter(({ stage }) => stage === rank));
  return revisionOfStages(
    stages.map((entries) => stageDigest(hashesOf(entries.map(({ stage: _, ...entry }) => entry)))),
  );
}

// A Program as a text of its own, for whoever must have it again after a restart, when the policies may say something else:
//
//   text => JSON {"format", "revision", "hash", "rules": [[id, origin]...], "program": canonical text of the Program}
//
// `hash` is that of everything else, so a text that was cut or touched is refused rather than enforced.
import { parseCidr } from "../core/address.ts";
import { messageOf, SluiceError } from "../core/errors.ts";
import { canonicalText } from "./compile.ts";
import { canonicalJson, textHash } from "./hash.ts";
import type { Program, SetDefinition } from "./program.ts";
import { revisionOf } from "./revision.ts";

const format = "sluice program 1";

export function programText(program: Program): string {
  const { revision, notEnforced } = program;
  const body = { rules: [...program.rules], notEnforced, program: canonicalText(program) };
  return `${JSON.stringify({ format, revision, hash: textHash(canonicalJson(body)), ...body })}\n`;
}

/** Throws LAST_GOOD_INVALID if the text is no such Program, whole and untouched. */
export function parseProgramText(text: string): Program {
  const { revision, hash, ...body } = read(text);
  if (textHash(canonicalJson(body)) !== hash) throw refused("its hash is another one");
  const { sets, blocks, applies } = JSON.parse(body.program) as Parts;
  if (revisionOf(applies) !== revision) throw refused("its revision is another one");
  return {
    revision,
    sets: new Map(sets.map(([id, definition]) => [id, whole(definition)])),
    blocks: new Map(blocks),
    applies,
    rules: new Map(body.rules),
    notEnforced: body.notEnforced,
  };
}

interface Parts {
  readonly sets: readonly [...Entry<Program["sets"]>][];
  readonly blocks: readonly [...Entry<Program["blocks"]>][];
  readonly applies: Program["applies"];
}

type Entry<M> = M extends ReadonlyMap<infer K, infer V> ? [K, V] : never;

interface Written {
  readonly revision: string;
  readonly hash: string;
  readonly rules: readonly Entry<Program["rules"]>[];
  readonly notEnforced: Program["notEnforced"];
  readonly program: string;
}

function read(text: string): Written {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refused(messageOf(cause));
  }
  const { format: found, ...written } = Object(value) as Partial<Written> & { readonly format?: unknown };
  if (found !== format) throw refused(`its format is not "${format}"`);
  return written as Written;
}

/** JSON has no big numbers: they come again from the text of the prefix. */
function whole(definition: SetDefinition): SetDefinition {
  return definition.kind === "cidrs"
    ? { ...definition, cidrs: definition.cidrs.map(({ text }) => parseCidr(text)) }
    : definition;
}

function refused(why: string): SluiceError {
  return new SluiceError("LAST_GOOD_INVALID", `the program that was kept is not used: ${why}`);
}

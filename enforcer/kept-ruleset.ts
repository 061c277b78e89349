// A Ruleset as a text that outlives the process. Two lines:
//
//   header => JSON {"format", "node", "revision", "hash"}     hash: SHA-256 of the second line
//   body   => JSON of the Ruleset; a Map is {"map": [[key, value]...]}, a Set {"set": [value...]}
//
// Read strictly: every value must be one that a Ruleset may hold, and text.ts must be able to print all of it.
import { messageOf, SluiceError } from "../core/errors.ts";
import { textHash } from "../policy/hash.ts";
import { diff } from "./diff.ts";
import type { Chain, Ruleset } from "./ruleset.ts";
import { ruleText, textOf } from "./text.ts";

const format = "sluice ruleset 1";

/** What was last in force on a node. */
export interface KeptRuleset {
  readonly node: string;
  /** Of the Program that it renders; null: of none. */
  readonly revision: string | null;
  readonly ruleset: Ruleset;
}

/** Texts of chains, which never change, are made once. */
export class KeptRulesetWriter {
  readonly #texts = new WeakMap<Chain, string>();

  text({ node, revision, ruleset }: KeptRuleset): string {
    const { chains, ...others } = ruleset;
    const parts = Object.entries(others).map(([key, objects]) => `"${key}":${JSON.stringify(objects, collected)}`);
    const body = `{${[...parts, `"chains":{"map":[${this.#chains(chains)}]}`].join()}}`;
    return `${JSON.stringify({ format, node, revision, hash: textHash(body) })}\n${body}\n`;
  }

  #chains(chains: Ruleset["chains"]): string {
    return [...chains].map(([name, chain]) => `[${JSON.stringify(name)},${this.#chain(chain)}]`).join();
  }

  #chain(chain: Chain): string {
    const known = this.#texts.get(chain) ?? JSON.stringify(chain, collected);
    this.#texts.set(chain, known);
    return known;
  }
}

/** Throws LAST_GOOD_INVALID unless the text is a whole Ruleset of that node. */
export function parseKeptRuleset(text: string, node: string): KeptRuleset {
  const [first = "", body = "", ...rest] = text.split("\n");
  const header = parse(first) as Partial<Record<"format" | "node" | "revision" | "hash", unknown>> | null;
  if (header?.format !== format) throw refused(`its format is not "${format}"`);
  if (header.node !== node) throw refused(`it is of node ${JSON.stringify(header.node)}, not of ${node}`);
  if (rest.join("") !== "" || textHash(body) !== header.hash) throw refused("it is damaged: its hash is another one");
  const { revision } = header;
  if (revision !== null && !(typeof revision === "string" && /^[0-9a-f]{1,64}$/.test(revision)))
    throw refused("its revision is none");
  return { node, revision, ruleset: rulesetOf(revived(parse(body))) };
}

function rulesetOf(value: unknown): Ruleset {
  const { sets, maps, chains, counters } = Object(value) as Partial<Record<keyof Ruleset, unknown>>;
  for (const part of [sets, maps, chains]) if (!(part instanceof Map)) throw refused("it lacks sets, maps or chains");
  if (!(counters instanceof Set)) throw refused("it lacks counters");
  const ruleset = value as Ruleset;
  try {
    // Whatever is missing, or unknown to this version, prints as such or as nothing.
    if (/\bundefined\b/.test(textOf(diff(undefined, ruleset))) || !hasKnownRules(ruleset))
      throw new Error("a part of it is unknown");
  } catch (thrown) {
    throw refused(messageOf(thrown));
  }
  return ruleset;
}

function hasKnownRules({ chains }: Ruleset): boolean {
  const rules = [...chains.values()].flatMap((chain) => chain.rules);
  return rules.every(
    ({ when, statements }) =>
      when.every((condition) => ruleText({ when: [condition], statements: [] }) !== "") &&
      statements.every((statement) => ruleText({ when: [], statements: [statement] }) !== ""),
  );
}

function collected(_: string, value: unknown): unknown {
  if (value instanceof Set) return { set: [...value] };
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return typeof (value as { entries?: unknown }).entries === "function"
    ? { map: [...(value as ReadonlyMap<unknown, unknown>)] }
    : value;
}

/** Names, numbers, addresses, concatenations, quoted interfaces: nothing that ends a word or a command of nft. */
const plainText = /^[A-Za-z0-9_.:/"@|* -]{0,256}$/;

function revived(value: unknown): unknown {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isInteger(value)) return value;
  if (typeof value === "string" && plainText.test(value)) return value;
  if (Array.isArray(value)) return value.map(revived);
  if (typeof value !== "object") throw refused(`it holds ${JSON.stringify(value).slice(0, 60)}`);
  const { map, set, ...others } = value as Record<string, unknown>;
  if (Array.isArray(set)) return new Set(set.map(revived));
  if (Array.isArray(map)) return new Map(map.map((entry) => revived(entry) as [unknown, unknown]));
  return revivedObject({ ...others, ...(map === undefined ? {} : { map }), ...(set === undefined ? {} : { set }) });
}

function revivedObject(value: Record<string, unknown>): object {
  for (const key of Object.keys(value)) if (!/^[A-Za-z0-9]{1,40}$/.test(key)) throw refused("it holds a strange name");
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, revived(one)]));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refused(`it is damaged: ${messageOf(cause)}`);
  }
}

function refused(why: string): SluiceError {
  return new SluiceError("LAST_GOOD_INVALID", `the ruleset that was kept is not used: ${why}`);
}

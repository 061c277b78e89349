import { bitsOf, type RuleId } from "../core/rule-id.ts";
import type { Comparison } from "../enforcer/compare.ts";
import type { DifferenceLine, ListingDifference } from "../enforcer/listing-diff.ts";
import { clean, plural } from "../sinks/live/text.ts";
import { type ToldDifference, withPairs } from "./chain-pairs.ts";
import { RulesetNames, ruleIdsInWords } from "./ruleset-names.ts";
import type { WantedRuleset } from "./wanted-ruleset.ts";

/** `+` is wanted and not there, `-` is there and not wanted; for people. */
export function comparisonText(wanted: WantedRuleset, comparison: Comparison, limit: number): string {
  const { differences, loaded } = comparison;
  const names = new RulesetNames(wanted);
  if (differences.length === 0) return `${inSyncText(wanted, comparison)}\n`;
  if (!loaded)
    return `✗ there is no table "inet sluice": nothing is enforced here; ${summaryText(wanted, comparison)}\n`;
  const told = withPairs(differences).filter(({ key }) => !isRuleCounter(key));
  const lines = told.flatMap((difference) => ["", ...objectLines(difference, names, limit)]);
  return `✗ ${[summaryText(wanted, comparison), ...policyLines(differences, names), ...lines].join("\n")}\n`;
}

/** For programs. */
export function comparisonObject(wanted: WantedRuleset, comparison: Comparison): object {
  const names = new RulesetNames(wanted);
  return {
    type: "ruleset-comparison",
    node: wanted.node,
    revision: wanted.program.revision,
    inSync: comparison.differences.length === 0,
    loaded: comparison.loaded,
    compared: comparison.size,
    counts: countsOf(comparison.differences),
    ms: Math.round(comparison.ms),
    differences: comparison.differences.map(({ key, what, header, lines }) => ({
      object: key,
      change: what,
      about: about(key, names) ?? null,
      header,
      lines: lines.map((line) => ({ ...line, rule: ruleWords(key, line, names) ?? null })),
    })),
  };
}

function inSyncText({ node, program }: WantedRuleset, comparison: Comparison): string {
  return `✓ ${node} is in sync with policy revision ${program.revision}: ${comparedText(comparison)}`;
}

function comparedText({ size, ms }: Comparison): string {
  const { rules, sets, elements } = size;
  const parts = [plural(rules, "rule"), plural(sets, "set"), plural(elements, "element")];
  return `${parts.join(", ")}, compared in ${durationText(ms)}`;
}

const durationText = (ms: number) => (ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

function summaryText({ node, program }: WantedRuleset, comparison: Comparison): string {
  const { objects, rules, elements } = countsOf(comparison.differences);
  const parts = [
    `${plural(comparison.differences.length, "object")} (${objects.missing} missing, ${objects.foreign} foreign, ${objects.changed} changed)`,
    `rules +${rules.missing} -${rules.foreign}`,
    `elements +${elements.missing} -${elements.foreign}`,
  ];
  const about = `${node} is not as policy revision ${program.revision} wants it`;
  return `${about}: ${parts.join(", ")}; of ${comparedText(comparison)}`;
}

function countsOf(differences: readonly ListingDifference[]) {
  const objects = { missing: 0, foreign: 0, changed: 0 };
  const [rules, elements] = [
    { missing: 0, foreign: 0 },
    { missing: 0, foreign: 0 },
  ];
  for (const { key, what, lines } of differences) {
    objects[what] += 1;
    const counts = key.startsWith("chain ") ? rules : elements;
    for (const { sign } of lines) counts[sign === "+" ? "missing" : "foreign"] += 1;
  }
  return { objects, rules, elements };
}

/** They come and go with the rules that count by them. */
const isRuleCounter = (key: string) => /^counter r_[0-9a-f]{16}$/.test(key);

/** Which rules of policies come and go; those that only move to another chain do neither. */
function policyLines(differences: readonly ListingDifference[], names: RulesetNames): readonly string[] {
  const ids = (sign: "+" | "-") =>
    new Set(differences.flatMap(({ lines }) => lines.filter((line) => line.sign === sign)).flatMap(idsOf));
  const [come, gone] = [ids("+"), ids("-")];
  const line = (sign: "+" | "-", id: RuleId) => `  ${sign} ${names.rule(id) ?? `rule ${id} of another program`}`;
  const lines = [
    ...[...gone].filter((id) => !come.has(id)).map((id) => line("-", id)),
    ...[...come].filter((id) => !gone.has(id)).map((id) => line("+", id)),
  ];
  const shown = lines.slice(0, maxRules);
  return lines.length > shown.length ? [...shown, `  … and ${lines.length - shown.length} rules more`] : shown;
}

const maxRules = 50;
const idsOf = ({ words }: DifferenceLine) => ruleIdsInWords(words);

const signs: Readonly<Record<ListingDifference["what"], string>> = { missing: "+", foreign: "-", changed: "~" };

function objectLines(
  { key, what, header, lines, insteadOf }: ToldDifference,
  names: RulesetNames,
  limit: number,
): readonly string[] {
  const words = about(key, names);
  const shown = lines.slice(0, limit).map((line) => {
    const rule = ruleWords(key, line, names);
    return `    ${line.sign} ${withoutBits(clean(line.words))}${rule === undefined ? "" : `   # ${rule}`}`;
  });
  const more = lines.length - shown.length;
  return [
    `${signs[what]} ${clean(key)}${insteadOf === null ? "" : ` instead of ${clean(insteadOf)}`}${words === undefined ? "" : `  (${words})`}`,
    ...(header === null ? [] : headerLines(header)),
    ...shown,
    ...(more > 0 ? [`    … and ${more.toLocaleString("en-US")} more`] : []),
  ];
}

/** The bits of a label are those of the id that the rule counts by, unless somebody changed them: only then they tell something. */
function withoutBits(words: string): string {
  return words.replace(/ct label set ((?:\d+ \| )*\d+)/, (all, bits: string) => {
    const set = bits.split(" | ").map(Number);
    const id = ruleIdsInWords(words).find((each) => [0, 64].some((offset) => isSame(bitsOf(each), set, offset)));
    return id === undefined ? all : "ct label set …";
  });
}

const isSame = (bits: readonly number[], set: readonly number[], offset: number) =>
  bits.length === set.length && bits.every((bit, at) => bit + offset === set[at]);

/** What the declaration of an object says otherwise, field by field. */
function headerLines({ wanted, found }: { readonly wanted: string; readonly found: string }): readonly string[] {
  const [ours, theirs] = [wanted, found].map((text) => JSON.parse(text) as Readonly<Record<string, unknown>>);
  const fields = [...new Set([...Object.keys(theirs ?? {}), ...Object.keys(ours ?? {})])];
  const text = (value: unknown) => (value === undefined ? "nothing" : clean(JSON.stringify(value)));
  return fields
    .filter((field) => JSON.stringify(ours?.[field]) !== JSON.stringify(theirs?.[field]))
    .map((field) => `    ! ${clean(field)} is ${text(theirs?.[field])}, wanted is ${text(ours?.[field])}`);
}

function about(key: string, names: RulesetNames): string | undefined {
  const [kind = "", name = ""] = key.split(" ");
  return (kind === "chain" ? names.chain(name) : names.set(name)) || undefined;
}

/** By its place where it is wanted; by the ids that nft prints with it where somebody else put it. */
function ruleWords(key: string, { sign, at, words }: DifferenceLine, names: RulesetNames): string | undefined {
  if (at === null || !key.startsWith("chain ")) return undefined;
  if (sign === "+") return names.ruleAt(key.slice("chain ".length), at);
  const ids = ruleIdsInWords(words);
  return ids.map((id) => names.rule(id) ?? `rule ${id} of another program`)[0];
}

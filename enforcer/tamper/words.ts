import { messageOf } from "../../core/errors.ts";
import type { NftElement } from "../../core/netlink/nft-event.ts";
import { ruleTextOf, verdictText } from "../../core/netlink/nft-rule-text.ts";
import type { BaseHook, Name, Rule, Ruleset } from "../ruleset.ts";
import { ruleText, table } from "../text.ts";
import { elementOfKey, intervalsOfKeys } from "./element-of-key.ts";
import type { TableEvent, Tampering } from "./table-event.ts";

/** What somebody did to our table, for people. */
export interface Words {
  /** `removed 1 rule of chain egress_forward, added 2 elements to map egress4` */
  readonly summary: string;
  /** `-` what was wanted and is not there, `+` what was found and is not wanted, in nft's words. */
  readonly diff: readonly string[];
  /** `removed rule, added element`: what like acts have in common. */
  readonly kind: string;
}

/** Number from 0 of a rule of ours in its chain; undefined if it is none. */
export type PlaceOf = (chain: string, handle: number) => number | undefined;

/** A diff longer than that tells no more to people; the number of what is left out stands at its end. */
const longest = 60;
/** Nobody reads a longer sentence. */
const mostActs = 3;

export function wordsOf(wanted: Ruleset, { events, omitted }: Tampering, placeOf: PlaceOf): Words {
  const acts = actsOf(wanted, events, placeOf);
  const lines = acts.flatMap(({ diff }) => diff);
  const left = Math.max(0, lines.length - longest) + omitted;
  return {
    summary: summaryOf(acts),
    kind: [...new Set(acts.map(({ kind }) => kind))].sort().join(", "),
    diff: [...lines.slice(0, longest), ...(left > 0 ? [`… and ${left} more`] : [])],
  };
}

function summaryOf(acts: readonly Act[]): string {
  if (acts.length === 0) return "changed it";
  const more = acts.length > mostActs ? [`and ${acts.length - mostActs} more`] : [];
  return [...acts.slice(0, mostActs).map(({ summary }) => summary), ...more].join(", ");
}

/** Everything of one kind that was done to one object. */
type Act = Words;

function actsOf(wanted: Ruleset, events: readonly TableEvent[], placeOf: PlaceOf): readonly Act[] {
  // Who deletes the table deletes what is in it, and the kernel tells of all of it.
  if (events.some(({ what, gone }) => what === "table" && gone)) return [tableGone(wanted)];
  const gone = new Set(events.flatMap((event) => (event.gone && "name" in event ? [event.name] : [])));
  const rules = Map.groupBy(
    events.filter((event) => event.what === "rule"),
    ({ chain }) => chain,
  );
  const elements = Map.groupBy(
    events.filter((event) => event.what === "elements"),
    ({ set }) => set,
  );
  return [
    ...events.flatMap((event) => ("name" in event ? [objectAct(wanted, event)] : [])),
    ...[...rules]
      .filter(([chain]) => !gone.has(chain))
      .flatMap(([chain, some]) => ruleActs(wanted, chain, some, placeOf)),
    ...[...elements].filter(([set]) => !gone.has(set)).flatMap(([set, some]) => elementActs(wanted, set, some)),
  ];
}

function tableGone({ chains, sets, maps }: Ruleset): Act {
  const rules = [...chains.values()].reduce((sum, chain) => sum + chain.rules.length, 0);
  const held = [count(chains.size, "chain"), count(rules, "rule"), count(sets.size + maps.size, "set")].join(", ");
  return { summary: `deleted the whole table (${held})`, kind: "deleted table", diff: [`- table ${table} (${held})`] };
}

function objectAct(wanted: Ruleset, event: Extract<TableEvent, { name: string }>): Act {
  const { what, name, gone } = event;
  const verb = gone ? "deleted" : "added";
  const noun = what === "set" && wanted.maps.has(name as Name) ? "map" : what;
  const chain = what === "chain" ? wanted.chains.get(name as Name) : undefined;
  const rules = chain === undefined ? "" : ` (${count(chain.rules.length, "rule")})`;
  const base = chain?.base ?? null;
  const diff = `${gone ? "-" : "+"} ${noun} ${name}${base === null ? "" : hookText(base)}${gone ? rules : ""}`;
  return { summary: `${verb} ${noun} ${name}${gone ? rules : ""}`, kind: `${verb} ${noun}`, diff: [diff] };
}

function hookText({ hook, priority }: BaseHook): string {
  return ` { type filter hook ${hook} priority ${priority}; policy accept; }`;
}

type RuleEvent = Extract<TableEvent, { what: "rule" }>;

function ruleActs(wanted: Ruleset, chain: string, events: readonly RuleEvent[], placeOf: PlaceOf): readonly Act[] {
  const all = wanted.chains.get(chain as Name)?.rules ?? [];
  const came = events.filter(({ gone }) => !gone);
  const lost = events.filter(({ gone }) => gone);
  const diff = [
    ...lost
      .map((event) => ({ event, place: placeOf(chain, event.handle) }))
      .sort((a, b) => (a.place ?? all.length) - (b.place ?? all.length))
      .map(({ event, place }) => `- chain ${chain}${lostText(all, event, place)}`),
    ...came.map((event) => `+ chain ${chain}: ${foundText(event)}`),
  ];
  const [fewer, more] = [lost.length, came.length];
  if (fewer > 0 && fewer === more)
    return [{ summary: `replaced ${count(fewer, "rule")} of chain ${chain}`, kind: "replaced rule", diff }];
  const removed = fewer === all.length && fewer > 1 ? `removed all ${fewer} rules` : `removed ${count(fewer, "rule")}`;
  const summaries = [
    ...(fewer > 0 ? [`${removed} of chain ${chain}`] : []),
    ...(more > 0 ? [`added ${count(more, "rule")} to chain ${chain}`] : []),
  ];
  const kinds = [...(fewer > 0 ? ["removed rule"] : []), ...(more > 0 ? ["added rule"] : [])];
  return [{ summary: summaries.join(", "), kind: kinds.join(", "), diff }];
}

function lostText(all: readonly Rule[], event: RuleEvent, place: number | undefined): string {
  const rule = place === undefined ? undefined : all[place];
  if (rule === undefined || place === undefined) return `: ${foundText(event)}`;
  return `, rule ${place + 1} of ${all.length}: ${ruleText(rule)}`;
}

/** As the kernel told it. */
function foundText({ expressions, handle }: RuleEvent): string {
  try {
    return ruleTextOf(expressions) || `a rule that says nothing (handle ${handle})`;
  } catch (thrown) {
    return `a rule that cannot be read (handle ${handle}; ${messageOf(thrown)})`;
  }
}

type ElementsEvent = Extract<TableEvent, { what: "elements" }>;

function elementActs(wanted: Ruleset, name: string, events: readonly ElementsEvent[]): readonly Act[] {
  const noun = wanted.maps.has(name as Name) ? "map" : "set";
  const some = (gone: boolean) => events.filter((event) => event.gone === gone).flatMap(({ elements }) => elements);
  const act = (verb: string, sign: string, preposition: string, texts: readonly string[]): readonly Act[] =>
    texts.length === 0
      ? []
      : [
          {
            summary: `${verb} ${count(texts.length, "element")} ${preposition} ${noun} ${name}`,
            kind: `${verb} element`,
            diff: texts.map((text) => `${sign} ${noun} ${name} { ${text} }`),
          },
        ];
  return [
    ...act("removed", "-", "of", elementTexts(wanted, name, some(true))),
    ...act("added", "+", "to", elementTexts(wanted, name, some(false))),
  ];
}

function elementTexts(wanted: Ruleset, name: string, elements: readonly NftElement[]): readonly string[] {
  const [set, map] = [wanted.sets.get(name as Name), wanted.maps.get(name as Name)];
  const type = (set ?? map)?.type ?? [];
  const [only] = type;
  if (set?.flag === "interval" && only !== undefined && type.length === 1) return intervalsOfKeys(elements, only);
  return elements.map(({ key, verdict }) => {
    const text = elementOfKey(key, type) ?? `0x${Buffer.from(key).toString("hex")}`;
    return verdict === null ? text : `${text} : ${verdictText(verdict.code, verdict.chain)}`;
  });
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

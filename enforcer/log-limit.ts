// Packets of one rule and source are logged so many a second and no more, so that a flood of one does not hide what others are denied.
// A set of the kernel's own counts them, by the rule and by who sent the packet; elements come with packets and go by themselves.
//
//   where a packet is denied => count it, and go to a chain of the log message; where nothing else stands in the way, just there:
//     over the limit         => count it as not logged, then what becomes of it
//     else                   => log it, then what becomes of it
//
// When the set is full the kernel makes no element, and such a rule holds for nobody: then packets of pairs that have none are logged
// without limit. What the reader of the log does not keep up with is missing in its sequence, and told as lost.
import { createHash } from "node:crypto";
import type { Family } from "../core/address.ts";
import { tryParseRuleId } from "../core/rule-id.ts";
import type { Draft } from "./draft.ts";
import {
  type Condition,
  type LogPrefix,
  type Name,
  type NamedSet,
  nameOf,
  type Rule,
  type Statement,
} from "./ruleset.ts";
import { prefixText } from "./text.ts";

/** How many packets of one rule and source are logged: so many a second, after as many at once as `burst`. */
interface LogLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** Where something is logged: as RenderContext. */
interface LogContext {
  readonly draft: Draft;
  readonly families: readonly Family[];
  readonly log: LogSettings;
}

export interface LogSettings {
  readonly group: number;
  readonly snaplen: number;
  /** Null: every packet is logged. */
  readonly limit: LogLimit | null;
}

/** Of packets that were not logged, all together: whoever tells of them need not read the others while this one rests. */
const unloggedCounter = nameOf("unlogged");

type Source = "saddr4" | "saddr6" | "iifname";

const setOf: Readonly<Record<Source, Name>> = {
  saddr4: nameOf("logged4"),
  saddr6: nameOf("logged6"),
  iifname: nameOf("logged_link"),
};
const typeOf = { saddr4: "ipv4_addr", saddr6: "ipv6_addr", iifname: "ifname" } as const;

// Longer than it takes to be under the limit again, so that whoever pauses is no newcomer; 65,536 elements are 12 MB.
const keptMs = 10_000;
const maxElements = 65_536;

/** Without elements, which come from packets. */
export function loggedSets(): readonly NamedSet[] {
  return (["saddr4", "saddr6", "iifname"] as const).map((source) => ({
    name: setOf[source],
    type: ["mark", typeOf[source]],
    flag: "dynamic",
    timeoutMs: keptMs,
    size: maxElements,
    elements: new Set(),
  }));
}

/** Tells of a packet of which this holds, counts it, and does what becomes of it; without `end` the packet goes on behind. */
export function logged(
  context: LogContext,
  when: readonly Condition[],
  prefix: LogPrefix,
  counting: readonly Statement[],
  end?: Statement,
): readonly Rule[] {
  const { group, snaplen, limit } = context.log;
  const log: Statement = { do: "log", prefix, group, snaplen };
  const ending = end === undefined ? [] : [end];
  if (limit === null) return [{ when, statements: [log, ...counting, ...ending] }];
  const isHere = when.length === 0 && end !== undefined;
  const here = isHere ? counting : [];
  const rules: readonly Rule[] = [
    ...sourcesOf(context, prefix).map((source) => ({
      when: [overLimit(source, prefix, limit)],
      statements: [...here, ...notLogged(context, prefix), end ?? ({ do: "return" } as const)],
    })),
    { when: [], statements: [log, ...here, ...ending] },
  ];
  if (isHere) return rules;
  return [{ when, statements: [...counting, { do: "jump", to: context.draft.chain("log", rules) }] }];
}

/** What is spoofed may have any source, and shall not fill the set: it is known by the interface where it comes in. */
function sourcesOf({ families }: LogContext, { because }: LogPrefix): readonly Source[] {
  return because === "spoofed" ? ["iifname"] : families.map((family) => (family === 4 ? "saddr4" : "saddr6"));
}

function overLimit(source: Source, prefix: LogPrefix, limit: LogLimit): Condition {
  return { if: "overLimit", set: setOf[source], of: numberOf(prefix), source, ...limit };
}

function notLogged({ draft }: LogContext, { direction, because }: LogPrefix): readonly Statement[] {
  const id = tryParseRuleId(because);
  const own = nameOf(id === undefined ? `u_${direction}_${because.replaceAll("-", "_")}` : `u_${id}`);
  return [unloggedCounter, own].map((name) => ({ do: "count", counter: draft.counter(name) }));
}

/** Stands for the rule in keys of the set: 32 bits of a hash of what the log says. Two that have the same share a limit. */
function numberOf(prefix: LogPrefix): number {
  return createHash("sha256").update(prefixText(prefix)).digest().readUInt32BE(0);
}

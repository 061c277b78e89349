import type { Counts } from "../core/netlink/nft-counters.ts";
import { type RuleId, tryParseRuleId } from "../core/rule-id.ts";
import type { RuleOrigin } from "../policy/program.ts";

/** How often each rule of a node was met, kept over restarts: the content of <data>/status/NODE.hits.json. Times are milliseconds. */
export interface HitHistory {
  readonly type: "rule-hits";
  readonly node: string;
  readonly writtenAt: number;
  readonly rules: Readonly<Record<string, RuleHits>>;
}

/** New connections for rules that allow, packets for those that deny: what is established meets no rule. */
export interface RuleHits {
  /** What the rule is, so that it can be named when its policy is gone. */
  readonly origin: RuleOrigin | null;
  /** Since when hits are counted. */
  readonly since: number;
  /** When the counter last moved; null: never. Known to within the sampling interval. */
  readonly lastHit: number | null;
  readonly total: number;
  /** What the kernel's counter said last; it begins anew with every counter that is made. */
  readonly counter: number;
  /** When the rule was last seen in the kernel. */
  readonly seenAt: number;
  /** Hits by hour of the last day and by day of the last month: start of it in milliseconds, and how many. */
  readonly hours: readonly Span[];
  readonly days: readonly Span[];
}

type Span = readonly [start: number, hits: number];

const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
const hoursKept = 25;
const daysKept = 32;
/** How long a rule that is in force no more is still told of. */
const goneDays = 31;

export function emptyHistory(node: string): HitHistory {
  return { type: "rule-hits", node, writtenAt: 0, rules: {} };
}

/** What is known after the kernel's counters were read once more. Counters that went back were made anew. */
export function withCounts(
  history: HitHistory,
  counts: Counts,
  originOf: (id: RuleId) => RuleOrigin | undefined,
  now: number,
): HitHistory {
  const rules: Record<string, RuleHits> = {};
  for (const [id, hits] of Object.entries(history.rules)) if (now - hits.seenAt < goneDays * dayMs) rules[id] = hits;
  for (const [name, { packets }] of counts) {
    const id = name.startsWith("r_") ? tryParseRuleId(name.slice(2)) : undefined;
    if (id === undefined) continue;
    const before = rules[id];
    rules[id] = counted(before, packets, originOf(id) ?? before?.origin ?? null, now);
  }
  return { ...history, writtenAt: now, rules };
}

function counted(before: RuleHits | undefined, counter: number, origin: RuleOrigin | null, now: number): RuleHits {
  const known = before ?? { since: now, lastHit: null, total: 0, counter: 0, hours: [], days: [] };
  const fresh = counter >= known.counter ? counter - known.counter : counter;
  return {
    origin,
    since: known.since,
    lastHit: fresh > 0 ? now : known.lastHit,
    total: known.total + fresh,
    counter,
    seenAt: now,
    hours: added(known.hours, fresh, now, hourMs, hoursKept),
    days: added(known.days, fresh, now, dayMs, daysKept),
  };
}

function added(spans: readonly Span[], hits: number, now: number, length: number, kept: number): readonly Span[] {
  const start = now - (now % length);
  const oldest = start - (kept - 1) * length;
  const recent = spans.length > 0 && (spans[0]?.[0] ?? 0) < oldest ? spans.filter(([at]) => at >= oldest) : spans;
  if (hits === 0) return recent;
  const last = recent.at(-1);
  return last?.[0] === start ? [...recent.slice(0, -1), [start, last[1] + hits]] : [...recent, [start, hits]];
}

/** Hits since a moment, to the hour within the last day and else to the day. */
export function hitsSince({ hours, days, total }: RuleHits, since: number | null, now: number): number {
  if (since === null) return total;
  const [spans, length] = now - since <= dayMs ? [hours, hourMs] : [days, dayMs];
  return spans.filter(([start]) => start + length > since).reduce((sum, [, hits]) => sum + hits, 0);
}

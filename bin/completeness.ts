import type { Heartbeat } from "../core/records/heartbeat.ts";
import type { Loss } from "../core/records/loss.ts";

// Nodes tell every ten seconds for which time they speak, in heartbeats that join without gaps; every record of a node has a
// number of one sequence per epoch. So of each minute can be said:
//   silent    no heartbeat speaks for a part of it
//   lost      something that was not seen or not kept is on record, or numbers between two heartbeats are missing
//   stopped   the collector had ended in good order (its last heartbeat ends between the tens) and not begun again
//   complete  none of these

export type MinuteState = "complete" | "lost" | "silent" | "stopped";

/** One minute of one node. */
export interface Minute {
  readonly node: string;
  /** Microseconds. */
  readonly start: number;
  readonly state: MinuteState;
  /** How many were lost; null: nobody can say. */
  readonly lost: number | null;
  /** Where: sources of loss records, `archive` for numbers that are missing. */
  readonly where: readonly string[];
  /** Of the minute's seconds, how many nobody speaks for. */
  readonly silentSeconds: number;
}

/** Numbers `first` to `last` of a node's epoch are all there. */
export interface SequenceRun {
  readonly node: string;
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
}

export interface Evidence {
  /** Also from before the span: what a node told then says that it should tell now. */
  readonly heartbeats: readonly Heartbeat[];
  readonly losses: readonly Loss[];
  /** Of all kinds of records, from before the span as well. */
  readonly runs: readonly SequenceRun[];
}

interface Span {
  readonly since: number;
  readonly until: number;
}

const secondUs = 1_000_000;
const minuteUs = 60 * secondUs;
/** How far apart heartbeats begin and end (collectors/heartbeats.ts). */
const beatUs = 10 * secondUs;

/** Every minute that touches the span, by node and time; of nodes that told anything. Times in microseconds. */
export function completenessOf(evidence: Evidence, { since, until }: Span): readonly Minute[] {
  const spoken = [...evidence.heartbeats, ...evidence.losses].map(({ node }) => node);
  const nodes = [...new Set(spoken)].sort();
  return nodes.flatMap((node) => minutesOf(node, evidence, { since, until }));
}

/** Whether something is missing. */
export const isMissing = ({ state }: Minute): boolean => state === "lost" || state === "silent";

function minutesOf(node: string, evidence: Evidence, span: Span): readonly Minute[] {
  const heartbeats = evidence.heartbeats.filter((one) => one.node === node).sort(inTime);
  const losses = evidence.losses.filter((one) => one.node === node);
  const missing = missingNumbers(heartbeats, losses, runsOf(evidence.runs, node));
  const first = heartbeats[0];
  const silence = first === undefined ? [span] : silences(heartbeats, span);
  const stops = first === undefined ? [] : stopsOf(heartbeats, span.until);
  const minutes: Minute[] = [];
  for (let start = span.since - (span.since % minuteUs); start < span.until; start += minuteUs) {
    const minute = { since: Math.max(start, span.since), until: Math.min(start + minuteUs, span.until) };
    // What was before a node's first word is not its silence: it was not there, for all anybody knows.
    if (first !== undefined && minute.until <= first.start && !losses.some((loss) => touches(loss, minute))) continue;
    minutes.push({ node, start, ...judge(minute, losses, missing, silence, stops) });
  }
  return minutes;
}

function judge(
  minute: Span,
  losses: readonly Loss[],
  missing: readonly MissingNumbers[],
  silence: readonly Span[],
  stops: readonly Span[],
): Omit<Minute, "node" | "start"> {
  const lossesHere = losses.filter((loss) => touches(loss, minute));
  const missingHere = missing.filter(({ at }) => at >= minute.since && at < minute.until);
  const where = [...new Set([...lossesHere.map(({ source }) => source), ...missingHere.map(() => "archive")])].sort();
  const counts = [...lossesHere.filter((loss) => startsIn(loss, minute)), ...missingHere].map(({ count }) => count);
  const lost = counts.reduce<number | null>((sum, count) => (sum === null || count === null ? null : sum + count), 0);
  const silentUs = overlap(silence, minute);
  const isStopped = overlap(stops, minute) > 0;
  const state = where.length > 0 ? "lost" : silentUs > 0 ? "silent" : isStopped ? "stopped" : "complete";
  return { state, lost, where, silentSeconds: Math.round(silentUs / 100_000) / 10 };
}

/** A loss that spans minutes is counted in its first, and marks all. */
function startsIn({ start }: Loss, { since, until }: Span): boolean {
  return start < until && (start >= since || since % minuteUs !== 0);
}

const touches = ({ start, end }: Loss, { since, until }: Span) => start < until && (end > since || end === start);

/** Parts of the span, after a node's first heartbeat, that none speaks for though the collector did not end in good order. */
function silences(heartbeats: readonly Heartbeat[], span: Span): readonly Span[] {
  return gapsOf(heartbeats, span.until).filter(({ orderly }) => !orderly);
}

function stopsOf(heartbeats: readonly Heartbeat[], until: number): readonly Span[] {
  return gapsOf(heartbeats, until).filter(({ orderly }) => orderly);
}

interface Gap extends Span {
  readonly orderly: boolean;
}

function gapsOf(heartbeats: readonly Heartbeat[], until: number): readonly Gap[] {
  const gaps: Gap[] = [];
  let told = heartbeats[0] as Heartbeat;
  for (const heartbeat of heartbeats) {
    // What a run claims from before it began is no word of its own.
    const start = Math.max(heartbeat.start, heartbeat.epoch * 1000);
    if (start > told.end) gaps.push({ since: told.end, until: start, orderly: endsInGoodOrder(told) });
    if (heartbeat.end > told.end) told = heartbeat;
  }
  if (until > told.end) gaps.push({ since: told.end, until, orderly: endsInGoodOrder(told) });
  return gaps;
}

const endsInGoodOrder = ({ end }: Heartbeat) => end % beatUs !== 0;

function overlap(spans: readonly Span[], { since, until }: Span): number {
  return spans.reduce((sum, span) => sum + Math.max(0, Math.min(span.until, until) - Math.max(span.since, since)), 0);
}

interface MissingNumbers {
  readonly at: number;
  readonly count: number;
}

/**
 * Numbers between two heartbeats of an epoch that no record has, but those that a loss of the collector's own bounds near it
 * explains. They are placed where the later heartbeat ends.
 */
function missingNumbers(
  heartbeats: readonly Heartbeat[],
  losses: readonly Loss[],
  runs: readonly SequenceRun[],
): readonly MissingNumbers[] {
  let explained = losses.reduce((sum, { source, count }) => sum + (source === "queue" ? (count ?? 0) : 0), 0);
  const found: MissingNumbers[] = [];
  for (const beats of Map.groupBy(heartbeats, ({ epoch }) => epoch).values()) {
    const ordered = beats.toSorted((a, b) => a.seq - b.seq);
    for (const [at, later] of ordered.entries()) {
      const earlier = ordered[at - 1];
      if (earlier === undefined) continue;
      const gap = later.seq - earlier.seq - 1 - present(runs, later.epoch, earlier.seq + 1, later.seq - 1);
      const count = Math.max(0, gap - explained);
      explained = Math.max(0, explained - gap);
      if (count > 0) found.push({ at: later.end - 1, count });
    }
  }
  return found;
}

/** How many of the numbers `from` to `to` are there. */
function present(runs: readonly SequenceRun[], epoch: number, from: number, to: number): number {
  return runs
    .filter((run) => run.epoch === epoch)
    .reduce((sum, { first, last }) => sum + Math.max(0, Math.min(last, to) - Math.max(first, from) + 1), 0);
}

const runsOf = (runs: readonly SequenceRun[], node: string) => runs.filter((run) => run.node === node);

const inTime = (a: Heartbeat, b: Heartbeat) => a.start - b.start || a.end - b.end;

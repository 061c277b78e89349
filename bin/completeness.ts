import type { Heartbeat } from "../core/records/heartbeat.ts";
import type { Loss } from "../core/records/loss.ts";

// Nodes tell every ten seconds for which time they speak, in heartbeats that join without gaps; every record of a node has a
// number of one sequence per epoch. So of each minute can be said:
//   silent    no heartbeat speaks for a part of it
//   lost      something that was not seen or not kept is on record, or numbers between two heartbeats are missing
//   stopped   the collector had ended in good order (its last heartbeat ends between the tens) and not begun again
//   complete  none of these
// A minute in which a node stops or begins again is told in parts.

export type MinuteState = "complete" | "lost" | "silent" | "stopped";

/** One minute of one node, or the part of it that can be judged. */
export interface Minute {
  readonly node: string;
  /** Microseconds; `start` included, `end` not. */
  readonly start: number;
  readonly end: number;
  readonly state: MinuteState;
  /** How many were lost; null: nobody can say. */
  readonly lost: number | null;
  /** Where: sources of loss records, `archive` for numbers that are missing. */
  readonly where: readonly string[];
  /** Of its seconds, how many nobody speaks for. */
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
  /** From then on, microseconds: also from before the time asked about, for what a node told then says that it should tell now. */
  readonly since: number;
  readonly heartbeats: readonly Heartbeat[];
  readonly losses: readonly Loss[];
  /** Of all kinds of records. */
  readonly runs: readonly SequenceRun[];
}

interface Span {
  readonly since: number;
  readonly until: number;
}

/** The time asked about, in microseconds. */
export interface Asked extends Span {
  /** What happened before must have arrived by now. A node is judged up to then, or up to its orderly end if that is later. */
  readonly settled: number;
}

const secondUs = 1_000_000;
export const minuteUs = 60 * secondUs;
/** How far apart heartbeats begin and end (collectors/heartbeats.ts). */
const beatUs = 10 * secondUs;

/** Every minute that touches the span, by node and time; of nodes that told anything. */
export function completenessOf(evidence: Evidence, asked: Asked): readonly Minute[] {
  return nodesOf(evidence).flatMap((node) => minutesOf(node, evidence, asked));
}

/** The nodes that told anything. */
export function nodesOf({ heartbeats, losses }: Evidence): readonly string[] {
  return [...new Set([...heartbeats, ...losses].map(({ node }) => node))].sort();
}

/** Whether something is missing. */
export const isMissing = ({ state }: Pick<Minute, "state">): boolean => state === "lost" || state === "silent";

function minutesOf(node: string, evidence: Evidence, asked: Asked): readonly Minute[] {
  const heartbeats = evidence.heartbeats.filter((one) => one.node === node).sort(inTime);
  const losses = evidence.losses.filter((one) => one.node === node).map((loss) => within(loss, asked.since));
  const missing = missingNumbers(heartbeats, losses, runsOf(evidence.runs, node), evidence.since);
  const until = Math.min(asked.until, Math.max(asked.settled, orderlyEnd(heartbeats, missing)));
  const span = { since: asked.since, until };
  const first = heartbeats[0];
  const gaps = first === undefined ? [{ ...span, orderly: false }] : gapsOf(heartbeats, until);
  const [stops, silence] = [gaps.filter(({ orderly }) => orderly), gaps.filter(({ orderly }) => !orderly)];
  return partsOf(span, [first?.start ?? span.since, ...stops.flatMap((stop) => [stop.since, stop.until])]).flatMap(
    (part) => {
      // What was before a node's first word is not its silence: it was not there, for all anybody knows.
      if (first !== undefined && part.until <= first.start && !losses.some((loss) => touches(loss, part))) return [];
      return [{ node, start: part.since, end: part.until, ...judge(part, { losses, missing, silence, stops }) }];
    },
  );
}

/**
 * The end of a node that ended in good order last; 0: it did not. It holds at once if all its numbers are there, else they may be
 * on their way.
 */
function orderlyEnd(heartbeats: readonly Heartbeat[], missing: readonly MissingNumbers[]): number {
  const last = heartbeats.reduce<Heartbeat | undefined>(
    (a, b) => (a === undefined || b.end > a.end ? b : a),
    undefined,
  );
  if (last === undefined || !endsInGoodOrder(last) || missing.some(({ epoch }) => epoch === last.epoch)) return 0;
  return last.end;
}

/** The span cut at every full minute and at the cuts. */
function partsOf({ since, until }: Span, cuts: readonly number[]): readonly Span[] {
  const at = new Set([since, until, ...cuts.filter((cut) => cut > since && cut < until)]);
  for (let cut = since - (since % minuteUs) + minuteUs; cut < until; cut += minuteUs) at.add(cut);
  const ordered = [...at].sort((a, b) => a - b);
  return ordered.slice(1).map((end, index) => ({ since: ordered[index] as number, until: end }));
}

interface Faults {
  readonly losses: readonly Loss[];
  readonly missing: readonly MissingNumbers[];
  readonly silence: readonly Span[];
  readonly stops: readonly Span[];
}

function judge(part: Span, { losses, missing, silence, stops }: Faults): Omit<Minute, "node" | "start" | "end"> {
  const lossesHere = losses.filter((loss) => touches(loss, part));
  const missingHere = missing.filter(({ at }) => at >= part.since && at < part.until);
  const where = [...new Set([...lossesHere.map(({ source }) => source), ...missingHere.map(() => "archive")])].sort();
  const counts = [...lossesHere.filter((loss) => startsIn(loss, part)), ...missingHere].map(({ count }) => count);
  const lost = counts.reduce<number | null>((sum, count) => (sum === null || count === null ? null : sum + count), 0);
  const silentUs = overlap(silence, part);
  const isStopped = overlap(stops, part) > 0;
  const state = where.length > 0 ? "lost" : silentUs > 0 ? "silent" : isStopped ? "stopped" : "complete";
  return { state, lost, where, silentSeconds: Math.round(silentUs / 100_000) / 10 };
}

/** What began before the time asked about is counted where that begins. */
function within(loss: Loss, since: number): Loss {
  return loss.start < since && loss.end > since ? { ...loss, start: since } : loss;
}

/** A loss that spans minutes is counted in its first, and marks all. */
const startsIn = ({ start }: Loss, { since, until }: Span) => start >= since && start < until;

const touches = ({ start, end }: Loss, { since, until }: Span) => start < until && (end > since || end === start);

/** Time that no heartbeat speaks for. */
interface Gap extends Span {
  /** The collector had ended in good order. */
  readonly orderly: boolean;
}

/** After a node's first heartbeat. */
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
  readonly epoch: number;
  /** Microseconds. */
  readonly at: number;
  readonly count: number;
}

/**
 * Numbers between two heartbeats of an epoch that no record has, but those that a loss of the collector's own bounds near it
 * explains. They are placed where the later heartbeat ends. Of an epoch that began after `since` the first number is 0.
 */
function missingNumbers(
  heartbeats: readonly Heartbeat[],
  losses: readonly Loss[],
  runs: readonly SequenceRun[],
  since: number,
): readonly MissingNumbers[] {
  let explained = losses.reduce((sum, { source, count }) => sum + (source === "queue" ? (count ?? 0) : 0), 0);
  const found: MissingNumbers[] = [];
  for (const beats of Map.groupBy(heartbeats, ({ epoch }) => epoch).values()) {
    const ordered = beats.toSorted((a, b) => a.seq - b.seq);
    for (const [at, later] of ordered.entries()) {
      const before = ordered[at - 1]?.seq ?? (later.epoch * 1000 >= since ? -1 : undefined);
      if (before === undefined) continue;
      const gap = later.seq - before - 1 - present(runs, later.epoch, before + 1, later.seq - 1);
      const count = Math.max(0, gap - explained);
      explained = Math.max(0, explained - gap);
      if (count > 0) found.push({ epoch: later.epoch, at: later.end - 1, count });
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

import { isoTime } from "../core/clock.ts";

/** One thing that a status says of its object (metav1.Condition), without its time. */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  /** In one word, for programs. */
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
}

export interface TimedCondition extends Condition {
  readonly lastTransitionTime: string;
}

/** Longest message that the schema of a condition takes. */
const maxMessage = 32_768;

/** The conditions as they should be written; undefined if that is what stands there. A time stays until its condition turns. */
export function conditionsToWrite(
  written: readonly TimedCondition[],
  wanted: readonly Condition[],
  nowMs: number,
): readonly TimedCondition[] | undefined {
  const next = wanted.map((condition) => {
    const before = written.find(({ type }) => type === condition.type);
    const since = before?.status === condition.status ? before.lastTransitionTime : secondOf(nowMs);
    return { ...condition, message: condition.message.slice(0, maxMessage), lastTransitionTime: since };
  });
  const same = next.every((one) => written.some((before) => isSame(one, before)));
  return same && next.length === written.length ? undefined : next;
}

function isSame(a: TimedCondition, b: TimedCondition): boolean {
  return (
    a.type === b.type &&
    a.status === b.status &&
    a.reason === b.reason &&
    a.message === b.message &&
    a.observedGeneration === b.observedGeneration
  );
}

/** metav1.Time has no fractions of a second. */
function secondOf(ms: number): string {
  return `${isoTime(ms).slice(0, 19)}Z`;
}

/**
 * Times in which policy denies nothing on some nodes, because somebody said so and why. Pure; each ends by itself. Times in milliseconds
 * since the epoch: it must end also if this process was away in between.
 */
export interface BreakGlass {
  readonly reason: string;
  /** Null: everywhere. */
  readonly node: string | null;
  readonly from: number;
  readonly until: number;
  /** Who asked, as far as the system tells. */
  readonly by: string;
}

const shortestReason = 8;
const longestReason = 500;

/** Why this cannot be begun, in words; undefined if it can. */
export function faultOfBreakGlass({ reason, from, until }: BreakGlass, maxMs: number): string | undefined {
  const fault = faultOfReason(reason);
  if (fault !== undefined) return fault;
  if (until <= from) return "it would end before it begins";
  if (until - from > maxMs)
    return `it would last ${minutes(until - from)}, longer than enforcer.breakGlassMaxMs: ${minutes(maxMs)}`;
  return undefined;
}

export function faultOfReason(reason: string): string | undefined {
  const length = reason.trim().length;
  if (length < shortestReason) return `the reason has ${length} characters; say why in at least ${shortestReason}`;
  if (length > longestReason) return `the reason has ${length} characters, more than ${longestReason}`;
  if (/\p{Cc}/u.test(reason)) return "the reason holds control characters";
  return undefined;
}

/** One that begins replaces one for the same node. */
export function withBreakGlass(all: readonly BreakGlass[], one: BreakGlass): readonly BreakGlass[] {
  return [...all.filter(({ node }) => node !== one.node), one];
}

export interface Parted {
  readonly on: readonly BreakGlass[];
  readonly over: readonly BreakGlass[];
}

/** Those that are on, and those whose time is over. */
export function partedAt(all: readonly BreakGlass[], now: number, maxMs = Number.POSITIVE_INFINITY): Parted {
  // A clock that was set back must not make one longer than anybody may ask for.
  const isOn = ({ from, until }: BreakGlass) => now < until && until - now <= maxMs && until - from <= maxMs;
  return { on: all.filter(isOn), over: all.filter((one) => !isOn(one)) };
}

/** Without those for that node; null: without all. */
export function withoutBreakGlass(all: readonly BreakGlass[], node: string | null): Parted {
  const ends = (one: BreakGlass) => node === null || one.node === node;
  return { on: all.filter((one) => !ends(one)), over: all.filter(ends) };
}

export function isOpenOn(node: string, all: readonly BreakGlass[]): boolean {
  return all.some((one) => one.node === null || one.node === node);
}

const minutes = (ms: number): string => `${Math.round(ms / 60_000)} min`;

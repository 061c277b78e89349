/**
 * One stretch of time in which somebody had an address. Times in microseconds since the epoch.
 *
 * Both ends are what we could learn, not the truth: `from` is never later than the true start where the object says
 * when it started, `until` is when we saw it end. So the tenures of one address may overlap a little, and `holderAt` says who wins.
 */
export interface Tenure<H> {
  readonly holder: H;
  /** The node the holder is on, or is. */
  readonly node: string | null;
  from: number;
  /** Infinity while it lasts. */
  until: number;
  /** Where nobody watched it end: until when at the latest it may have lasted. Such moments are its own if nobody else's. */
  perhapsUntil?: number;
  /** A guess (a node's gateway address) that any other claim beats. */
  readonly weak: boolean;
}

/**
 * Clocks of nodes differ, and we see an end some time after the fact. A moment that no tenure covers goes to the nearest one
 * within this span.
 */
const toleranceUs = 2_000_000;

/**
 * Who had the address. Of several tenures that cover the moment, a real claim beats a guess; then one on the node that saw the
 * packet beats one elsewhere, because that node routes the address to its own holder; then the latest to begin wins.
 */
export function holderAt<H>(tenures: readonly Tenure<H>[], at: number, seenBy: string): Tenure<H> | undefined {
  return surelyAt(tenures, at, seenBy) ?? nearest(tenures, at);
}

/** As `holderAt`, but only if a tenure covers the moment. */
export function surelyAt<H>(tenures: readonly Tenure<H>[], at: number, seenBy: string): Tenure<H> | undefined {
  let best: Tenure<H> | undefined;
  for (const tenure of tenures) {
    if (at < tenure.from || at >= tenure.until) continue;
    if (best === undefined || beats(tenure, best, seenBy)) best = tenure;
  }
  return best;
}

/**
 * When a new tenure of an address begins. It cannot have begun before the earlier holder gave the address back, also where
 * the new pod was started (and waited) before that. But we see an end some time after the fact: a pod that was started just
 * before we saw the end has the address since its start, as the earlier one, shutting down, begins nothing any more.
 */
export function beginning<H>(tenures: readonly Tenure<H>[], stated: number, seen: number): number {
  const given = lastEnd(tenures, seen);
  return Math.min(seen, given - stated <= toleranceUs ? stated : given);
}

/** When an earlier holder gave the address back; minus infinity if nobody did. */
export function lastEnd<H>(tenures: readonly Tenure<H>[], seen: number): number {
  return Math.max(...tenures.filter(({ weak, until }) => !weak && until <= seen).map(({ until }) => until));
}

function beats<H>(one: Tenure<H>, other: Tenure<H>, seenBy: string): boolean {
  if (one.weak !== other.weak) return other.weak;
  const [here, there] = [one.node === seenBy, other.node === seenBy];
  if (here !== there) return here;
  return one.from >= other.from;
}

function nearest<H>(tenures: readonly Tenure<H>[], at: number): Tenure<H> | undefined {
  let best: Tenure<H> | undefined;
  let distance = toleranceUs + 1;
  for (const tenure of tenures) {
    const apart = at < tenure.from ? tenure.from - at : Math.max(0, at - (tenure.perhapsUntil ?? tenure.until));
    if (tenure.weak || apart >= distance) continue;
    best = tenure;
    distance = apart;
  }
  return best;
}

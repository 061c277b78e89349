/** How long to wait between tries, in milliseconds. */
export interface Pauses {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** An API server that comes back is asked by everybody at once: so it is spread over the second half. */
export function pauseMs(attempt: number, { firstMs, maxMs }: Pauses, random: () => number): number {
  return Math.min(firstMs * 2 ** Math.min(attempt, 30), maxMs) * (0.5 + random() / 2);
}

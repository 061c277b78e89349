import { systemClock } from "../../core/clock.ts";

/** Resolves with the first value that is not undefined or false; rejects after `ms` naming what was awaited. */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  ms = 5_000,
): Promise<T> {
  const deadline = systemClock.monotonic() + ms;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (systemClock.monotonic() > deadline) throw new Error(`waited ${ms} ms for ${what}`);
    await systemClock.sleep(10);
  }
}

/**
 * Runs long-lived works side by side. They stop together: when the signal aborts, or when one fails, whose error is thrown
 * once the others have finished.
 */
export async function together(
  signal: AbortSignal,
  works: readonly ((stop: AbortSignal) => Promise<void>)[],
): Promise<void> {
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const failures: unknown[] = [];
  const guarded = works.map(async (work) => {
    try {
      await work(stop);
    } catch (thrown) {
      failures.push(thrown);
      failed.abort();
    }
  });
  await Promise.all(guarded);
  if (failures.length > 0) throw failures[0];
}

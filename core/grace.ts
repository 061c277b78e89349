/** Aborts so long after `stop`: what was begun by then may finish meanwhile. Holds up no process that has finished before. */
export function graceAfter(stop: AbortSignal, ms: number): AbortSignal {
  const over = new AbortController();
  const begin = () =>
    AbortSignal.timeout(ms).addEventListener("abort", () => over.abort(new Error("out of time")), { once: true });
  if (stop.aborted) begin();
  else stop.addEventListener("abort", begin, { once: true });
  return over.signal;
}

let isSilent = false;

/**
 * kafkajs 2.2.4 asks its queue of requests again after the time until a throttling that there is not: a negative time, of which Node 24
 * warns on stderr in every process. It means nothing, so that warning alone is left out.
 */
export function silenceNegativeTimers(): void {
  if (isSilent) return;
  isSilent = true;
  const emit = process.emitWarning.bind(process) as (...words: readonly unknown[]) => void;
  process.emitWarning = (...words: readonly unknown[]) => {
    if (words[1] !== "TimeoutNegativeWarning") emit(...words);
  };
}

import { ifStillRunning, systemClock } from "../core/clock.ts";
import { type LogLevel, stderrLog } from "../core/log.ts";
import { type Part, Service } from "../core/service.ts";
import { exitCodes } from "./exit-codes.ts";

export interface ServeOptions {
  /** End by itself after so many milliseconds. */
  readonly duration: number | undefined;
  readonly level: LogLevel;
}

/** Runs the parts of a command until they end, a signal comes or the duration is over; sets the exit code. */
export async function serve(parts: readonly Part[], { duration, level }: ServeOptions): Promise<void> {
  const timer: Part = {
    name: "duration",
    async run({ stop, ready, end }) {
      ready();
      if (duration === undefined) return;
      await service.ready;
      await systemClock.sleep(duration, stop);
      end();
    },
  };
  const service = new Service({
    parts: [...parts, timer],
    signals: process,
    clock: systemClock,
    log: stderrLog(level),
  });
  try {
    const code = await service.run();
    // Parts may still be running. Codes of signals are the shell's.
    if (code !== 0) process.exit(code > 128 ? code : exitCodes.failed);
  } finally {
    endSoon();
  }
}

/** All parts have ended and nothing comes after the service but its last lines on their way out. */
const afterMs = 1_000;

/**
 * A consumer of kafkajs whose broker was away may start twice, and stops but once: the other goes on fetching, for nobody. Whoever has ended in
 * order is not kept by it.
 */
function endSoon(): void {
  ifStillRunning(afterMs, () => process.exit());
}

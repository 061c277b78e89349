import { systemClock } from "../core/clock.ts";
import { type Log, type LogLevel, stderrLog } from "../core/log.ts";
import { type Part, Service } from "../core/service.ts";

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
  // A failure is thrown as well, and told in a sentence by whoever called us.
  const log = withoutErrors(stderrLog(level));
  const service = new Service({ parts: [...parts, timer], signals: process, clock: systemClock, log });
  const code = await service.run();
  if (code !== 0) process.exit(code);
}

function withoutErrors(log: Log): Log {
  return {
    debug: (fields, sentence) => log.debug(fields, sentence),
    info: (fields, sentence) => log.info(fields, sentence),
    warn: (fields, sentence) => log.warn(fields, sentence),
    error: () => {},
    child: (fields) => withoutErrors(log.child(fields)),
  };
}

import { pino } from "pino";

/** Structured logs: sentences in lower case with fields. Never one per record. */
export interface Log {
  debug(fields: object, sentence: string): void;
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
  child(fields: Readonly<Record<string, unknown>>): Log;
}

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** JSON lines on stderr, so that stdout stays the command's own output. */
export function stderrLog(level: LogLevel): Log {
  const redact = ["*.password", "*.token", "*.secret", "password", "token", "secret"];
  const destination = pino.destination({ fd: 2 });
  // A full disk behind stderr: nobody is left to be told, and the work goes on.
  destination.on("error", () => {});
  return pino({ level, base: null, redact, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLog,
};

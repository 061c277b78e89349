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

/** On stderr, so that stdout stays the command's own output: a sentence a line for people at a terminal, else JSON lines. */
export function stderrLog(level: LogLevel): Log {
  if (process.stderr.isTTY) return plainLog(level, (line) => void process.stderr.write(line));
  const redact = ["*.password", "*.token", "*.secret", "password", "token", "secret"];
  const destination = pino.destination({ fd: 2 });
  // A full disk behind stderr: nobody is left to be told, and the work goes on.
  destination.on("error", () => {});
  return pino({ level, base: null, redact, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

const rank = (level: LogLevel): number => logLevels.indexOf(level);

/** `sluice: warn: ruleset not applied (node node-1, error …)`, each message in one piece. */
export function plainLog(level: LogLevel, write: (line: string) => void, inherited: object = {}): Log {
  const at = (own: LogLevel) => (fields: object, sentence: string) => {
    if (rank(own) < rank(level)) return;
    const notes = Object.entries({ ...inherited, ...fields }).map(([key, value]) => `${key} ${valueText(value)}`);
    const prefix = own === "info" || own === "debug" ? "" : `${own}: `;
    write(`sluice: ${prefix}${sentence}${notes.length === 0 ? "" : ` (${notes.join(", ")})`}\n`);
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => plainLog(level, write, { ...inherited, ...fields }),
  };
}

/** Nothing that a terminal obeys. */
function valueText(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "-");
  return text.replace(/[\p{Cc}\p{Cf}]+/gu, " ");
}

export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLog,
};

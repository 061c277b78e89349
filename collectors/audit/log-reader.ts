import type { Clock } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { Metrics } from "../../core/metrics.ts";
import { readEventLines } from "./event-list.ts";
import type { Intake } from "./intake.ts";
import type { OnSkipped } from "./log-lines.ts";
import { loadPosition, savePosition } from "./log-position.ts";
import { followLog } from "./log-tail.ts";

export interface LogReaderOptions {
  readonly path: string;
  /** Where it is kept how far the log was read. */
  readonly positionFile: string;
  readonly intake: Intake;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
}

const againMs = 1_000;

/** Takes the events of an audit log until the signal aborts; a later one goes on where it ended. Throws STORE_FAILED at the start. */
export async function readAuditLog(options: LogReaderOptions, signal: AbortSignal): Promise<void> {
  const { path, positionFile, metrics, clock, log } = options;
  const from = await loadPosition(positionFile);
  const onSkipped: OnSkipped = (bytes, why) => {
    metrics.add("sluice_audit_log_skipped_bytes_total", {}, bytes);
    log.warn({ path, why, bytes }, "a part of the audit log could not be read");
  };
  for await (const { lines, position } of followLog({ path, clock, onSkipped }, from, signal)) {
    await taken(options, lines, signal);
    await savePosition(positionFile, position);
  }
}

/** As often as it takes: the log is patient. */
async function taken(
  { intake, clock, log }: LogReaderOptions,
  lines: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const events = readEventLines(lines);
  for (;;) {
    try {
      return await intake.take(events);
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      log.warn({ error: messageOf(thrown) }, "audit events could not be kept; they are read again");
      await clock.sleep(againMs, signal);
    }
  }
}

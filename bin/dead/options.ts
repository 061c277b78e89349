import { type Command, InvalidArgumentError } from "commander";
import { systemClock } from "../../core/clock.ts";
import { stderrLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import { onBus } from "../bus/on-bus.ts";
import type { RecordTopics } from "../bus/record-topics.ts";
import { addSettings, configOf } from "../options.ts";
import { DeadLetterBox } from "./dead-letters.ts";

/** All but those that say which bus. */
const others = /^(?!bus\.|log\.)/;

export const addBusSettings = (command: Command): Command => addSettings(command, { decided: others });

/** Works with the dead letters of the bus of the configuration. */
export async function withDeadLetters(
  options: object,
  work: (box: DeadLetterBox, topics: RecordTopics, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const given = configOf({ ...options }, process.env);
  // A person asks: what fails is said once, and nothing is waited for.
  const log = stderrLog(given.log.level === "info" ? "error" : given.log.level);
  const rim = { config: given, clock: systemClock, log, metrics: new Metrics() };
  const signal = AbortSignal.timeout(patienceMs);
  await onBus(rim, signal, (topics) => work(new DeadLetterBox(topics, systemClock), topics, signal));
  if (signal.aborted) throw signal.reason;
}

const patienceMs = 60_000;

export function letterId(text: string, before: readonly number[] = []): readonly number[] {
  if (/^\d{1,15}$/.test(text)) return [...before, Number(text)];
  throw new InvalidArgumentError("Write its id, as sluice dead list tells it.");
}

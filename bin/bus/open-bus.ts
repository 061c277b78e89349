import type { KeptBus } from "../../core/bus.ts";
import { explained, isFinal } from "../../core/bus-kafka/advice.ts";
import { kafkaBus } from "../../core/bus-kafka/kafka-bus.ts";
import { ensureTopics } from "../../core/bus-kafka/topics.ts";
import type { Clock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import { SluiceError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { connectionOf } from "./connection.ts";
import { topicPlans } from "./topics.ts";

export interface BusRim {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long a start waits between tries while no broker answers. */
const pauseMs = 2_000;

/** The bus of the configuration, its topics made. While no broker answers it waits; undefined: the signal aborted before one did. */
export async function openBus({ config, clock, log }: BusRim, signal: AbortSignal): Promise<KeptBus | undefined> {
  const connection = connectionOf(config);
  while (config.bus.manageTopics && !signal.aborted) {
    try {
      const changes = await ensureTopics(connection, topicPlans(config), log);
      for (const { topic, what } of changes) log.info({ topic, what }, "topic changed");
      break;
    } catch (cause) {
      if (!isAway(cause)) throw refused(config, cause);
      log.warn({ brokers: config.bus.brokers, error: explained(cause) }, "no Kafka broker answers; trying again");
      await clock.sleep(pauseMs, signal);
    }
  }
  return signal.aborted ? undefined : kafkaBus({ connection, clock, log });
}

export function requireBus({ bus }: Config): void {
  if (bus.brokers.length > 0) return;
  throw new SluiceError(
    "CONFIG_INVALID",
    "bus.brokers is empty: this command works between Kafka topics; give --bus.brokers host:port",
  );
}

/** kafkajs marks what another try may mend; also what only a person can. */
function isAway(cause: unknown): boolean {
  if (isFinal(cause)) return false;
  const { name = "", retriable = false } = cause as { readonly name?: string; readonly retriable?: boolean };
  return retriable || /NumberOfRetriesExceeded|Connection(Closed)?Error|RequestTimeout/.test(name);
}

function refused({ bus }: Config, cause: unknown): SluiceError {
  const text = `Kafka at ${bus.brokers.join(", ")}: topics cannot be made or adapted: ${explained(cause)}. Where others make topics, set bus.manage-topics to false`;
  return new SluiceError("BUS_FAILED", text, { cause });
}

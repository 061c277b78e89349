import type { KeptReader } from "../../core/bus.ts";
import type { Clock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import { messageOf } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { retellHours } from "../../core/records/endpoint.ts";
import type { Remembered } from "../../enrichers/enrich.ts";
import type { RecordTopics, TopicRecords } from "./record-topics.ts";

export interface BusMemoryOptions {
  readonly topics: RecordTopics;
  readonly reader: KeptReader;
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
}

const pauseMs = 2_000;

/**
 * How long those are remembered who are gone, by whoever reads records of a bus: those may have waited there for as long as a topic keeps
 * them, and are told of who had an address then.
 */
export function rememberMs({ bus, enricher }: Config): number {
  return Math.max(bus.retentionMs, enricher.deletedPodsKeptMs);
}

/**
 * What the watcher told up to now. Until it could be read nothing is enriched: a record that comes late is better than one
 * that names nobody. Undefined: the signal aborted before.
 */
export async function busMemory(options: BusMemoryOptions, signal: AbortSignal): Promise<Remembered | undefined> {
  const { clock, config, log } = options;
  // What lasts is told anew within `retellHours`, so whoever was there then is told of since.
  const since = clock.now() - rememberMs(config) - retellHours * 3_600_000;
  while (!signal.aborted) {
    try {
      const tenures = await everything(options, "endpoints", signal, since);
      return { tenures, programs: await everything(options, "programs", signal) };
    } catch (thrown) {
      if (signal.aborted) return undefined;
      log.warn({ error: messageOf(thrown) }, "what the watcher told cannot be read; nothing is enriched until it can");
      await clock.sleep(pauseMs, signal);
    }
  }
  return undefined;
}

async function everything<K extends "endpoints" | "programs">(
  { topics, reader, log }: BusMemoryOptions,
  kind: K,
  signal: AbortSignal,
  since?: number,
): Promise<readonly TopicRecords[K][]> {
  const { name, codec } = topics.topic(kind);
  const records: TopicRecords[K][] = [];
  for (const [partition, extent] of await reader.extents(name, since))
    for (const { value, origin } of await reader.read(name, partition, extent, signal))
      try {
        for (const record of codec.decode(value)) records.push(record);
      } catch (thrown) {
        // Whoever stores this topic makes a dead letter of it.
        log.error({ origin, error: messageOf(thrown) }, "what the watcher told cannot be read, and is not remembered");
      }
  return records;
}

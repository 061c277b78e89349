import type { Clock } from "../core/clock.ts";
import type { Config } from "../core/config.ts";
import type { Log } from "../core/log.ts";
import type { Sink } from "../core/pipeline.ts";
import type { Seal } from "../core/records/seal.ts";
import type { Remembered } from "../enrichers/enrich.ts";
import { Archive } from "../sinks/archive/archive.ts";
import { ArchiveStore } from "../sinks/archive/archive-store.ts";
import { SealTeller } from "../sinks/archive/seal-teller.ts";
import type { OpenStore } from "./engine-store.ts";

export interface EngineArchiveOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of files that will never change. */
  readonly seals?: Sink<Seal>;
}

/** An engine's store: the archive of the data folder, which this process then has for itself. */
export function engineArchive({ config, clock, log, seals }: EngineArchiveOptions): OpenStore {
  const { folder } = config.data;
  return async ({ onFlush }) => {
    const stop = new AbortController();
    const archive = new Archive({
      folder,
      clock,
      log: log.child({ part: "archive" }),
      flushMs: config.archive.flushMs,
      memoryMb: config.archive.memoryMb,
      onFlush,
      sealed: ({ kind, sha256, file }) => teller?.add({ kind, sha256, path: file }),
    });
    const teller =
      seals &&
      new SealTeller({
        folder,
        cluster: config.cluster.name,
        archive,
        seals,
        clock,
        log: log.child({ part: "seals" }),
      });
    await archive.open();
    const telling = teller?.run(stop.signal);
    const close = async () => {
      stop.abort();
      await telling;
      await archive.close();
    };
    try {
      const store = new ArchiveStore({ folder, memoryMb: config.archive.memoryMb, archive });
      return {
        flows: archive.sink("flow"),
        losses: archive.sink("loss"),
        heartbeats: archive.sink("heartbeat"),
        dns: archive.sink("dns"),
        tenures: archive.sink("endpoint"),
        programs: archive.sink("program"),
        changes: archive.sink("change"),
        remembered: await remembered(store, config, clock.now()),
        hurry: () => archive.hurry(),
        close,
      };
    } catch (thrown) {
      await close();
      throw thrown;
    }
  };
}

/** A process that was away for longer is taken to have ended with the last tenure it told of. */
const lookBackMs = 3_600_000;

async function remembered(store: ArchiveStore, { enricher }: Config, now: number): Promise<Remembered> {
  const until = now * 1000 + 1;
  const [tenures, programs, heartbeats] = await Promise.all([
    store.endpoints({ since: (now - enricher.deletedPodsKeptMs) * 1000, until }),
    store.programs(),
    store.heartbeats({ since: (now - lookBackMs) * 1000, until }),
  ]);
  const watchedUntil = heartbeats.reduce((latest, { end }) => Math.max(latest, end), Number.NEGATIVE_INFINITY);
  return { tenures, programs, ...(heartbeats.length === 0 ? {} : { watchedUntil }) };
}

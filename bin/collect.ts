import { readFileSync } from "node:fs";
import { Collector } from "../collectors/collector.ts";
import { aborted } from "../core/aborted.ts";
import { type Capability, lacking } from "../core/capabilities.ts";
import type { Clock } from "../core/clock.ts";
import type { Config } from "../core/config.ts";
import { claimFolder } from "../core/data-folder.ts";
import { SluiceError } from "../core/errors.ts";
import { graceAfter } from "../core/grace.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { endGraceMs } from "./end-grace.ts";
import { readCollectors } from "./measure.ts";
import { type RecordSinks, rawWorks } from "./raw-path.ts";
import type { Seat } from "./seat-option.ts";
import { spoolFolder, spoolUsage } from "./spool-usage.ts";
import { together } from "./together.ts";

export interface CollectOptions {
  readonly seats: readonly Seat[];
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly sinks: RecordSinks;
}

/**
 * The collectors of some nodes without anything behind them: no objects, no policy, no archive. Records go from the spool to the sinks and
 * are forgotten when those have taken them.
 */
export class Collect {
  readonly #options: CollectOptions;
  readonly #collectors: readonly { readonly node: string; readonly collector: Collector }[];
  readonly #opened = Promise.withResolvers<void>();

  constructor(options: CollectOptions) {
    this.#options = options;
    this.#collectors = options.seats.map((seat) => ({ node: seat.node, collector: this.#collectorOf(seat) }));
    readCollectors(options.metrics, () =>
      this.#collectors.map(({ node, collector: { counters, dnsCounters } }) => ({
        ...{ node, counters, dns: dnsCounters },
        spool: spoolUsage(spoolFolder(options.config.data.folder, node)),
      })),
    );
  }

  /** Resolves when the data folder is ours. */
  readonly opened = (signal: AbortSignal): Promise<void> => Promise.race([this.#opened.promise, aborted(signal)]);

  /** Resolves when everything that happens from now on will be told, or when the signal aborts. */
  readonly ready = async (signal: AbortSignal): Promise<void> => {
    // Why one cannot begin, `run` tells; its caller then aborts.
    const all = Promise.all(this.#collectors.map(({ collector }) => collector.ready));
    await Promise.race([all, aborted(signal)]).catch(() => aborted(signal));
  };

  /** Works until the signal aborts; then what was collected is handed out. */
  async run(signal: AbortSignal): Promise<void> {
    const claim = await claimFolder(this.#options.config.data.folder);
    this.#opened.resolve();
    const giveUp = graceAfter(signal, endGraceMs);
    try {
      await together(
        signal,
        this.#collectors.flatMap(({ collector }) => this.#worksOf(collector, giveUp)),
      );
    } finally {
      await claim.release();
    }
  }

  #worksOf(collector: Collector, giveUp: AbortSignal): readonly ((stop: AbortSignal) => Promise<void>)[] {
    const { sinks, metrics } = this.#options;
    return [(stop) => collector.run(stop), ...rawWorks(collector, sinks, metrics, giveUp)];
  }

  #collectorOf({ node, namespacePath }: Seat): Collector {
    const { config, log, clock } = this.#options;
    return new Collector({
      ...{ node, namespacePath, cluster: config.cluster.name },
      ...config.collector,
      spool: { folder: spoolFolder(config.data.folder, node), ...config.spool },
      ...(config.dns.enabled ? { dns: config.dns } : {}),
      log: log.child({ part: "collector", node }),
      clock,
    });
  }
}

/** Throws PERMISSION_DENIED if this process may not do what collecting takes, and says what it may do without. */
export function requireRights(seats: readonly Seat[], status = readFileSync("/proc/self/status", "utf8")): void {
  const isElsewhere = seats.some(({ namespacePath }) => namespacePath !== null);
  const wanted: readonly Capability[] = isElsewhere ? ["CAP_NET_ADMIN", "CAP_SYS_ADMIN"] : ["CAP_NET_ADMIN"];
  const [missing] = lacking(status, wanted);
  if (missing === undefined) return;
  const why =
    missing === "CAP_SYS_ADMIN"
      ? "to enter the network namespace of --seat; without --seat it does not"
      : "to hear what the kernel tells of connections; it needs no other, unless --seat is given";
  throw new SluiceError(
    "PERMISSION_DENIED",
    `${missing} is missing: collecting needs it ${why}. Run it as root, or with this capability in the container's securityContext`,
    { context: { capability: missing } },
  );
}

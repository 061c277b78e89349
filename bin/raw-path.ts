import type { Metrics } from "../core/metrics.ts";
import { run, type Sink } from "../core/pipeline.ts";
import type { RawDns } from "../core/records/dns.ts";
import type { RawFlow } from "../core/records/flow.ts";
import type { Heartbeat } from "../core/records/heartbeat.ts";
import type { Loss } from "../core/records/loss.ts";
import type { Collecting } from "./flow-path.ts";
import { countLosses } from "./measure.ts";

/** Where the records of a collector go as they are, each kind for itself. */
export interface RecordSinks {
  readonly flows: Sink<RawFlow>;
  readonly losses: Sink<Loss>;
  readonly heartbeats: Sink<Heartbeat>;
  readonly dns: Sink<RawDns>;
}

/**
 * The works that hand on what a collector tells; each resolves when its source has ended and everything of it is stored. What is not
 * when `giveUp` aborts stays in the spool.
 */
export function rawWorks(
  { flows, losses, heartbeats, dns }: Pick<Collecting, "flows" | "losses" | "heartbeats" | "dns">,
  sinks: RecordSinks,
  metrics: Metrics,
  giveUp: AbortSignal,
): readonly (() => Promise<void>)[] {
  const as = <T>(batch: readonly T[]) => batch;
  const counted = (batch: readonly Loss[]) => {
    countLosses(metrics, batch);
    return batch;
  };
  const options = { signal: giveUp };
  return [
    () => run(flows, as, sinks.flows, options),
    () => run(losses, counted, sinks.losses, options),
    ...(heartbeats === undefined ? [] : [() => run(heartbeats, as, sinks.heartbeats, options)]),
    ...(dns === undefined ? [] : [() => run(dns, as, sinks.dns, options)]),
  ];
}

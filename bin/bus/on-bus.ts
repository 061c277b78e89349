import type { PartitionLag } from "../../core/bus-kafka/lag.ts";
import type { Metrics } from "../../core/metrics.ts";
import { together } from "../together.ts";
import { type BusRim, busOf, makeTopics, openBus, requireBus } from "./open-bus.ts";
import { RecordTopics } from "./record-topics.ts";

/** Works with the bus of the configuration, which is closed at the end: what was acked by then is committed. */
export async function onBus(
  rim: BusRim & { readonly metrics: Metrics },
  signal: AbortSignal,
  work: (topics: RecordTopics) => Promise<void>,
): Promise<void> {
  requireBus(rim.config);
  const bus = await openBus(rim, signal);
  if (bus === undefined) return;
  tellLag(bus, rim.metrics);
  try {
    await work(new RecordTopics(bus, rim.config, rim.metrics, rim.log));
  } finally {
    await bus.close();
  }
}

/**
 * The same for who need not wait for a broker, because a spool keeps what none takes: topics are made when one answers. Where the brokers refuse, it
 * ends as it would at a start.
 */
export async function besideBus(
  rim: BusRim & { readonly metrics: Metrics },
  signal: AbortSignal,
  work: (topics: RecordTopics, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  requireBus(rim.config);
  const bus = busOf(rim);
  try {
    const topics = new RecordTopics(bus, rim.config, rim.metrics, rim.log);
    await together(signal, [(until) => makeTopics(rim, until), (until) => work(topics, until)]);
  } finally {
    await bus.close();
  }
}

function tellLag(bus: { readonly lags: readonly PartitionLag[] }, metrics: Metrics): void {
  const labels = ({ group, topic, partition }: PartitionLag) => ({ group, topic, partition: String(partition) });
  metrics.read("sluice_bus_lag_messages", () => bus.lags.map((lag) => ({ labels: labels(lag), value: lag.messages })));
  metrics.read("sluice_bus_lag_seconds", () =>
    bus.lags.map((lag) => ({ labels: labels(lag), value: lag.seconds ?? 0 })),
  );
}

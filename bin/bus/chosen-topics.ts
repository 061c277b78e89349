import type { Clock } from "../../core/clock.ts";
import type { Filter } from "../../core/filter/filter.ts";
import { predicateOf } from "../../core/filter/predicate.ts";
import type { Metrics } from "../../core/metrics.ts";
import { run, type Sink } from "../../core/pipeline.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import type { DnsRecord } from "../../core/records/dns.ts";
import type { Flow } from "../../core/records/flow.ts";
import type { Loss } from "../../core/records/loss.ts";
import { retrying } from "../../core/retrying.ts";
import { flowEventAt, measured } from "../measure.ts";
import { together } from "../together.ts";
import type { RecordTopics, TopicRecords } from "./record-topics.ts";

export const chosenKinds = ["flow", "dns", "loss", "change"] as const;
export type ChosenKind = (typeof chosenKinds)[number];

/** Where records go, each kind for itself; one that is absent is not asked for. */
export interface ChosenSinks {
  readonly flow?: Sink<Flow>;
  readonly dns?: Sink<DnsRecord>;
  readonly loss?: Sink<Loss>;
  readonly change?: Sink<ChangeRecord>;
}

export interface ChosenTopicsOptions {
  readonly topics: RecordTopics;
  /** Of consumers: whoever has the same name shares the records. */
  readonly group: string;
  /** Which flows; of other kinds all. */
  readonly filter: Filter | undefined;
  readonly sinks: ChosenSinks;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** Messages of a topic that may be under way, of up to 500 records: syslog tells a second late that it has them. */
const inFlight = 64;

/** Records of the bus to where people want them, until the signal aborts. What a sink has not taken by then comes again. */
export async function chosenTopics(
  { topics, group, filter, sinks, clock, metrics }: ChosenTopicsOptions,
  signal: AbortSignal,
): Promise<void> {
  const holds = filter === undefined ? () => true : predicateOf(filter);
  const into = async <K extends keyof TopicRecords>(
    topic: K,
    kind: ChosenKind,
    sink: Sink<TopicRecords[K]> | undefined,
    eventAt: (record: TopicRecords[K]) => number,
  ) => {
    if (sink === undefined) return;
    const durable = retrying(measured(sink, { metrics, clock, kind, eventAt }), { clock });
    await run(topics.source(topic, group), (batch) => batch, durable, { signal, inFlight });
  };
  await together(signal, [
    () => into("flows", "flow", chosen(sinks.flow, holds), flowEventAt),
    () => into("dns", "dns", sinks.dns, ({ end }) => end),
    () => into("losses", "loss", sinks.loss, ({ start }) => start),
    () => into("changes", "change", sinks.change, ({ foundAt }) => foundAt),
  ]);
}

/** The others are done with at once. */
function chosen(sink: Sink<Flow> | undefined, holds: (flow: Flow) => boolean): Sink<Flow> | undefined {
  if (sink === undefined) return undefined;
  return { name: sink.name, write: (batch, signal) => sink.write(batch.filter(holds), signal) };
}

import type { DnsCounters } from "../collectors/dns/observer.ts";
import type { CollectorCounters } from "../collectors/recorder.ts";
import type { Clock } from "../core/clock.ts";
import type { Metrics } from "../core/metrics.ts";
import { run, type Sink, type Source, type Stage } from "../core/pipeline.ts";
import type { DnsRecord, RawDns } from "../core/records/dns.ts";
import type { Flow, RawFlow } from "../core/records/flow.ts";
import type { Heartbeat } from "../core/records/heartbeat.ts";
import type { Loss } from "../core/records/loss.ts";
import { retrying } from "../core/retrying.ts";
import { tee } from "../core/tee.ts";
import type { Enricher } from "../enrichers/enrich.ts";
import { holdBack } from "../enrichers/hold-back.ts";
import { type Numbered, Once } from "../enrichers/once.ts";
import type { EngineStore } from "./engine-store.ts";
import { countFlows, countLosses, flowEventAt, type Kind, measured } from "./measure.ts";

/** What the engine needs of a collector; collectors/collector.ts is one. */
export interface Collecting {
  readonly ready: Promise<void>;
  readonly flows: Source<RawFlow>;
  readonly losses: Source<Loss>;
  readonly heartbeats?: Source<Heartbeat>;
  readonly dns?: Source<RawDns>;
  readonly counters: CollectorCounters | undefined;
  readonly dnsCounters?: DnsCounters | undefined;
  /** Collects until the signal aborts, then hands out what is left, whereupon the sources end. */
  run(signal: AbortSignal): Promise<void>;
}

export interface FlowPathOptions {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly enricher: Enricher;
  readonly holdBackMs: number;
  /** Resolves when flows can be enriched, or the signal aborts. */
  readonly begin: (signal: AbortSignal) => Promise<void>;
  readonly shown: { readonly flows: Sink<Flow>; readonly losses: Sink<Loss> };
  readonly store: Pick<EngineStore, "flows" | "losses" | "heartbeats" | "dns">;
}

type Work = (stop: AbortSignal) => Promise<void>;

/** Where records go that do not go to the store, and what an earlier process had done of them. */
export interface Elsewhere<T> {
  readonly into: Sink<T>;
  readonly marks: readonly Numbered[];
}

/**
 * Batches that may wait for the store at a time. It gathers for some seconds what it writes to one file, so this bounds what one
 * file can hold: 128 batches of up to 2,000 records.
 */
const inFlight = 128;

/** The pipelines end with their sources, once those have handed out what they had. */
const never = new AbortController().signal;

/** What becomes of a collector's records: left out if done with before, enriched, shown, stored; in this order. */
export class FlowPath {
  readonly #options: FlowPathOptions;

  constructor(options: FlowPathOptions) {
    this.#options = options;
  }

  /** The works of one collector; each resolves when its source has ended and everything of it is stored. */
  of({ flows, losses, heartbeats, dns }: Collecting): readonly Work[] {
    return [
      (stop) => this.flows(flows, stop),
      () => this.#losses(losses),
      ...(heartbeats === undefined ? [] : [() => this.#heartbeats(heartbeats)]),
      ...(dns === undefined ? [] : [(stop: AbortSignal) => this.dns(dns, stop)]),
    ];
  }

  /** Resolves when the source has ended and everything of it is stored. */
  async flows(source: Source<RawFlow>, stop: AbortSignal, elsewhere?: Elsewhere<Flow>): Promise<void> {
    const { clock, metrics, enricher, holdBackMs, begin, shown, store } = this.#options;
    const { into = store.flows, marks } = elsewhere ?? {};
    const held = holdBack(this.#once("flow", source, marks), {
      clock,
      awaited: enricher.awaited,
      limitMs: holdBackMs,
      onHeld: (ms) => {
        metrics.add("sluice_enricher_held_back_batches_total", {});
        metrics.add("sluice_enricher_held_back_seconds_total", {}, ms / 1000);
      },
    });
    const enrich: Stage<RawFlow, Flow> = async (batch) => {
      const enriched = await enricher.stage(batch);
      countFlows(metrics, enriched);
      return enriched;
    };
    await begin(stop);
    await run(held, enrich, tee(shown.flows, this.#stored("flow", into, flowEventAt)), {
      signal: never,
      inFlight,
    });
  }

  #losses(source: Source<Loss>): Promise<void> {
    const { metrics, shown, store } = this.#options;
    const count: Stage<Loss, Loss> = (batch) => {
      countLosses(metrics, batch);
      return batch;
    };
    const sink = tee(
      shown.losses,
      this.#stored("loss", store.losses, ({ start }) => start),
    );
    return run(this.#once("loss", source), count, sink, { signal: never, inFlight });
  }

  #heartbeats(source: Source<Heartbeat>): Promise<void> {
    const sink = this.#stored("heartbeat", this.#options.store.heartbeats, ({ start }) => start);
    return run(this.#once("heartbeat", source), (batch) => batch, sink, { signal: never, inFlight });
  }

  /** Names are not waited for: who asked lives by then, or another record tells who has the address. */
  async dns(source: Source<RawDns>, stop: AbortSignal, elsewhere?: Elsewhere<DnsRecord>): Promise<void> {
    const { enricher, begin, store } = this.#options;
    const { into = store.dns, marks } = elsewhere ?? {};
    const sink = this.#stored("dns", into, ({ end }) => end);
    await begin(stop);
    await run(this.#once("dns", source, marks), enricher.dnsStage, sink, { signal: never, inFlight });
  }

  /** Each stream by itself: they are read and stored at their own pace. */
  #once<T extends Numbered>(kind: Kind, source: Source<T>, marks: readonly Numbered[] = []): Source<T> {
    const { metrics } = this.#options;
    const onRepeated = (count: number) => metrics.add("sluice_enricher_repeated_records_total", { kind }, count);
    return new Once({ onRepeated, marks }).wrap(source);
  }

  #stored<T>(kind: Kind, sink: Sink<T>, eventAt: (record: T) => number): Sink<T> {
    const { clock, metrics } = this.#options;
    return retrying(measured(sink, { metrics, clock, kind, eventAt }), { clock });
  }
}

import type { Clock } from "../../core/clock.ts";
import type { Deed } from "../../core/kube/deed.ts";
import type { Metrics } from "../../core/metrics.ts";
import type { AuditEvent } from "./event.ts";
import type { AuditEvents } from "./event-list.ts";
import type { Journal, Told } from "./journal.ts";

export interface IntakeOptions {
  readonly journal: Journal;
  /** Whether a request was about something that is to be on record. */
  readonly isControl: (deed: Deed) => boolean;
  /** What was not told before. After a restart again what was told lately. */
  readonly onDeeds: (deeds: readonly Deed[]) => void;
  /** Audit events came, of whatever kind. */
  readonly onHeard: (events: readonly AuditEvent[]) => void;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** After a restart what is older is told to nobody again. */
const recentMs = 3_600_000;
/** So many events are known again: those of hours, of requests to change controls. */
const mostKnown = 200_000;

/** Takes what is told of requests, from wherever: each once, and on disk before it says so. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #known = new Set<string>();
  #newest: number | undefined;
  /** One after the other: two batches may tell of the same. */
  #turn: Promise<void> = Promise.resolve();

  constructor(options: IntakeOptions) {
    this.#options = options;
    options.metrics.read("sluice_audit_last_event_timestamp_seconds", () =>
      this.#newest === undefined ? [] : [{ labels: {}, value: this.#newest / 1_000 }],
    );
  }

  /** Begins with what is kept. Throws STORE_FAILED. */
  async open(): Promise<void> {
    const kept = await this.#options.journal.open();
    this.#know(kept);
    const since = this.#options.clock.now() - recentMs;
    this.#options.onDeeds(kept.flatMap(({ deeds }) => deeds.filter(({ to }) => to >= since)));
  }

  /** Resolves when all of it is kept. Throws STORE_FAILED; then it may come again. */
  take({ events, malformed }: AuditEvents): Promise<void> {
    const { metrics, onHeard } = this.#options;
    metrics.add("sluice_audit_events_total", { outcome: "malformed" }, malformed);
    for (const { at } of events) this.#newest = Math.max(at, this.#newest ?? at);
    if (events.length > 0) onHeard(events);
    return this.#sortOut(events);
  }

  /** The same of what admission was asked: that requests come says nothing of whether audit events do. */
  takeAsked(event: AuditEvent): Promise<void> {
    return this.#sortOut([event]);
  }

  #sortOut(events: readonly AuditEvent[]): Promise<void> {
    const { metrics, isControl } = this.#options;
    const told = events.map(({ key, deeds }) => ({ key, deeds: deeds.filter(isControl) }));
    const taken = told.filter(({ deeds }) => deeds.length > 0);
    metrics.add("sluice_audit_events_total", { outcome: "passed over" }, told.length - taken.length);
    return this.keep(taken);
  }

  /** The same of what needs no sorting out. */
  keep(told: readonly Told[]): Promise<void> {
    const result = this.#turn.then(() => this.#keep(told));
    this.#turn = result.catch(() => {});
    return result;
  }

  /** After what was begun. */
  async close(): Promise<void> {
    await this.#turn;
    await this.#options.journal.close();
  }

  async #keep(told: readonly Told[]): Promise<void> {
    const { journal, metrics, onDeeds } = this.#options;
    const byKey = new Map(told.filter(({ key }) => !this.#known.has(key)).map((one) => [one.key, one]));
    const fresh = [...byKey.values()];
    await journal.append(fresh);
    this.#know(fresh);
    metrics.add("sluice_audit_events_total", { outcome: "repeated" }, told.length - fresh.length);
    metrics.add("sluice_audit_events_total", { outcome: "taken" }, fresh.length);
    if (fresh.length > 0) onDeeds(fresh.flatMap(({ deeds }) => deeds));
  }

  #know(told: readonly Told[]): void {
    for (const { key } of told) this.#known.add(key);
    for (const key of this.#known) {
      if (this.#known.size <= mostKnown) return;
      this.#known.delete(key);
    }
  }
}

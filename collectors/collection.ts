import type { Clock } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import { enterNamespace } from "../core/netlink/namespace.ts";
import type { RawFlow } from "../core/records/flow.ts";
import { applySettings, loadTrackingRule, removeTrackingRule } from "./conntrack/prerequisites.ts";
import { Dns } from "./dns/dns.ts";
import { removeCopyRules } from "./dns/rules.ts";
import { type Beat, Heartbeats, heartbeatOf, readKernelTable } from "./heartbeats.ts";
import { InterfaceNames } from "./interface-names.ts";
import { Outbox } from "./outbox.ts";
import { Recorder } from "./recorder.ts";
import { Sensor } from "./sensor.ts";
import { Spool, type SpoolSettings } from "./spool/spool.ts";
import { type Flush, Windows } from "./window.ts";
import type { FromWorker, WorkerOptions } from "./worker-protocol.ts";

// Measured: reading without waiting, with a pause after a short batch, takes events in batches of about 157 and costs a
// third of blocking reads.
const pauseMs = 5;
// A wake-up costs 0.1 to 0.2 ms of CPU time. While nothing happens fewer are enough: the sockets' buffers hold a quarter
// of a second of 150,000 connections each second.
const idlePauseMs = 20;
// A dump of a full table costs half a second; after an overrun one is enough to find what was missed.
const reconcilePauseMs = 30_000;
// With a spool a connection that ended is on the disk so soon: what is in memory only is lost with the process.
const spoolFlushMs = 20;
// How long records are still handed out after the end; what is left then is in the spool.
const drainMs = 5_000;

/** One run of a collector inside its worker: reads, records, and posts. */
export class Collection {
  readonly #options: WorkerOptions;
  readonly #clock: Clock;
  readonly #post: (message: FromWorker) => void;
  readonly #interfaces = new InterfaceNames();
  readonly #recorder: Recorder;
  readonly #spool: Spool | undefined;
  readonly #outbox: Outbox;
  #dns: Dns | undefined;
  #tracking = false;
  #reconciledAt = Number.NEGATIVE_INFINITY;

  constructor(options: WorkerOptions, clock: Clock, post: (message: FromWorker) => void) {
    this.#options = options;
    this.#clock = clock;
    this.#post = post;
    const { cluster, node, queueRecords: limit } = options;
    this.#spool = options.spool === null ? undefined : this.#openSpool(options.spool);
    const epoch = this.#spool?.epoch ?? clock.now();
    this.#recorder = new Recorder({
      epoch: this.#now(),
      since: (this.#spool?.since ?? epoch) * 1000,
      interfaceName: (index) => this.#interfaces.nameOf(index),
      ...(options.dns === null ? {} : { domainOf: (...asked) => this.#dns?.nameOf(...asked) ?? null }),
    });
    this.#recorder.restore(this.#spool?.recovered.standing.open.values() ?? []);
    this.#outbox = new Outbox({
      ...{ cluster, node, epoch, limit },
      spool: this.#spool,
      post: (batch, records) => post({ kind: "records", batch, records }),
    });
  }

  /** The main thread is done with a batch. */
  ack(batch: number): void {
    this.#outbox.ack(batch);
  }

  /** Collects until the signal aborts, then tells what is left. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#options.namespacePath !== null) enterNamespace(this.#options.namespacePath);
    const sensor = new Sensor(this.#recorder, { ...this.#options, now: () => this.#now() });
    try {
      this.#prepare(sensor);
      this.#post({ kind: "ready" });
      await this.#collect(sensor, signal);
    } finally {
      sensor.close();
      this.#endDns();
      this.#leave();
    }
  }

  /** Everything before the first event. */
  #prepare(sensor: Sensor): void {
    sensor.probe();
    for (const { name, from, to } of applySettings())
      this.#log("info", { node: this.#options.node, from, to }, `set net.netfilter.${name}`);
    sensor.subscribe();
    if (this.#options.ensureConntrack) {
      loadTrackingRule();
      this.#tracking = true;
    }
    this.#beginDns();
    this.#tellAbsence();
    sensor.dump();
  }

  #beginDns(): void {
    const { dns, receiveBufferBytes } = this.#options;
    if (dns === null) {
      // An earlier run that was killed may have had it.
      this.#unless("rules that copy DNS could not be looked for", removeCopyRules);
      return;
    }
    this.#dns = new Dns(dns, receiveBufferBytes, () => this.#now());
    this.#dns.begin();
  }

  #endDns(): void {
    this.#unless("the rules that copy DNS could not be removed", () => this.#dns?.close());
  }

  #openSpool(settings: SpoolSettings): Spool {
    const { cluster, node } = this.#options;
    return Spool.open({
      ...settings,
      ...{ cluster, node, clock: this.#clock },
      onLoss: (count, span, detail) => this.#recorder.dropped(count, span, detail),
      onTrouble: (trouble) =>
        trouble === null
          ? this.#log("info", { node }, "the spool is written again")
          : this.#log("warn", { node, trouble }, "the spool cannot be written; records wait in memory"),
    });
  }

  /** What happened since an earlier run ended without warning was not seen. Told at once, so that a further end finds it told. */
  #tellAbsence(): void {
    const { lastSign = null, orderly = true } = this.#spool?.recovered ?? {};
    if (orderly || lastSign === null) return;
    const start = lastSign - (lastSign % (this.#options.windowMs * 1000));
    this.#recorder.wasAway({ start, end: Math.max(this.#now(), lastSign) });
    this.#outbox.push({ losses: this.#recorder.takeLosses() });
  }

  /** Leaves nothing behind; failing at that must not hide why the run ended. */
  #leave(): void {
    this.#unless("the tracking rule could not be removed", () => {
      if (this.#tracking) removeTrackingRule();
    });
  }

  async #collect(sensor: Sensor, signal: AbortSignal): Promise<void> {
    const flushMs = this.#spool === undefined ? undefined : spoolFlushMs;
    const windows = new Windows(this.#options.windowMs, this.#clock.now(), flushMs);
    const heartbeats = new Heartbeats(this.#clock.now());
    while (!signal.aborted) {
      const { found, more, overran } = sensor.poll();
      // After the events, so that the answers are known that led to these connections.
      const asked = this.#dns?.poll() ?? false;
      if (overran) this.#reconcile(sensor);
      const due = windows.due(this.#clock.now());
      if (due?.whole) sensor.dump();
      if (due !== undefined) this.#flush(due);
      const beat = heartbeats.due(this.#clock.now());
      if (beat !== undefined) this.#beat(beat, sensor);
      this.#tendSpool();
      const untilFlush = Math.max(Math.min(windows.next, heartbeats.next) - this.#clock.now(), 1);
      const pause = Math.min(found || asked ? pauseMs : idlePauseMs, untilFlush);
      await (more ? new Promise(setImmediate) : this.#clock.sleep(pause, signal));
    }
    this.#finish(sensor, windows, heartbeats);
    await this.#drain();
  }

  #finish(sensor: Sensor, windows: Windows, heartbeats: Heartbeats): void {
    while (sensor.poll().more);
    sensor.dump();
    this.#dns?.poll();
    this.#flush(windows.last(this.#clock.now()), true);
    this.#beat(heartbeats.last(this.#clock.now()), sensor);
    this.#tellLosses();
    this.#outbox.postAll();
  }

  /** Waits until what is in the spool was handed out and acked, as far as that goes, and closes it. */
  async #drain(): Promise<void> {
    if (this.#spool === undefined) return;
    const until = this.#clock.monotonic() + drainMs;
    while (!this.#outbox.idle && this.#clock.monotonic() < until) await this.#clock.sleep(pauseMs);
    this.#spool.close(this.#standing());
  }

  #tendSpool(): void {
    this.#spool?.tend();
    if (this.#spool?.standingDue) this.#spool.saveStanding(this.#standing());
    this.#outbox.post();
  }

  *#standing(): Generator<RawFlow> {
    const { cluster, node } = this.#options;
    const epoch = this.#spool?.epoch ?? 0;
    for (const draft of this.#recorder.standing()) yield { cluster, node, epoch, seq: 0, ...draft };
  }

  #beat(beat: Beat, sensor: Sensor): void {
    sensor.countUnlogged(beat);
    if (this.#outbox.full) return;
    const heartbeat = heartbeatOf(beat, this.#recorder.counters, this.#outbox.told, readKernelTable());
    this.#outbox.push({ heartbeats: [heartbeat] });
  }

  #reconcile(sensor: Sensor): void {
    const now = this.#clock.monotonic();
    if (now - this.#reconciledAt < reconcilePauseMs) return;
    this.#reconciledAt = now;
    this.#log("warn", { node: this.#options.node }, "conntrack events were lost; reading the whole table");
    sensor.dump();
  }

  #flush(flush: Flush, isLast = false): void {
    const flows = this.#recorder.flush(flush);
    const dns = this.#dns?.take(isLast) ?? [];
    const dropped = this.#outbox.push({ flows, dns });
    if (dropped > 0) this.#recorder.dropped(dropped, flush);
    this.#tellLosses();
    if (!flush.whole) return;
    this.#tellDnsLosses();
    this.#interfaces.forget();
    this.#post({ kind: "counters", counters: this.#recorder.counters, dns: this.#dns?.counters ?? null });
  }

  /** Once a window: it costs a question to the kernel. */
  #tellDnsLosses(): void {
    if (this.#dns === undefined || this.#outbox.full) return;
    this.#outbox.push({ losses: this.#dns.takeLosses() });
  }

  /** Says why something failed that must not hide why the run ended. */
  #unless(sentence: string, attempt: () => void): void {
    try {
      attempt();
    } catch (thrown) {
      this.#log("warn", { node: this.#options.node, cause: messageOf(thrown) }, sentence);
    }
  }

  #tellLosses(): void {
    if (!this.#outbox.full) this.#outbox.push({ losses: this.#recorder.takeLosses() });
  }

  #now(): number {
    return this.#clock.now() * 1000;
  }

  #log(level: "info" | "warn", fields: object, sentence: string): void {
    this.#post({ kind: "log", level, fields, sentence });
  }
}

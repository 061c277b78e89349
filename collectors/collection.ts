import type { Clock } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import { enterNamespace } from "../core/netlink/namespace.ts";
import { applySettings, loadTrackingRule, removeTrackingRule } from "./conntrack/prerequisites.ts";
import { Dns } from "./dns/dns.ts";
import { removeCopyRules } from "./dns/rules.ts";
import { type Beat, Heartbeats, heartbeatOf, readKernelTable } from "./heartbeats.ts";
import { InterfaceNames } from "./interface-names.ts";
import { type KernelCounts, nothingCounted } from "./kernel-counters.ts";
import { Outbox } from "./outbox.ts";
import { ReadingPace, soonMs } from "./reading-pace.ts";
import { Recorder } from "./recorder.ts";
import { Sensor } from "./sensor.ts";
import type { WriteOpen } from "./spool/open-connections.ts";
import { Spool, type SpoolSettings } from "./spool/spool.ts";
import { Surveys } from "./surveys.ts";
import { type Flush, Windows } from "./window.ts";
import type { FromWorker, WorkerOptions } from "./worker-protocol.ts";

// A table of 262,144 fills in three seconds at 80,000 new connections a second.
const watchMs = 250;
// While what was read is stored and acked.
const drainPauseMs = 5;
// Records of open connections that are written between two readings: some milliseconds.
const slicedRecords = 4_000;
// With a spool a connection that ended is on the disk so soon: what is in memory only is lost with the process.
const spoolFlushMs = 40;
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
  #kernel: KernelCounts | undefined;
  #watchedAt = Number.NEGATIVE_INFINITY;
  #surveyMs = 0;
  /** The longest time between two readings, but for what was meant, since counters were told last. */
  #stallMs = 0;
  /** Open connections that are being saved. */
  #saving: Generator<void> | undefined;

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
      ...{ cluster, node, epoch, limit, clock },
      spool: this.#spool,
      post: (batch, records) => post({ kind: "records", batch, records }),
    });
  }

  /** The main thread is done with a batch. */
  ack(batch: number, memory: ArrayBuffer): void {
    this.#outbox.ack(batch, memory);
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
    this.#kernel = sensor.countKernel({ start: this.#now(), end: this.#now() });
    this.#watchTable(sensor);
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
    const { lastSign = null, toldUpTo = null, orderly = true } = this.#spool?.recovered ?? {};
    if (orderly || lastSign === null || toldUpTo === null) return;
    this.#recorder.wasAway({ start: Math.min(toldUpTo, lastSign), end: Math.max(this.#now(), lastSign) });
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
    const surveys = new Surveys(sensor, this.#clock, (flush) => this.#tellOpen(flush));
    const pace = new ReadingPace();
    let readAt = this.#clock.monotonic();
    let pausedMs = 0;
    while (!signal.aborted) {
      const { datagrams, more, overran } = sensor.poll();
      const sinceMs = this.#clock.monotonic() - readAt;
      readAt += sinceMs;
      this.#stallMs = Math.max(this.#stallMs, sinceMs - pausedMs);
      const pause = pace.after(datagrams, sinceMs);
      // After the events, so that the answers are known that led to these connections.
      const asked = this.#dns?.poll() ?? false;
      if (overran && surveys.reconcile())
        this.#log("warn", { node: this.#options.node }, "conntrack events were lost; reading the whole table");
      const due = windows.due(this.#clock.now());
      if (due?.whole) surveys.endWindow(due);
      if (due !== undefined) this.#flush({ ...due, start: surveys.windowStart ?? due.start, whole: false });
      surveys.goOn();
      const beat = heartbeats.due(this.#clock.now());
      if (beat !== undefined) this.#beat(beat, sensor);
      this.#watchTable(sensor);
      this.#tendSpool();
      // What is due meanwhile waits for the next reading: waking up for it alone would cost more than that is worth.
      pausedMs = more || surveys.busy ? 0 : asked ? soonMs : pause;
      await (pausedMs === 0 ? new Promise(setImmediate) : this.#clock.sleep(pausedMs, signal));
      this.#surveyMs = surveys.tookMs;
    }
    this.#finish(sensor, surveys, windows, heartbeats);
    await this.#drain();
  }

  #finish(sensor: Sensor, surveys: Surveys, windows: Windows, heartbeats: Heartbeats): void {
    surveys.finish();
    while (sensor.poll().more);
    sensor.dump();
    this.#dns?.poll();
    const last = windows.last(this.#clock.now());
    const flush = { ...last, start: surveys.windowStart ?? last.start };
    this.#flush(flush);
    for (const _ of this.#tellOpen(flush, true));
    this.#beat(heartbeats.last(this.#clock.now()), sensor);
    this.#tellLosses();
    this.#outbox.postAll();
  }

  /** Waits until what is in the spool was handed out and acked, as far as that goes, and closes it. */
  async #drain(): Promise<void> {
    if (this.#spool === undefined) return;
    const until = this.#clock.monotonic() + drainMs;
    while ((!this.#outbox.idle || this.#spool.busy) && this.#clock.monotonic() < until)
      await this.#clock.sleep(drainPauseMs);
    this.#saving?.return(undefined);
    this.#spool.close(() => this.#standing());
  }

  #tendSpool(): void {
    const spool = this.#spool;
    spool?.tend();
    if (spool?.standingDue) this.#saving ??= spool.savingStanding(() => this.#standing());
    if (this.#saving?.next().done) this.#saving = undefined;
    this.#outbox.post();
  }

  *#standing(): Generator<WriteOpen> {
    const { cluster, node } = this.#options;
    const epoch = this.#spool?.epoch ?? 0;
    const { usual } = this.#recorder;
    let slot = 0;
    const write: WriteOpen = (writer, seq) => writer.toldSlot(usual.slots, slot, seq);
    for (slot = usual.nextTold(0); slot >= 0; slot = usual.nextTold(slot + 1)) yield write;
    // These last: a connection that becomes unusual meanwhile is among them.
    for (const draft of this.#recorder.standing())
      yield (writer, seq) => writer.flow({ cluster, node, epoch, seq, ...draft });
  }

  #beat(beat: Beat, sensor: Sensor): void {
    sensor.countUnlogged(beat);
    const table = readKernelTable();
    this.#kernel = sensor.countKernel(beat);
    if (this.#outbox.full) return;
    const heartbeat = heartbeatOf(beat, this.#recorder.counters, this.#outbox.told, { ...table, ...this.#kernel });
    this.#outbox.push({ heartbeats: [heartbeat] });
  }

  /** Lets the kernel tell of ends until they are heard, while its table has room for those it keeps for that. */
  #watchTable(sensor: Sensor): void {
    const now = this.#clock.monotonic();
    if (now - this.#watchedAt < watchMs) return;
    this.#watchedAt = now;
    const { connections, connectionsMax } = readKernelTable();
    const on = sensor.tend(connectionsMax === 0 ? 1 : connections / connectionsMax);
    if (on === false)
      this.#log(
        "warn",
        { node: this.#options.node, connections, connectionsMax },
        "the connection table fills up: the kernel no longer keeps connections until their end is heard",
      );
  }

  /** Tells what ended; with `whole`, of everything else as well, but for usual connections that are open. */
  #flush(flush: Flush, isLast = false): void {
    const flows = this.#recorder.flush(flush);
    const dns = this.#dns?.take(isLast) ?? [];
    this.#lose(this.#outbox.push({ flows, dns }) + this.#outbox.pushClosed(this.#recorder.usual, flush), flush);
    this.#tellLosses();
  }

  #tellLosses(): void {
    if (!this.#outbox.full) this.#outbox.push({ losses: this.#recorder.takeLosses() });
  }

  /** Tells what a window that is over leaves to tell, in slices. */
  *#tellOpen(flush: Flush, isLast = false): Generator<void> {
    this.#flush(flush, isLast);
    for (let from = 0; from >= 0; ) {
      const { next, dropped } = this.#outbox.pushOpen(this.#recorder.usual, from, slicedRecords, flush);
      this.#lose(dropped, flush);
      from = next;
      yield;
    }
    this.#tellLosses();
    this.#tellDnsLosses();
    this.#spool?.windowTold(flush.end);
    this.#interfaces.forget();
    const own = { surveyMs: this.#surveyMs, stallMs: this.#stallMs };
    const counters = { ...this.#recorder.counters, ...(this.#kernel ?? nothingCounted), ...own };
    this.#stallMs = 0;
    this.#post({ kind: "counters", counters, dns: this.#dns?.counters ?? null });
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

  #lose(dropped: number, flush: Flush): void {
    if (dropped > 0) this.#recorder.dropped(dropped, flush);
  }

  #now(): number {
    return this.#clock.now() * 1000;
  }

  #log(level: "info" | "warn", fields: object, sentence: string): void {
    this.#post({ kind: "log", level, fields, sentence });
  }
}

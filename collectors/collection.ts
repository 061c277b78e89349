import type { Clock } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import { enterNamespace } from "../core/netlink/namespace.ts";
import type { RawFlow } from "../core/records/flow.ts";
import type { Loss } from "../core/records/loss.ts";
import { applySettings, loadTrackingRule, removeTrackingRule } from "./conntrack/prerequisites.ts";
import type { Draft } from "./draft.ts";
import { InterfaceNames } from "./interface-names.ts";
import type { LossDraft } from "./losses.ts";
import { Outbox } from "./outbox.ts";
import { Recorder } from "./recorder.ts";
import { Sensor } from "./sensor.ts";
import { type Flush, Windows } from "./window.ts";
import type { FromWorker, Stream, WorkerOptions } from "./worker-protocol.ts";

// Measured: reading without waiting, with a pause after a short batch, takes events in batches of about 157 and costs a
// third of blocking reads.
const pauseMs = 5;
// A wake-up costs 0.1 to 0.2 ms of CPU time. While nothing happens fewer are enough: the sockets' buffers hold a quarter
// of a second of 150,000 connections each second.
const idlePauseMs = 20;
// A dump of a full table costs half a second; after an overrun one is enough to find what was missed.
const reconcilePauseMs = 30_000;

/** One run of a collector inside its worker: reads, records, and posts. */
export class Collection {
  readonly #options: WorkerOptions;
  readonly #clock: Clock;
  readonly #post: (message: FromWorker) => void;
  readonly #epoch: number;
  readonly #interfaces = new InterfaceNames();
  readonly #recorder: Recorder;
  readonly #flows: Outbox<Draft, RawFlow>;
  readonly #losses: Outbox<LossDraft, Loss>;
  #tracking = false;
  #reconciledAt = Number.NEGATIVE_INFINITY;

  constructor(options: WorkerOptions, clock: Clock, post: (message: FromWorker) => void) {
    this.#options = options;
    this.#clock = clock;
    this.#post = post;
    this.#epoch = clock.now();
    this.#recorder = new Recorder({
      epoch: this.#now(),
      interfaceName: (index) => this.#interfaces.nameOf(index),
    });
    const origin = { cluster: options.cluster, node: options.node, epoch: this.#epoch };
    this.#flows = new Outbox({
      limit: options.queueRecords,
      number: (draft, seq) => ({ ...origin, seq, ...draft }),
      post: (records) => post({ kind: "flows", records }),
    });
    this.#losses = new Outbox({
      limit: options.queueRecords,
      number: (draft, seq) => ({ ...origin, seq, ...draft }),
      post: (records) => post({ kind: "losses", records }),
    });
  }

  /** The main thread has room for another batch. */
  credit(stream: Stream): void {
    if (stream === "flows") this.#flows.credit();
    else this.#losses.credit();
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
    sensor.dump();
  }

  /** Leaves nothing behind; failing at that must not hide why the run ended. */
  #leave(): void {
    try {
      if (this.#tracking) removeTrackingRule();
    } catch (thrown) {
      this.#log(
        "warn",
        { node: this.#options.node, cause: messageOf(thrown) },
        "the tracking rule could not be removed",
      );
    }
  }

  async #collect(sensor: Sensor, signal: AbortSignal): Promise<void> {
    const windows = new Windows(this.#options.windowMs, this.#clock.now());
    while (!signal.aborted) {
      const { found, more, overran } = sensor.poll();
      if (overran) this.#reconcile(sensor);
      const due = windows.due(this.#clock.now());
      if (due?.whole) sensor.dump();
      if (due !== undefined) this.#flush(due);
      const untilFlush = Math.max(windows.next - this.#clock.now(), 1);
      const pause = Math.min(found ? pauseMs : idlePauseMs, untilFlush);
      await (more ? new Promise(setImmediate) : this.#clock.sleep(pause, signal));
    }
    this.#finish(sensor, windows);
  }

  #finish(sensor: Sensor, windows: Windows): void {
    while (sensor.poll().more);
    sensor.dump();
    this.#flush(windows.last(this.#clock.now()));
    this.#flows.postAll();
    this.#losses.postAll();
  }

  #reconcile(sensor: Sensor): void {
    const now = this.#clock.monotonic();
    if (now - this.#reconciledAt < reconcilePauseMs) return;
    this.#reconciledAt = now;
    this.#log("warn", { node: this.#options.node }, "conntrack events were lost; reading the whole table");
    sensor.dump();
  }

  #flush(flush: Flush): void {
    const dropped = this.#flows.push(this.#recorder.flush(flush));
    if (dropped > 0) this.#recorder.dropped(dropped, flush);
    this.#losses.push(this.#recorder.takeLosses());
    if (!flush.whole) return;
    this.#interfaces.forget();
    this.#post({ kind: "counters", counters: this.#recorder.counters });
  }

  #now(): number {
    return this.#clock.now() * 1000;
  }

  #log(level: "info" | "warn", fields: object, sentence: string): void {
    this.#post({ kind: "log", level, fields, sentence });
  }
}

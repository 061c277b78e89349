import type { Clock } from "../../core/clock.ts";
import { Condition } from "../../core/condition.ts";
import { messageOf } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { Sink } from "../../core/pipeline.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import type { Found, Snapshot } from "../snapshot/snapshot-text.ts";

/** Where a change log keeps what it knows. */
export interface Keeping {
  /** Undefined where nothing was kept yet. Throws SNAPSHOT_INVALID for what is not to be used. */
  open(): Promise<Found | undefined>;
  /** On disk when it resolves. */
  write(snapshot: Snapshot, now: number): Promise<void>;
  /** Nothing else is new. */
  watched(now: number): Promise<void>;
  close(): Promise<void>;
}

export interface TellerOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly keeping: Keeping | null;
  /** What is to be kept, with these records that are still to be told; null: not yet, or not just now. */
  readonly snapshot: (records: readonly ChangeRecord[]) => Snapshot | null;
}

type Outcome = "done" | "not yet" | "failed";

/** How exactly it is known, after a crash, since when nobody watched. */
const watchedMs = 30_000;
const pauseMs = 1_000;

/**
 * Tells records, each once: a record is on disk before it is told, with the state that it led to. Whoever is killed in between tells it again when he
 * runs again, the very same.
 */
export class Teller {
  readonly #options: TellerOptions;
  readonly #changed = new Condition();
  #records: readonly ChangeRecord[] = [];
  /** What is known is other than what is on disk. */
  #isDirty = false;
  /** On disk there are records that were told. */
  #isStale = false;
  #writtenAt = Number.NEGATIVE_INFINITY;

  constructor(options: TellerOptions) {
    this.#options = options;
  }

  /** How many are not told. */
  get size(): number {
    return this.#records.length;
  }

  add(records: readonly ChangeRecord[]): void {
    this.#records = [...this.#records, ...records];
    this.note();
  }

  /** What is known is another than before. */
  note(): void {
    this.#isDirty = true;
    this.#changed.changed();
  }

  /** Until the first signal aborts and all is told; what cannot be told then stays on disk. */
  async run(sink: Sink<ChangeRecord>, over: AbortSignal, giveUp: AbortSignal): Promise<void> {
    for (;;) {
      const isLast = over.aborted;
      const outcome = await this.#round(sink, giveUp);
      if (isLast && (outcome !== "done" || this.#records.length === 0)) break;
      if (outcome === "failed") await this.#options.clock.sleep(pauseMs, over);
      else if (!this.#isDirty) await this.#rest(over);
    }
    if (this.#isDirty || this.#isStale) await this.#write();
  }

  /** What cannot be kept is told nonetheless. */
  async #round(sink: Sink<ChangeRecord>, giveUp: AbortSignal): Promise<Outcome> {
    const told = this.#records;
    const isDue = this.#options.clock.now() - this.#writtenAt >= watchedMs;
    const written = this.#isDirty || isDue ? await this.#write() : "done";
    if (written === "not yet") return written;
    return (await this.#tell(told, sink, giveUp)) ? written : "failed";
  }

  async #tell(told: readonly ChangeRecord[], sink: Sink<ChangeRecord>, giveUp: AbortSignal): Promise<boolean> {
    if (told.length === 0) return true;
    try {
      await sink.write(told, giveUp);
      this.#records = this.#records.slice(told.length);
      this.#isStale = true;
      return true;
    } catch (thrown) {
      const error = messageOf(thrown);
      if (!giveUp.aborted) this.#options.log.error({ error }, "changes of controls are not stored; they wait");
      return false;
    }
  }

  async #write(): Promise<Outcome> {
    const { keeping, clock, log, snapshot } = this.#options;
    const now = clock.now();
    const isNew = this.#isDirty || this.#isStale;
    const written = snapshot(this.#records);
    this.#isDirty = false;
    if (written === null) return "not yet";
    try {
      await (isNew ? keeping?.write(written, now) : keeping?.watched(now));
      this.#isStale = false;
      this.#writtenAt = now;
      return "done";
    } catch (thrown) {
      this.#isDirty = isNew;
      const sentence = "what the change log knows is not kept: after a restart it may miss or repeat changes";
      log.error({ error: messageOf(thrown) }, sentence);
      return "failed";
    }
  }

  async #rest(over: AbortSignal): Promise<void> {
    const end = new AbortController();
    const either = AbortSignal.any([over, end.signal]);
    await Promise.race([this.#changed.wait(either), this.#options.clock.sleep(watchedMs, either)]);
    end.abort();
  }
}

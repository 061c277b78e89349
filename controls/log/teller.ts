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

/** How exactly it is known, after a crash, since when nobody watched. */
const watchedMs = 30_000;
const pauseMs = 1_000;

/**
 * Tells records, each once: a record is on disk before it is told, with the state that it led to. Whoever is killed in between tells it again when he
 * runs again, the very same. However long a store takes, or is away, what is new goes to disk meanwhile.
 */
export class Teller {
  readonly #options: TellerOptions;
  readonly #changed = new Condition();
  /** Those that are not told. */
  #records: readonly ChangeRecord[] = [];
  /** How many there were before them. */
  #told = 0;
  /** So many of all are on disk, or could not be written: what cannot be kept is told nonetheless. */
  #kept = 0;
  /** What is known is other than what is on disk. */
  #isDirty = false;
  /** On disk there are records that were told. */
  #isStale = false;
  /** The store did not take them when they were told last. */
  #isRefused = false;
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

  /**
   * Until the first signal aborts and all is told, or was tried once more; what cannot be told then stays on disk. The sink need not try
   * again by itself.
   */
  async run(sink: Sink<ChangeRecord>, over: AbortSignal, giveUp: AbortSignal): Promise<void> {
    await Promise.all([this.#keep(over), this.#tellReady(sink, over, giveUp)]);
    for (let isTold = true; isTold && this.#records.length > 0; ) {
      if (this.#isDirty) await this.#write();
      isTold = this.#kept > this.#told && (await this.#tell(sink, giveUp));
    }
    if (this.#isDirty || this.#isStale) await this.#write();
  }

  async #keep(over: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!over.aborted) {
      const isDue = clock.now() - this.#writtenAt >= watchedMs;
      const isWritten = this.#isDirty || isDue ? await this.#write() : true;
      if (!isWritten) await clock.sleep(pauseMs, over);
      else if (!this.#isDirty) await this.#changed.waitFor(watchedMs, clock, over);
    }
  }

  async #tellReady(sink: Sink<ChangeRecord>, over: AbortSignal, giveUp: AbortSignal): Promise<void> {
    while (!over.aborted) {
      if (this.#kept === this.#told) await this.#changed.wait(over);
      else if (!(await this.#tell(sink, giveUp))) await this.#options.clock.sleep(pauseMs, over);
    }
  }

  async #tell(sink: Sink<ChangeRecord>, giveUp: AbortSignal): Promise<boolean> {
    const { log } = this.#options;
    const told = this.#records.slice(0, this.#kept - this.#told);
    try {
      await sink.write(told, giveUp);
    } catch (thrown) {
      const error = messageOf(thrown);
      if (!giveUp.aborted && !this.#isRefused) log.error({ error }, "changes of controls are not stored; they wait");
      this.#isRefused = true;
      return false;
    }
    if (this.#isRefused) log.info({ records: told.length }, "changes of controls are stored again");
    this.#isRefused = false;
    this.#records = this.#records.slice(told.length);
    this.#told += told.length;
    this.#isStale = true;
    return true;
  }

  /** False if it failed. */
  async #write(): Promise<boolean> {
    const { keeping, clock, log, snapshot } = this.#options;
    const now = clock.now();
    const isNew = this.#isDirty || this.#isStale;
    const kept = this.#told + this.#records.length;
    const written = snapshot(this.#records);
    this.#isDirty = false;
    if (written === null) return true;
    // What is told while this is written is on disk nonetheless.
    this.#isStale = false;
    try {
      await (isNew ? keeping?.write(written, now) : keeping?.watched(now));
      this.#writtenAt = now;
      return true;
    } catch (thrown) {
      this.#isDirty = isNew;
      const sentence = "what the change log knows is not kept: after a restart it may miss or repeat changes";
      log.error({ error: messageOf(thrown) }, sentence);
      return false;
    } finally {
      this.#kept = kept;
      this.#changed.changed();
    }
  }
}

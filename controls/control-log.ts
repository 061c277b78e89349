import type { Clock } from "../core/clock.ts";
import { Condition } from "../core/condition.ts";
import { SluiceError } from "../core/errors.ts";
import type { Deed } from "../core/kube/deed.ts";
import type { Change } from "../core/kube/watch.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Sink } from "../core/pipeline.ts";
import type { Actor, ChangeRecord } from "../core/records/change.ts";
import { contentHash } from "../policy/hash.ts";
import type { ProgramSettings } from "../policy/program-settings.ts";
import type { Authority } from "./authority/authority.ts";
import type { Evidence } from "./evidence/sighting.ts";
import { WaitingChanges, type WaitingOptions } from "./evidence/waiting.ts";
import { type Keeping, Teller } from "./log/teller.ts";
import type { Found, Snapshot } from "./snapshot/snapshot-text.ts";
import { type Circumstances, ControlWatch, type Draft } from "./watched/control-watch.ts";

export interface ControlLogOptions {
  readonly cluster: string;
  readonly settings: ProgramSettings;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Where it keeps what it knows; null: nowhere, and what is done while it does not run is not found out. */
  readonly keeping: Keeping | null;
  /** Kinds of which nobody knows what there is, as `plural.group`: what is known of them stays. */
  readonly unread?: () => ReadonlySet<string>;
  readonly waiting: WaitingOptions;
  /** Told of all that exists, and of each change before the next. */
  readonly authority?: Pick<Authority, "begin" | "see">;
  /** Writes into a record who did it, and what follows from that. */
  readonly settle: Settle;
}

const sluice: Actor = {
  ...{ program: "sluice", pid: null, commandLine: null, uid: null, user: null, login: null, container: null },
  ancestors: [],
};

export type Settle = (draft: Draft, evidence: Evidence) => ChangeRecord;

/** So many changes of who reaches whom does a record tell. */
const effectLimit = 20;
/** Parts of it are not asked whether to go on. */
const mostEndpoints = 50_000;
/** For one effect, and for all of what comes at once. With 5,000 pods and 1,000 policies one takes a second (policy-effect.bench.ts). */
const effectMs = 5_000;
const effectsMs = 10_000;
const settleMs = 200;

/**
 * The log of every change of a control. What list and watch tell goes in; records come out, each stored once:
 *
 *   hear -> ControlWatch (what is other, its effect) -> WaitingChanges (who did it) -> Teller (once) -> sink
 */
export class ControlLog {
  readonly #options: ControlLogOptions;
  readonly #watch: ControlWatch;
  readonly #waiting: WaitingChanges<Draft>;
  readonly #changed = new Condition();
  readonly #teller: Teller;
  /** With when that was. */
  readonly #heard: { readonly changes: readonly Change[]; readonly at: number }[] = [];
  /** Nobody has said yet who did it. */
  readonly #unsettled = new Map<string, ChangeRecord>();
  /** What was heard before all that exists was told. */
  #first: Change[] | null = [];
  #earlier: Found | null = null;
  /** What is known is whole: all that exists was told, and all that is other than before. */
  #isWhole = false;

  constructor(options: ControlLogOptions) {
    const { cluster, settings, metrics } = options;
    this.#options = options;
    this.#watch = new ControlWatch({ cluster, settings, limit: effectLimit, mostEndpoints });
    this.#waiting = new WaitingChanges(options.waiting);
    this.#teller = new Teller({ ...options, snapshot: (records) => this.#snapshot(records) });
    metrics.read("sluice_control_changes_waiting", () => [
      { labels: {}, value: this.#unsettled.size + this.#teller.size },
    ]);
  }

  /** What list and watch tell, in batches as they come. */
  hear(changes: readonly Change[]): void {
    this.#heard.push({ changes, at: this.#options.clock.now() });
    this.#changed.changed();
  }

  /** Who did what; gives back what was not known. */
  tell(deeds: readonly Deed[]): readonly Deed[] {
    const { fresh, settled } = this.#waiting.take(deeds, this.#options.clock.now());
    this.#settle(settled);
    return fresh;
  }

  /** Tells something that nobody can see by list and watch: what was refused. */
  record(...records: readonly ChangeRecord[]): void {
    this.#teller.add(records);
  }

  /** Until the first signal aborts and all is stored, or the other one aborts. */
  async run(sink: Sink<ChangeRecord>, stop: AbortSignal, giveUp: AbortSignal): Promise<void> {
    try {
      this.#resume(await this.#open());
      const over = new AbortController();
      const watching = this.#follow(stop).finally(() => over.abort());
      await Promise.all([watching, this.#teller.run(sink, over.signal, giveUp)]);
    } finally {
      await this.#options.keeping?.close();
    }
  }

  async #follow(stop: AbortSignal): Promise<void> {
    while (!stop.aborted || this.#heard.length > 0) {
      const heard = this.#heard.shift();
      if (heard !== undefined) await this.#take(heard.changes, this.#circumstances(heard.at));
      this.#settle(this.#waiting.due(this.#options.clock.now()));
      if (this.#heard.length === 0) await this.#rest(stop);
    }
    this.#settle(this.#waiting.all());
  }

  async #open(): Promise<Found | string | undefined> {
    const { keeping, cluster, log } = this.#options;
    try {
      const found = await keeping?.open();
      if (found === undefined || found.cluster === cluster) return found;
      throw new SluiceError("SNAPSHOT_INVALID", `what the change log knew is of cluster ${found.cluster}`);
    } catch (thrown) {
      if (!(thrown instanceof SluiceError) || thrown.code !== "SNAPSHOT_INVALID") throw thrown;
      log.error({ error: thrown.message }, "the change log begins anew: what was changed meanwhile is not found out");
      return thrown.message;
    }
  }

  #resume(found: Found | string | undefined): void {
    if (typeof found === "object") {
      this.record(...found.records);
      this.#earlier = found;
    } else this.record(this.#beginning(found));
  }

  /** That nobody knows what was before is on record as well. */
  #beginning(why: string | undefined): ChangeRecord {
    const { cluster, clock } = this.#options;
    const us = Math.round(clock.now() * 1000);
    const record: Omit<ChangeRecord, "id"> = {
      ...{
        cluster,
        node: null,
        kind: "control",
        start: us,
        foundAt: us,
        end: null,
        actor: sluice,
        object: "change log",
      },
      summary: why === undefined ? "begins the change log" : `begins the change log anew: ${why}`,
      ...{ diff: [], outcome: "unknown", outcomeDetail: "", request: null, control: null },
    };
    return { id: contentHash(record, 32), ...record };
  }

  async #take(changes: readonly Change[], at: Circumstances): Promise<void> {
    if (this.#first === null) return await this.#draft(this.#watch.take(changes, at));
    this.#first.push(...changes);
    if (!changes.some(({ type }) => type === "synced")) return;
    const all = this.#first;
    this.#first = null;
    this.#options.authority?.begin(all);
    const { unread = () => new Set<string>() } = this.#options;
    await this.#draft(this.#watch.begin(all, this.#earlier && { ...this.#earlier, unread: unread() }, at));
    this.#isWhole = true;
    this.#teller.note();
  }

  #snapshot(records: readonly ChangeRecord[]): Snapshot | null {
    if (!this.#isWhole) return null;
    const known = new Map(this.#watch.known());
    return { cluster: this.#options.cluster, known, records: [...records, ...this.#unsettled.values()] };
  }

  async #draft(drafts: Iterable<Draft>): Promise<void> {
    const { metrics, clock, authority } = this.#options;
    for (const draft of drafts) {
      const { record, sighting } = draft;
      metrics.add("sluice_control_changes_total", { subject: record.control?.subject ?? "", verb: sighting.verb });
      this.#unsettled.set(record.id, record);
      this.#teller.note();
      authority?.see(record, draft.object);
      this.#settle(this.#waiting.see(sighting, draft, clock.now()));
      // One effect after the other would keep all else in this process waiting.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  #circumstances(heardAt: number): Circumstances {
    const { clock } = this.#options;
    const until = clock.monotonic() + effectsMs;
    return {
      now: () => heardAt,
      reasonNotTo: () => (clock.monotonic() < until ? null : "too many changes at once"),
      goOn: () => {
        const end = clock.monotonic() + effectMs;
        return () => clock.monotonic() < end;
      },
    };
  }

  #settle(settled: readonly { readonly change: Draft; readonly evidence: Evidence }[]): void {
    if (settled.length === 0) return;
    for (const { change } of settled) this.#unsettled.delete(change.record.id);
    this.record(...settled.map(({ change, evidence }) => this.#options.settle(change, evidence)));
  }

  async #rest(stop: AbortSignal): Promise<void> {
    const over = new AbortController();
    const either = AbortSignal.any([stop, over.signal]);
    const isWaiting = this.#waiting.size > 0;
    const wait = isWaiting ? [this.#options.clock.sleep(settleMs, either)] : [];
    await Promise.race([this.#changed.wait(either), ...wait]);
    over.abort();
  }
}

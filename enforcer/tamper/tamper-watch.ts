import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { ChangeRecord } from "../../core/records/change.ts";
import type { Enforcer, Repair } from "../enforcer.ts";
import { emptyRuleset } from "../ruleset.ts";
import { Damping } from "./damping.ts";
import type { News } from "./news.ts";
import { RulePlaces } from "./rule-places.ts";
import type { TableEvent, Tampering } from "./table-event.ts";
import { tamperRecord } from "./tamper-record.ts";
import { type PlaceOf, wordsOf } from "./words.ts";

/** A time in which the rules were, or may have been, other than wanted. Wall time, milliseconds. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

export interface TamperWatchOptions {
  readonly cluster: string;
  readonly node: string;
  readonly enforcer: Pick<Enforcer, "disturbed">;
  /** Whether a process is one that we started to change rules for us. */
  readonly isOurChild: (pid: number) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Each one. */
  readonly onChange: (change: ChangeRecord) => void;
  /** Shows people the first of its like, later how many more of them (`repeats`) there were in a minute; null: nobody looks. */
  readonly onNotice: ((change: ChangeRecord, repeats: number) => void) | null;
  /** After each repair: connections opened in it were judged by other rules than ours. */
  readonly onGap: (gap: Gap) => void;
}

type Foreign = Extract<News, { kind: "foreign" }>;

/** What is known of a tampering until it is put right. */
interface Case {
  readonly news: Foreign | Extract<News, { kind: "lost" }>;
  readonly placeOf: PlaceOf;
}

/** Lost events cost a whole replacement, which may itself be what made the kernel lose some. */
const lostMs = 60_000;

/** Has the enforcer undo what others do to our table, and tells who did what. */
export class TamperWatch {
  readonly #options: TamperWatchOptions;
  readonly #places = new RulePlaces();
  readonly #open = new Map<Tampering, Case>();
  readonly #damping: Damping<ChangeRecord>;
  #lost: Extract<News, { kind: "lost" }> | undefined;
  #lostUntil = Number.NEGATIVE_INFINITY;

  constructor(options: TamperWatchOptions) {
    this.#options = options;
    this.#damping = new Damping(options.clock, (change, repeats) => this.#notice(change, repeats));
  }

  /** Tells, until the signal aborts, what was counted; at the end also what was not put right. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#damping.run(signal), this.#afterLosses(signal)]);
    for (const [tampering, { news, placeOf }] of this.#open) this.#record(news, tampering, placeOf, undefined);
    this.#open.clear();
  }

  take(news: News): void {
    if (news.kind === "own") this.#places.follow(news.events);
    else if (news.kind === "lost") this.#takeLost(news);
    else if (news.kind === "foreign") this.#takeForeign(news);
  }

  /** For the enforcer. */
  readonly repaired = (repair: Repair): void => {
    for (const tampering of repair.tamperings) {
      const known = this.#open.get(tampering);
      if (known === undefined) continue;
      this.#open.delete(tampering);
      this.#record(known.news, tampering, known.placeOf, repair);
      this.#options.onGap({ from: known.news.after, to: repair.at });
    }
    if (repair.damage !== null) this.#recordDamage(repair, repair.damage);
  };

  #takeForeign(news: Foreign): void {
    const { events, omitted } = news;
    if (events.length + omitted === 0) return;
    if (this.#options.isOurChild(news.localPid)) {
      this.#places.follow(events);
      if (omitted > 0) this.#places.forget();
      return;
    }
    const placeOf = this.#placesOf(events);
    this.#places.takeAway(events);
    this.#disturb({ events, omitted }, { news, placeOf });
  }

  /** Anything may have happened. */
  #takeLost(news: Extract<News, { kind: "lost" }>): void {
    this.#options.log.warn({ node: this.#options.node, reason: news.reason }, "lost track of changes to the ruleset");
    this.#places.forget();
    if (news.isRare) this.#disturbByLoss(news);
    else this.#lost ??= news;
    this.#lookAfterLoss();
  }

  async #afterLosses(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#options.clock.sleep(1_000, signal);
      this.#lookAfterLoss();
    }
  }

  #lookAfterLoss(): void {
    const now = this.#options.clock.monotonic();
    const lost = this.#lost;
    if (lost === undefined || now < this.#lostUntil) return;
    this.#lost = undefined;
    this.#lostUntil = now + lostMs;
    this.#disturbByLoss(lost);
  }

  #disturbByLoss(news: Extract<News, { kind: "lost" }>): void {
    this.#disturb({ events: [], omitted: 1 }, { news, placeOf: () => undefined });
  }

  #disturb(tampering: Tampering, known: Case): void {
    this.#open.set(tampering, known);
    if (!this.#options.enforcer.disturbed(tampering)) this.#open.delete(tampering);
  }

  /** As they are now: the repair gives rules other handles. */
  #placesOf(events: readonly TableEvent[]): PlaceOf {
    const places = new Map<string, number | undefined>();
    for (const event of events)
      if (event.what === "rule" && event.gone)
        places.set(`${event.chain} ${event.handle}`, this.#places.placeOf(event.chain, event.handle));
    return (chain, handle) => places.get(`${chain} ${handle}`);
  }

  #record(news: Case["news"], tampering: Tampering, placeOf: PlaceOf, repair: Repair | undefined): void {
    const { cluster, node } = this.#options;
    const lost =
      news.kind === "lost" ? { summary: `may have changed it: ${news.reason}`, diff: [], kind: "lost" } : undefined;
    const { summary, diff, kind } = lost ?? wordsOf(repair?.wanted ?? emptyRuleset, tampering, placeOf);
    const culprit = news.kind === "foreign" ? news.culprit : null;
    this.#tell(
      tamperRecord({
        ...{ cluster, node, culprit, summary, diff },
        ...{ start: news.after, foundAt: news.at, end: repair?.at ?? null },
        outcomeDetail: repair === undefined ? "it was not put right while we watched" : mended(repair),
      }),
      kind,
    );
  }

  /** Nothing told of it, so it happened at some time since the table was last known to be whole. */
  #recordDamage(repair: Repair, damage: string): void {
    const { cluster, node, onGap } = this.#options;
    const { at, wholeAt } = repair;
    const start = wholeAt ?? at;
    this.#tell(
      tamperRecord({
        ...{ cluster, node, culprit: null, summary: `was found damaged: ${damage}`, diff: [] },
        ...{ start, foundAt: at, end: at, outcomeDetail: mended(repair) },
      }),
      "damage",
    );
    onGap({ from: start, to: at });
  }

  #tell(change: ChangeRecord, kind: string): void {
    this.#options.onChange(change);
    const { actor } = change;
    this.#damping.add([actor?.program, actor?.uid, actor?.container, kind].join("|"), change);
  }

  #notice(change: ChangeRecord, repeats: number): void {
    const { node, log, onNotice } = this.#options;
    const { summary, actor, outcomeDetail } = change;
    const who = { program: actor?.program ?? null, pid: actor?.pid ?? null, command: actor?.commandLine ?? null };
    // Where people look on, they are told once.
    const tell = onNotice === null ? log.error : log.info;
    tell.call(log, { node, summary, ...who, outcome: outcomeDetail, repeats }, "somebody changed our table");
    onNotice?.(change, repeats);
  }
}

function mended({ commands }: Repair): string {
  if (commands === null) return "everything was written anew";
  return commands === 0 ? "nothing had to be put back" : `put back by ${commands} command${commands === 1 ? "" : "s"}`;
}

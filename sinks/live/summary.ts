import type { Clock } from "../../core/clock.ts";
import type { Flow } from "../../core/records/flow.ts";
import type { Loss } from "../../core/records/loss.ts";
import { tierOf } from "./decision.ts";
import { connectionName, FirstSeen, recordName } from "./first-seen.ts";
import { destinationName, portText, sourceName, workloadName } from "./names.ts";
import { bytesOf, isShown } from "./row.ts";
import { clean } from "./text.ts";
import { policyText } from "./why.ts";

export interface Talker {
  /** `dev-shop/web → prod-shop/api:8080/tcp`. */
  readonly pair: string;
  connections: number;
  bytes: number;
}

export interface DeniedBy {
  readonly policy: string;
  attempts: number;
  /** The first one. */
  readonly example: string;
}

export interface TierCount {
  /** Null: no tier decided. */
  readonly tier: string | null;
  allowed: number;
  denied: number;
}

export interface LossTotal {
  readonly node: string;
  readonly source: Loss["source"];
  readonly detail: string;
  /** How many records tell of it. */
  times: number;
  /** Null once one of them could not say how many. */
  count: number | null;
}

/** What happened while we watched. Lists are sorted, most first. */
export interface SummaryReport {
  readonly durationMs: number;
  readonly connections: number;
  readonly allowed: number;
  readonly denied: number;
  readonly bytes: number;
  readonly talkers: readonly Talker[];
  /** Pairs that were not kept apart for want of room. */
  readonly furtherPairs: number;
  readonly deniedBy: readonly DeniedBy[];
  /** What an observing node let pass though a policy denies it. */
  readonly wouldBeDeniedBy: readonly DeniedBy[];
  readonly tiers: readonly TierCount[];
  readonly losses: readonly LossTotal[];
}

/** How many different pairs and policies are kept apart. */
const kept = 10_000;
/** And kinds of losses: what could not be decoded is told in the words of its fault. */
const keptLosses = 1_000;

/** Counts records as they pass. A connection counts once, its bytes window by window. */
export class Summary {
  readonly #clock: Clock;
  #begun: number;
  #ended: number | undefined;
  readonly #records = new FirstSeen();
  readonly #connections = new FirstSeen();
  readonly #talkers = new Map<string, Talker>();
  readonly #deniedBy = new Map<string, DeniedBy>();
  readonly #wouldBeDeniedBy = new Map<string, DeniedBy>();
  readonly #tiers = new Map<string, TierCount>();
  readonly #losses = new Map<string, LossTotal>();
  #allowed = 0;
  #denied = 0;
  #bytes = 0;
  #furtherPairs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#begun = clock.monotonic();
  }

  /** Only from here on was anything watched. */
  begin(): void {
    this.#begun = this.#clock.monotonic();
  }

  /** What comes now was on its way. */
  end(): void {
    this.#ended ??= this.#clock.monotonic();
  }

  addFlow(flow: Flow): void {
    if (!isShown(flow) || !this.#records.isFirst(recordName(flow))) return;
    const first = this.#connections.isFirst(connectionName(flow));
    if (flow.action !== "deny") this.#addTraffic(flow, first);
    if (!first) return;
    if (flow.action === "deny") {
      this.#denied++;
      addDenial(this.#deniedBy, flow);
    } else {
      this.#allowed++;
      if (wouldBeDenied(flow)) addDenial(this.#wouldBeDeniedBy, flow);
    }
    this.#addTier(flow);
  }

  addLoss(loss: Loss): void {
    const { node, source, count } = loss;
    const detail = this.#losses.size < keptLosses ? loss.detail : "";
    const key = `${node} ${source} ${detail}`;
    const total = this.#losses.get(key) ?? { node, source, detail, times: 0, count: 0 };
    total.times++;
    total.count = total.count === null || count === null ? null : total.count + count;
    this.#losses.set(key, total);
  }

  report(): SummaryReport {
    return {
      durationMs: (this.#ended ?? this.#clock.monotonic()) - this.#begun,
      connections: this.#allowed + this.#denied,
      allowed: this.#allowed,
      denied: this.#denied,
      bytes: this.#bytes,
      talkers: sorted(
        this.#talkers,
        ({ bytes }) => bytes,
        ({ pair }) => pair,
      ),
      furtherPairs: this.#furtherPairs,
      deniedBy: mostDenied(this.#deniedBy),
      wouldBeDeniedBy: mostDenied(this.#wouldBeDeniedBy),
      tiers: sorted(this.#tiers, tierRank, ({ tier }) => tier ?? ""),
      losses: sorted(
        this.#losses,
        ({ times }) => times,
        ({ node, source, detail }) => `${node} ${source} ${detail}`,
      ),
    };
  }

  #addTraffic(flow: Flow, first: boolean): void {
    const bytes = bytesOf(flow);
    this.#bytes += bytes;
    const from = workloadName(flow.source, flow.sourceAddress);
    const to = workloadName(flow.destination, flow.destinationAddress);
    const pair = `${from} → ${to}${portText(flow)}`;
    const talker = this.#talkers.get(pair) ?? { pair, connections: 0, bytes: 0 };
    if (talker.connections === 0 && this.#talkers.size >= kept) {
      this.#furtherPairs++;
      return;
    }
    talker.bytes += bytes;
    talker.connections += first ? 1 : 0;
    this.#talkers.set(pair, talker);
  }

  #addTier(flow: Flow): void {
    const name = tierOf(flow);
    const tier = name === undefined ? null : clean(name);
    const count = this.#tiers.get(tier ?? "") ?? { tier, allowed: 0, denied: 0 };
    if (flow.action === "deny") count.denied++;
    else count.allowed++;
    this.#tiers.set(tier ?? "", count);
  }
}

/** What no tier decided comes last. */
const tierRank = ({ tier, allowed, denied }: TierCount) => (tier === null ? -1 : allowed + denied);

function sorted<T>(
  entries: ReadonlyMap<string, T>,
  rank: (entry: T) => number,
  name: (entry: T) => string,
): readonly T[] {
  return [...entries.values()].sort((a, b) => rank(b) - rank(a) || (name(a) < name(b) ? -1 : 1));
}

function addDenial(all: Map<string, DeniedBy>, flow: Flow): void {
  const policy = policyText(flow);
  const example = `${sourceName(flow)} → ${destinationName(flow)}${portText(flow)}`;
  const by = all.get(policy) ?? { policy, attempts: 0, example };
  by.attempts++;
  if (all.size < kept || all.has(policy)) all.set(policy, by);
}

const mostDenied = (all: ReadonlyMap<string, DeniedBy>) =>
  sorted(
    all,
    ({ attempts }) => attempts,
    ({ policy }) => policy,
  );

/** step => index "|" tier "|" kind ":" name "|" action "|" rule */
const denies = (step: string): boolean => step.split("|")[3] === "deny";

function wouldBeDenied({ mode, action, enforced }: Flow): boolean {
  return mode === "observed" && action === "allow" && enforced.some(denies);
}

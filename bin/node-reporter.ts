import type { Clock } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Counts } from "../core/netlink/nft-counters.ts";
import type { RuleId } from "../core/rule-id.ts";
import type { RuleOrigin } from "../policy/program.ts";
import { type HitHistory, withCounts } from "./hit-history.ts";
import { type NodeStatus, nodeStatusOf, type StatusSources, statusEveryMs } from "./node-status.ts";
import { readHits, writeHits, writeStatus } from "./status-folder.ts";

export interface NodeReporterOptions {
  /** The data folder, which is ours. */
  readonly data: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly sources: () => StatusSources;
  /** Of the node's kernel; undefined where nothing is enforced. */
  readonly counters: (() => Promise<Counts>) | undefined;
  /** Told what is written, whenever it is. */
  readonly tell?: (status: NodeStatus, signal: AbortSignal) => Promise<void>;
  /** What an id stands for now. */
  readonly originOf: (id: RuleId) => RuleOrigin | undefined;
}

const lookMs = 1_000;
const sampleMs = 10_000;
/** So often at least, if nobody met a rule meanwhile. */
const hitsEveryMs = 60_000;

/** Tells in files how one node stands and how often its rules are met, for other processes to read. */
export class NodeReporter {
  readonly #options: NodeReporterOptions;
  #written = "";
  #writtenAt = Number.NEGATIVE_INFINITY;
  #sampledAt = Number.NEGATIVE_INFINITY;
  #hits: HitHistory | undefined;
  #hitsWrittenAt = Number.NEGATIVE_INFINITY;
  readonly #complaints = new Map<string, string>();

  constructor(options: NodeReporterOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await this.#attempt("status", () => this.#tellStatus(false, signal));
      await this.#attempt("hits", () => this.#sample());
      await clock.sleep(lookMs, signal);
    }
    await this.#attempt("status", () => this.#tellStatus(true, signal));
  }

  /** What changed at once (so at most once a second), and now and then that there is nothing new. */
  async #tellStatus(stopped: boolean, signal: AbortSignal): Promise<void> {
    const { clock, sources, data } = this.#options;
    const now = clock.monotonic();
    const status = nodeStatusOf(sources(), clock.now(), stopped);
    // When a probe last succeeded is no news of its own.
    const text = JSON.stringify({
      ...status,
      writtenAt: 0,
      probe: status.probe && { ...status.probe, at: 0, probes: 0 },
    });
    if (!stopped && text === this.#written && now - this.#writtenAt < statusEveryMs) return;
    await writeStatus(data, status);
    this.#written = text;
    this.#writtenAt = now;
    await this.#attempt("report", () => this.#options.tell?.(status, signal) ?? Promise.resolve());
  }

  async #sample(): Promise<void> {
    const { clock, counters, data, originOf, sources } = this.#options;
    if (counters === undefined || clock.monotonic() - this.#sampledAt < sampleMs) return;
    this.#sampledAt = clock.monotonic();
    const counts = await counters();
    if (counts.size === 0) return;
    const before = this.#hits ?? (await readHits(data, sources().node));
    this.#hits = withCounts(before, counts, originOf, clock.now());
    if (this.#hits.writtenAt - this.#hitsWrittenAt < hitsEveryMs && !hasNews(before, this.#hits)) return;
    await writeHits(data, this.#hits);
    this.#hitsWrittenAt = this.#hits.writtenAt;
  }

  /** A full disk or the like must not end enforcement: it is told once, and tried again. */
  async #attempt(what: "status" | "hits" | "report", work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#complaints.delete(what);
    } catch (thrown) {
      const error = messageOf(thrown);
      const { log, sources } = this.#options;
      if (error !== this.#complaints.get(what))
        log.warn({ node: sources().node, error }, `the ${what} of the node cannot be told`);
      this.#complaints.set(what, error);
    }
  }
}

function hasNews(before: HitHistory, after: HitHistory): boolean {
  const ids = Object.keys(after.rules);
  if (ids.length !== Object.keys(before.rules).length) return true;
  return ids.some((id) => after.rules[id]?.total !== before.rules[id]?.total);
}

import type { Clock } from "../../core/clock.ts";
import { Condition } from "../../core/condition.ts";
import { messageOf } from "../../core/errors.ts";
import type { ObjectSource } from "../../core/kube/watch.ts";
import type { Log } from "../../core/log.ts";
import type { Metrics } from "../../core/metrics.ts";
import type { TaxonomyCluster } from "./cluster.ts";
import { reconcileTaxonomies } from "./reconcile.ts";

export interface TaxonomyControllerOptions {
  readonly cluster: TaxonomyCluster;
  /** Tells when a LabelTaxonomy changed; what it is now is asked of the cluster. */
  readonly changes: ObjectSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What somebody else changed in our policies is put right after so long at most. */
const resyncMs = 60_000;
const retryMs = 5_000;

/**
 * Keeps the admission policies of a cluster as its LabelTaxonomies say, and tells each what became of it. Goes by what there is,
 * not by what changed: whatever was missed is put right the next time.
 */
export class TaxonomyController {
  readonly #options: TaxonomyControllerOptions;
  readonly #noted = new Condition();
  #pending = false;

  constructor(options: TaxonomyControllerOptions) {
    this.#options = options;
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const stop = AbortSignal.any([signal, over.signal]);
    const end = () => over.abort();
    await Promise.all([this.#follow(stop).finally(end), this.#keep(stop).finally(end)]);
  }

  async #follow(stop: AbortSignal): Promise<void> {
    for await (const changes of this.#options.changes.watch(stop)) {
      const isConcerned = changes.some((change) => change.type !== "synced" && change.object.kind === "LabelTaxonomy");
      if (!isConcerned) continue;
      this.#pending = true;
      this.#noted.changed();
    }
  }

  async #keep(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      this.#pending = false;
      const failures = await this.#reconcile(stop);
      if (stop.aborted) return;
      for (const failure of failures) this.#options.log.warn({ part: "taxonomies" }, failure);
      this.#options.metrics.add("sluice_taxonomies_failures_total", {}, failures.length);
      if (!this.#pending) await this.#noteOrTime(stop, failures.length === 0 ? resyncMs : retryMs);
    }
  }

  /** Why not everything is as it should be; empty if it is. */
  async #reconcile(stop: AbortSignal): Promise<readonly string[]> {
    const { cluster, clock } = this.#options;
    try {
      const failures = await reconcileTaxonomies(cluster, clock.now(), stop);
      return [...failures].map(([name, failure]) => `LabelTaxonomy ${name}: ${failure}`);
    } catch (thrown) {
      return [`label taxonomies are not kept for now: ${messageOf(thrown)}`];
    }
  }

  async #noteOrTime(stop: AbortSignal, ms: number): Promise<void> {
    const over = new AbortController();
    const either = AbortSignal.any([stop, over.signal]);
    await Promise.race([this.#noted.wait(either), this.#options.clock.sleep(ms, either)]);
    over.abort();
  }
}

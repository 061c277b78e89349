import type { Clock } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import { type Api, ApiError, isMissing } from "../../core/kube/api/api.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { ObjectSource } from "../../core/kube/watch.ts";
import type { Log } from "../../core/log.ts";
import { policyResources } from "../../policy/kinds/custom-resources.ts";
import { finalizersAfter, type Step, stepFor, TierBook } from "./finalizer.ts";

export interface TierHolderOptions {
  readonly api: Pick<Api, "get" | "send">;
  /** Tiers and policies, as the API server has them. */
  readonly objects: ObjectSource;
  readonly clock: Clock;
  readonly log: Log;
}

const group = "/apis/projectcalico.org/v3";
const retryMs = 1_000;

/** Keeps tiers from vanishing while policies are in them. */
export class TierHolder {
  readonly #options: TierHolderOptions;
  readonly #book = new TierBook();

  constructor(options: TierHolderOptions) {
    this.#options = options;
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    let isSynced = false;
    for await (const changes of this.#options.objects.watch(signal)) {
      this.#book.apply(changes);
      isSynced ||= changes.some(({ type }) => type === "synced");
      if (isSynced) for (const name of this.#book.pending()) await this.#settle(name, signal);
    }
  }

  /** Until it is done, or is not to be done any more: whoever may not do it learns so in the log. */
  async #settle(name: string, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        return await this.#take(name, signal);
      } catch (thrown) {
        if (!(thrown instanceof ApiError)) throw thrown;
        if (thrown.status === 404) return;
        const isWorthIt = thrown.retriable || thrown.status === 409;
        if (!isWorthIt) return log.warn({ tier: name, error: messageOf(thrown) }, "tier is not held");
        await clock.sleep(retryMs, signal);
      }
    }
  }

  /** By what the server has now: what was watched may be older. */
  async #take(name: string, signal: AbortSignal): Promise<void> {
    const { api, log } = this.#options;
    const path = `${group}/tiers/${name}`;
    const tier = (await api.get(path, { signal })) as KubeObject & {
      readonly metadata: { readonly resourceVersion: string };
    };
    const isDeleted = tier.metadata.deletionTimestamp !== undefined;
    const step = stepFor(tier, isDeleted && (await this.#hasPolicies(name, signal)));
    if (step === undefined) return;
    const { resourceVersion } = tier.metadata;
    const body = { metadata: { resourceVersion, finalizers: finalizersAfter(tier, step) } };
    await api.send("PATCH", path, { body, type: "application/merge-patch+json", signal });
    log.info({ tier: name }, said[step]);
  }

  async #hasPolicies(tier: string, signal: AbortSignal): Promise<boolean> {
    const found = await Promise.all(naming.map(({ plural }) => this.#hasAny(plural, tier, signal)));
    return found.includes(true);
  }

  async #hasAny(plural: string, tier: string, signal: AbortSignal): Promise<boolean> {
    const query = { fieldSelector: `spec.tier=${tier}`, limit: 1 };
    try {
      const found = await this.#options.api.get(`${group}/${plural}`, { query, signal });
      const { items } = found as { readonly items: unknown[] };
      return items.length > 0;
    } catch (thrown) {
      // A kind that is not installed has no policies.
      if (isMissing(thrown)) return false;
      throw thrown;
    }
  }
}

/** Kinds of policies that can stand in other tiers than the built-in ones. */
const naming = policyResources.filter(({ selectable }) => selectable.includes(".spec.tier"));

const said: Readonly<Record<Step, string>> = {
  hold: "tier is held as long as policies are in it",
  "let go": "tier is let go: it was deleted, and no policy is left in it",
};

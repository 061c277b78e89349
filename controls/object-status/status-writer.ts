import type { Clock } from "../../core/clock.ts";
import { Condition as Signal } from "../../core/condition.ts";
import { messageOf } from "../../core/errors.ts";
import { type Api, ApiError } from "../../core/kube/api/api.ts";
import { listAll } from "../../core/kube/api/listing.ts";
import { type KubeObject, keyOf } from "../../core/kube/objects.ts";
import type { Change } from "../../core/kube/watch.ts";
import type { Log } from "../../core/log.ts";
import type { Metrics } from "../../core/metrics.ts";
import { toldResources } from "../../policy/kinds/custom-resources.ts";
import type { Endpoint } from "../../policy/placement.ts";
import { conditionsToWrite, type TimedCondition } from "../conditions.ts";
import { StatusBook, type Wanted } from "./status-book.ts";

/** The policies as they are in force just now. */
export interface InForce {
  readonly revision: string;
  readonly endpoints: () => Iterable<Endpoint>;
}

export interface StatusWriterOptions {
  readonly api: Api;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What changes within that time is written at once. */
const roundMs = 1_000;
/** Between two writes: a change that concerns all policies does not take the API server from others. */
const pauseMs = 50;
const retryMs = 10_000;
const plurals = new Map(
  toldResources.map(({ group, version, kind, plural }) => [`${group}/${version}/${kind}`, plural]),
);

interface Recalled {
  readonly metadata: { readonly uid: string };
  readonly status?: { readonly conditions?: readonly TimedCondition[] };
}

/** Writes what became of policies and tiers into their status, when it is another than before. */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #book = new StatusBook();
  readonly #noted = new Signal();
  /** What stands in the status of each, by uid. */
  readonly #written = new Map<string, readonly TimedCondition[]>();
  #inForce: InForce | undefined;
  #pending = false;
  #hasRecalled = false;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  /** Told of all objects, then of every change, with what is in force since. */
  take(changes: readonly Change[], inForce: InForce): void {
    for (const change of changes)
      if (change.type === "delete") this.#written.delete(change.object.metadata.uid ?? keyOf(change.object));
    this.#book.take(changes, inForce.revision);
    this.#inForce = inForce;
    this.#pending = true;
    this.#noted.changed();
  }

  /** Until the signal aborts. */
  async run(stop: AbortSignal): Promise<void> {
    const { clock, log, metrics } = this.#options;
    while (!stop.aborted) {
      if (!this.#pending) await this.#noted.wait(stop);
      this.#pending = false;
      try {
        await this.#round(stop);
        await clock.sleep(roundMs, stop);
      } catch (thrown) {
        if (stop.aborted) return;
        log.warn({ error: messageOf(thrown) }, "the status of policies is not written for now");
        metrics.add("sluice_status_failures_total", {});
        this.#pending = true;
        await clock.sleep(retryMs, stop);
      }
    }
  }

  async #round(stop: AbortSignal): Promise<void> {
    const inForce = this.#inForce;
    if (inForce === undefined) return;
    if (!this.#hasRecalled) await this.#recall(stop);
    this.#hasRecalled = true;
    for (const wanted of this.#book.wanted(inForce.endpoints())) {
      if (stop.aborted) return;
      if (await this.#write(wanted, stop)) await this.#options.clock.sleep(pauseMs, stop);
    }
  }

  /** Whether the server was asked: what stands there is another. */
  async #write({ object, conditions }: Wanted, stop: AbortSignal): Promise<boolean> {
    const { clock, metrics } = this.#options;
    const { uid = keyOf(object) } = object.metadata;
    const next = conditionsToWrite(this.#written.get(uid) ?? [], conditions, clock.now());
    if (next === undefined) return false;
    if ((await this.#send(object, next, stop)) === undefined) return true;
    this.#written.set(uid, next);
    metrics.add("sluice_status_writes_total", {});
    return true;
  }

  /** What an earlier run wrote. */
  async #recall(signal: AbortSignal): Promise<void> {
    for (const { group, version, kind, plural } of toldResources) {
      const apiVersion = `${group}/${version}`;
      const fields = { metadata: { uid: true }, status: { conditions: true } } as const;
      const resource = { apiVersion, kind, plural, fields, isRequired: false };
      const listing = await listAll(this.#options.api, resource, signal).catch(undefinedIfGone);
      for (const { metadata, status } of (listing?.items ?? []) as readonly Recalled[])
        this.#written.set(metadata.uid, status?.conditions ?? []);
    }
  }

  /** Undefined where nothing was written, since there is no such object any more. */
  #send(object: KubeObject, conditions: readonly TimedCondition[], signal: AbortSignal): Promise<unknown> {
    const { apiVersion, kind, metadata } = object;
    const { name, namespace, uid } = metadata;
    // With the uid, so that one of that name that came meanwhile is not told of another.
    const body = { apiVersion, kind, metadata: { name, namespace, uid }, status: { conditions } };
    const query = { fieldManager: "sluice-status", force: "true" };
    const type = "application/apply-patch+yaml";
    return this.#options.api
      .send("PATCH", `${pathOf(object)}/status`, { query, type, body, signal })
      .catch(undefinedIfGone);
  }
}

function pathOf({ apiVersion, kind, metadata: { name, namespace } }: KubeObject): string {
  const place = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  return `/apis/${apiVersion}${place}/${plurals.get(`${apiVersion}/${kind}`)}/${encodeURIComponent(name)}`;
}

/** 409: there is another of that name. */
function undefinedIfGone(thrown: unknown): undefined {
  if (!(thrown instanceof ApiError) || (thrown.status !== 404 && thrown.status !== 409)) throw thrown;
  return undefined;
}

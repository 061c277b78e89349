import type { Clock } from "../../core/clock.ts";
import { type Api, ApiError, isMissing } from "../../core/kube/api/api.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Change, ObjectSource } from "../../core/kube/watch.ts";
import type { Log } from "../../core/log.ts";
import { ServedKinds } from "./served-kinds.ts";

export interface SettleOptions {
  readonly source: ObjectSource;
  readonly api: Api;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** All that the source has at first is in the API server. */
  readonly onSettled?: () => void;
}

/** A new namespace gets its service account, without which no pod can be made, a moment later. */
const patienceMs = 10_000;
const againMs = 50;
const atOnce = 8;

/**
 * Puts what a source says into an API server that has no kubelets: pods are made on their nodes, and their status is told as kubelets
 * would. Kinds that the server does not serve are left out. Ends when the signal aborts; throws what the server refuses.
 */
export async function settle({ source, onSettled, ...options }: SettleOptions): Promise<void> {
  const settler = new Settler(options);
  for await (const batch of source.watch(options.signal)) {
    await settler.take(batch);
    if (batch.some(({ type }) => type === "synced")) onSettled?.();
  }
}

class Settler {
  readonly #options: Omit<SettleOptions, "source" | "onSettled">;
  readonly #kinds: ServedKinds;

  constructor(options: Omit<SettleOptions, "source" | "onSettled">) {
    this.#options = options;
    this.#kinds = new ServedKinds(options.api);
  }

  /** Deletions first, as an address may change hands; then what others stand on. */
  async take(changes: readonly Change[]): Promise<void> {
    const objectsOf = (type: "upsert" | "delete") =>
      changes.flatMap((change) => (change.type === type ? [change.object] : []));
    await eachOf(objectsOf("delete"), (object) => this.#remove(object));
    const byRank = Map.groupBy(objectsOf("upsert").flatMap(withAccount), rankOf);
    for (const [, objects] of [...byRank].sort(([a], [b]) => a - b))
      await eachOf(objects, (object) => this.#put(object));
  }

  async #put(object: KubeObject): Promise<void> {
    const path = await this.#kinds.pathOf(object);
    if (path === undefined) return this.#options.log.debug({ kind: object.kind }, "not served, left out");
    const query = { fieldManager: "sluice-lab", force: "true" };
    const { status, ...body } = object;
    await this.#patiently(() =>
      this.#send("PATCH", path, {
        query,
        body: withoutOrigin(body as KubeObject),
        type: "application/apply-patch+yaml",
      }),
    );
    if (object.kind === "CustomResourceDefinition") await this.#untilServed(object);
    if (status === undefined || !statusKinds.has(object.kind)) return;
    const told = { status: statusOf(object) };
    await this.#send("PATCH", `${path}/status`, { body: told, type: "application/merge-patch+json" });
  }

  /** A moment after its definition; each version of each kind for itself. */
  async #untilServed({ spec }: KubeObject): Promise<void> {
    const { group, names, versions } = spec as Definition;
    const { clock, signal } = this.#options;
    for (const { name } of versions) {
      const some = { apiVersion: `${group}/${name}`, kind: names.kind, metadata: { name: "any" } };
      while (!signal.aborted && (await this.#kinds.pathOf(some)) === undefined) await clock.sleep(againMs, signal);
    }
  }

  async #remove(object: KubeObject): Promise<void> {
    const path = await this.#kinds.pathOf(object);
    if (path === undefined) return;
    try {
      await this.#send("DELETE", path, { query: { gracePeriodSeconds: 0 } });
    } catch (cause) {
      if (!isMissing(cause)) throw cause;
    }
  }

  #send(method: string, path: string, request: Parameters<Api["send"]>[2]): Promise<unknown> {
    return this.#options.api.send(method, path, request);
  }

  /** Refused for want of a service account or a namespace: they come. */
  async #patiently(ask: () => Promise<unknown>): Promise<void> {
    const { clock, signal } = this.#options;
    const end = clock.monotonic() + patienceMs;
    for (;;) {
      try {
        await ask();
        return;
      } catch (cause) {
        const mayCome = cause instanceof ApiError && (cause.status === 403 || cause.status === 404);
        if (!mayCome || signal.aborted || clock.monotonic() > end) throw cause;
        await clock.sleep(againMs, signal);
      }
    }
  }
}

interface Definition {
  readonly group: string;
  readonly names: { readonly kind: string };
  readonly versions: readonly { readonly name: string }[];
}

/** Kinds whose status somebody else than their author tells. */
const statusKinds = new Set(["Pod", "Node"]);

const ranks = ["CustomResourceDefinition", "Namespace", "ServiceAccount", "Node", "Tier"];
const rankOf = ({ kind }: KubeObject): number => (ranks.includes(kind) ? ranks.indexOf(kind) : ranks.length);

/** A pod and the service account that it runs as: manifests of the lab leave it out. */
function withAccount(object: KubeObject): readonly KubeObject[] {
  const name = (object["spec"] as { readonly serviceAccountName?: string } | undefined)?.serviceAccountName;
  if (object.kind !== "Pod" || name === undefined) return [object];
  const { namespace = "default" } = object.metadata;
  return [{ apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace } }, object];
}

/** What the server itself decides. */
function withoutOrigin({ metadata, ...object }: KubeObject): unknown {
  const {
    uid: _,
    creationTimestamp: __,
    resourceVersion: ___,
    ...kept
  } = metadata as KubeObject["metadata"] & {
    readonly resourceVersion?: string;
  };
  return { ...object, metadata: kept };
}

/** A pod that runs is ready, unless it says otherwise: else it is behind no Service. */
function statusOf({ kind, status }: KubeObject): unknown {
  const told = status as { readonly phase?: string; readonly conditions?: readonly unknown[] };
  if (kind !== "Pod" || told.phase !== "Running") return told;
  return { conditions: [{ type: "Ready", status: "True" }], ...told };
}

async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const worker = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

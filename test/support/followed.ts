import { type KubeObject, keyOf } from "../../core/kube/objects.ts";
import type { Change, ObjectSource } from "../../core/kube/watch.ts";
import { until } from "./until.ts";

/** What somebody knows who follows a source of objects. */
export class Followed {
  readonly batches: (readonly Change[])[] = [];
  readonly objects = new Map<string, KubeObject>();
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;

  constructor(source: ObjectSource) {
    this.#ended = this.#follow(source);
  }

  get isSynced(): boolean {
    return this.batches.length > 0;
  }

  /** `upsert web`, `delete web`, `synced`, in the order in which they came. */
  get words(): readonly string[] {
    return this.batches.flat().map((change) => (change.type === "synced" ? "synced" : wordFor(change)));
  }

  /** Waits until all objects are told; rejects where the source does. */
  async synced(ms = 20_000): Promise<void> {
    await Promise.race([this.#ended, until("the first batch", () => this.isSynced, ms)]);
  }

  /** Waits until a change is told, beginning with the given batch. */
  async told(word: string, from = 0, ms = 20_000): Promise<void> {
    const isTold = () => this.batches.slice(from).some((batch) => batch.some((change) => wordFor(change) === word));
    await Promise.race([this.#ended, until(`"${word}" after ${this.words.join(", ")}`, isTold, ms)]);
  }

  named(name: string): KubeObject | undefined {
    return [...this.objects.values()].find(({ metadata }) => metadata.name === name);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async #follow(source: ObjectSource): Promise<void> {
    for await (const batch of source.watch(this.#stop.signal)) {
      for (const change of batch) {
        if (change.type === "upsert") this.objects.set(keyOf(change.object), change.object);
        else if (change.type === "delete") this.objects.delete(keyOf(change.object));
      }
      this.batches.push(batch);
    }
  }
}

function wordFor(change: Change): string {
  return change.type === "synced" ? "synced" : `${change.type} ${change.object.metadata.name}`;
}

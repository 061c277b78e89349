import { Condition } from "../../core/condition.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Change, ObjectSource } from "../../core/kube/watch.ts";

/** Objects that a test adds and takes away by hand. */
export class ObjectStore implements ObjectSource {
  readonly name = "store";
  readonly #first: readonly KubeObject[];
  readonly #pending: Change[][] = [];
  readonly #added = new Condition();

  constructor(objects: readonly KubeObject[]) {
    this.#first = objects;
  }

  change(type: "upsert" | "delete", ...objects: readonly KubeObject[]): void {
    this.#pending.push(objects.map((object) => ({ type, object })));
    this.#added.changed();
  }

  async *watch(signal: AbortSignal): AsyncGenerator<readonly Change[]> {
    yield [...this.#first.map((object) => ({ type: "upsert" as const, object })), { type: "synced" }];
    while (!signal.aborted) {
      const next = this.#pending.shift();
      if (next !== undefined) yield next;
      else await this.#added.wait(signal);
    }
  }
}

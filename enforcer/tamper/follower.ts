import { Worker } from "node:worker_threads";
import { Condition } from "../../core/condition.ts";
import { SluiceError } from "../../core/errors.ts";
import type { News, RulesetNews } from "./news.ts";

export type ToWorker =
  | {
      readonly kind: "follow";
      readonly id: number;
      /** Path of the network namespace. */
      readonly namespace: string;
      readonly sysctls: readonly string[];
    }
  | { readonly kind: "unfollow"; readonly id: number }
  /** To hear nothing from when it answers until `unmute`; how many transactions there were meanwhile. */
  | { readonly kind: "mute"; readonly id: number }
  | { readonly kind: "unmute"; readonly id: number; readonly transactions: 0 | 1 };

export type FromWorker =
  | { readonly kind: "following"; readonly id: number }
  | { readonly kind: "muted"; readonly id: number }
  | { readonly kind: "news"; readonly id: number; readonly news: readonly News[] }
  | { readonly kind: "failed"; readonly id: number; readonly message: string };

interface Following {
  readonly ready: PromiseWithResolvers<void>;
  readonly changed: Condition;
  /** Waits for the worker to be mute. */
  muted: PromiseWithResolvers<void>;
  news: News[];
  failure: SluiceError | undefined;
}

/** What the kernel tells of changes of the ruleset, in any network namespace; one worker thread reads it for all of them. */
export class RulesetFollower {
  #worker: Worker | undefined;
  readonly #followings = new Map<number, Following>();
  #count = 0;

  /** By the path of the namespace; null is our own. Begins at once. `sysctls` are names whose values are told as well. */
  in(namespace: string | null, sysctls: readonly string[]): RulesetNews {
    const id = ++this.#count;
    const following: Following = {
      ready: Promise.withResolvers(),
      changed: new Condition(),
      muted: Promise.withResolvers(),
      news: [],
      failure: undefined,
    };
    // Whoever follows is told; nobody need wait for it to be ready.
    following.ready.promise.catch(() => {});
    this.#followings.set(id, following);
    this.#worker ??= this.#start();
    this.#post({ kind: "follow", id, namespace: namespace ?? `/proc/${process.pid}/ns/net`, sysctls });
    return {
      ready: following.ready.promise,
      follow: (signal) => this.#follow(id, following, signal),
      unheard: (work) => this.#unheard(id, following, work),
    };
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  async *#follow(id: number, following: Following, signal: AbortSignal): AsyncGenerator<readonly News[]> {
    try {
      while (!signal.aborted) {
        if (following.failure !== undefined) throw following.failure;
        if (following.news.length === 0) await following.changed.wait(signal);
        const news = following.news;
        following.news = [];
        if (news.length > 0) yield news;
      }
    } finally {
      this.#followings.delete(id);
      following.muted.resolve();
      this.#post({ kind: "unfollow", id });
    }
  }

  async #unheard(id: number, following: Following, work: () => Promise<boolean>): Promise<boolean> {
    if (following.failure !== undefined || !this.#followings.has(id)) return work();
    following.muted = Promise.withResolvers();
    this.#post({ kind: "mute", id });
    await following.muted.promise;
    let transactions: 0 | 1 = 0;
    try {
      const isCarriedOut = await work();
      transactions = isCarriedOut ? 1 : 0;
      return isCarriedOut;
    } finally {
      this.#post({ kind: "unmute", id, transactions });
    }
  }

  #post(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  #start(): Worker {
    const worker = new Worker(new URL("./follower-worker.ts", import.meta.url));
    worker.on("message", (message: FromWorker) => this.#take(message));
    const end = (cause: unknown) => {
      for (const following of this.#followings.values())
        fail(following, new SluiceError("NETLINK_FAILED", "the thread that follows the ruleset ended", { cause }));
    };
    worker.on("error", end);
    worker.on("exit", () => end(undefined));
    return worker;
  }

  #take(message: FromWorker): void {
    const following = this.#followings.get(message.id);
    if (following === undefined) return;
    switch (message.kind) {
      case "following":
        following.ready.resolve();
        break;
      case "muted":
        following.muted.resolve();
        break;
      case "news":
        following.news.push(...message.news);
        following.changed.changed();
        break;
      case "failed":
        fail(following, new SluiceError("NETLINK_FAILED", `cannot follow the ruleset: ${message.message}`));
    }
  }
}

function fail(following: Following, error: SluiceError): void {
  following.failure ??= error;
  following.ready.reject(error);
  following.muted.resolve();
  following.changed.changed();
}

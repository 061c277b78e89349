import { Worker } from "node:worker_threads";
import type { Address } from "../core/address.ts";
import { SluiceError } from "../core/errors.ts";
import type { Interfaces, Links } from "./interfaces.ts";

/** To the worker. */
export interface Request {
  readonly id: number;
  readonly namespace: string;
}

/** Links as a message between threads. */
export type Told = Readonly<Record<keyof Links, readonly (readonly [Address, string])[]>>;

/** From the worker; null if nothing changed. */
export type Answer =
  | { readonly id: number; readonly told: Told | null }
  | { readonly id: number; readonly fault: string };

/** Interfaces from the kernel's routing tables, of any network namespace, read by one worker thread that starts when needed. */
export class KernelInterfaces {
  #worker: Worker | undefined;
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>();
  #requests = 0;
  #ended = false;

  /** By the path of the namespace; null is our own. One reader per namespace: it is told each change once. */
  in(namespace: string | null): Interfaces {
    let known: Links = { behind: new Map(), own: new Map() };
    return {
      read: async () => {
        const answer = await this.#ask(namespace ?? `/proc/${process.pid}/ns/net`);
        if ("fault" in answer) throw new SluiceError("NETLINK_FAILED", answer.fault, { retriable: true });
        if (answer.told !== null) known = { behind: new Map(answer.told.behind), own: new Map(answer.told.own) };
        return known;
      },
    };
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #ask(namespace: string): Promise<Answer> {
    if (this.#ended) return Promise.reject(threadEnded(undefined));
    const id = ++this.#requests;
    const waiting = Promise.withResolvers<Answer>();
    this.#waiting.set(id, waiting);
    this.#worker ??= this.#start();
    this.#worker.postMessage({ id, namespace } satisfies Request);
    return waiting.promise;
  }

  #start(): Worker {
    const worker = new Worker(new URL("./interfaces-worker.ts", import.meta.url));
    worker.on("message", (answer: Answer) => {
      this.#waiting.get(answer.id)?.resolve(answer);
      this.#waiting.delete(answer.id);
    });
    worker.on("error", (cause) => this.#giveUp(cause));
    worker.on("exit", () => this.#giveUp(undefined));
    return worker;
  }

  #giveUp(cause: unknown): void {
    this.#ended = true;
    for (const { reject } of this.#waiting.values()) reject(threadEnded(cause));
    this.#waiting.clear();
  }
}

function threadEnded(cause: unknown): SluiceError {
  return new SluiceError("NETLINK_FAILED", "the thread that reads routes ended", { cause });
}

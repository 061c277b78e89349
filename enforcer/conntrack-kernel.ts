import { Worker } from "node:worker_threads";
import type { Address } from "../core/address.ts";
import { SluiceError } from "../core/errors.ts";
import type { Connection, Conntrack } from "./conntrack.ts";
import { type PackedConnections, UnpackedConnections } from "./packed-connections.ts";

/** To the worker. */
export type Request = { readonly id: number; readonly namespace: string } & (
  | { readonly do: "list" }
  | { readonly do: "delete"; readonly connections: readonly Pick<Connection, "id" | "zone" | "original">[] }
);

/** From the worker. */
export type Answer =
  | { readonly id: number; readonly packed: PackedConnections; readonly localAddresses: readonly Address[] }
  | { readonly id: number; readonly deleted: number }
  | { readonly id: number; readonly fault: string };

type Unsent<R> = R extends Request ? Omit<R, "id" | "namespace"> : never;

/** Connection tables of the kernel, of any network namespace, read by one worker thread that starts when needed. */
export class KernelConntrack {
  #worker: Worker | undefined;
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>();
  #requests = 0;
  #ended = false;

  /** By the path of the namespace; null is our own. */
  in(namespace: string | null): Conntrack {
    const path = namespace ?? `/proc/${process.pid}/ns/net`;
    return {
      list: async () => {
        const answer = await this.#ask(path, { do: "list" });
        if (!("packed" in answer)) throw failed(answer);
        return { all: new UnpackedConnections(answer.packed), localAddresses: new Set(answer.localAddresses) };
      },
      delete: async (connections) => {
        const named = connections.map(({ id, zone, original }) => ({ id, zone, original }));
        const answer = await this.#ask(path, { do: "delete", connections: named });
        if (!("deleted" in answer)) throw failed(answer);
        return answer.deleted;
      },
    };
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #ask(namespace: string, request: Unsent<Request>): Promise<Answer> {
    if (this.#ended) return Promise.reject(threadEnded(undefined));
    const id = ++this.#requests;
    const waiting = Promise.withResolvers<Answer>();
    this.#waiting.set(id, waiting);
    this.#worker ??= this.#start();
    this.#worker.postMessage({ ...request, id, namespace } satisfies Request);
    return waiting.promise;
  }

  #start(): Worker {
    const worker = new Worker(new URL("./conntrack-worker.ts", import.meta.url));
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

function failed(answer: Answer): SluiceError {
  const words = "fault" in answer ? answer.fault : "the thread that reads connections answered something else";
  return new SluiceError("NETLINK_FAILED", words, { retriable: true });
}

function threadEnded(cause: unknown): SluiceError {
  return new SluiceError("NETLINK_FAILED", "the thread that reads connections ended", { cause });
}

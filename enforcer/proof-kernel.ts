import { Worker } from "node:worker_threads";
import { SluiceError } from "../core/errors.ts";
import { warmThreadPool } from "../core/netlink/namespace.ts";
import type { Counts } from "./counters.ts";
import type { ProbeSighting } from "./probe-sequence.ts";

/** To the worker. */
export interface Request {
  readonly id: number;
  readonly namespace: string;
  readonly ask: "counters" | "probe" | "close";
}

/** From the worker. */
export type Answer =
  | { readonly id: number; readonly counters: Counts }
  | { readonly id: number; readonly sighting: ProbeSighting }
  | { readonly id: number; readonly fault: string };

/** What the kernel of one node can prove of its rules. */
export interface Proof {
  /** Values of the named counters of our table; none where there is no table. */
  counters(): Promise<Counts>;
  /** Sends a probe through the hooks of the node. */
  probe(): Promise<ProbeSighting>;
}

/** Proofs in any network namespace, by one worker thread that starts when needed. */
export class KernelProof {
  #worker: Promise<Worker> | undefined;
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>();
  #requests = 0;
  #ended = false;

  /** By the path of the namespace; null is our own. */
  in(namespace: string | null): Proof {
    const path = namespace ?? `/proc/${process.pid}/ns/net`;
    return {
      counters: async () => {
        const answer = await this.#ask(path, "counters");
        return "counters" in answer ? answer.counters : failed(answer);
      },
      probe: async () => {
        const answer = await this.#ask(path, "probe");
        return "sighting" in answer ? answer.sighting : failed(answer);
      },
    };
  }

  async close(): Promise<void> {
    if (this.#worker === undefined || this.#ended) return;
    await this.#ask("", "close");
    await (await this.#worker).terminate();
  }

  async #ask(namespace: string, ask: Request["ask"]): Promise<Answer> {
    if (this.#ended) throw threadEnded(undefined);
    this.#worker ??= this.#start();
    const worker = await this.#worker;
    const id = ++this.#requests;
    const waiting = Promise.withResolvers<Answer>();
    this.#waiting.set(id, waiting);
    worker.postMessage({ id, namespace, ask } satisfies Request);
    return waiting.promise;
  }

  async #start(): Promise<Worker> {
    await warmThreadPool();
    const worker = new Worker(new URL("./proof-worker.ts", import.meta.url));
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

function failed(answer: Answer): never {
  const fault = "fault" in answer ? answer.fault : "an answer to another question";
  throw new SluiceError("NETLINK_FAILED", fault, { retriable: true });
}

function threadEnded(cause: unknown): SluiceError {
  return new SluiceError("NETLINK_FAILED", "the thread that proves enforcement ended", { cause });
}

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { type ErrorCode, SluiceError } from "../core/errors.ts";
import type { Nft } from "./nft.ts";
import { inventoryOf, listCommand, refusal, saysNoTable } from "./nft-answer.ts";
import { type DirectCommand, phasesOf } from "./phases.ts";
import { textOf } from "./text.ts";

/** To the worker. */
export interface Request {
  readonly id: number;
  /** Path of the network namespace. */
  readonly namespace: string;
  /** For libnftables; may be empty. */
  readonly text: string;
  readonly dryRun: boolean;
  readonly json: boolean;
  /** After that, a batch of our own. */
  readonly batch?: Batch;
}

export interface Batch {
  readonly commands: readonly DirectCommand[];
  /** Takes back what the text did, if the batch is refused. */
  readonly undo: readonly DirectCommand[];
}

/** From the worker; `status` 0 is success. */
export interface Answer {
  readonly id: number;
  readonly status: number;
  readonly output: string;
  /** Of libnftables. */
  readonly words: string;
  /** The refusal of a batch. */
  readonly error?: CarriedError;
}

/** A SluiceError on its way between threads, which would lose its class. */
export interface CarriedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retriable: boolean;
  readonly context: SluiceError["context"];
}

/**
 * libnftables and our own batches in this process, on a thread of its own that serves all network namespaces. Batches carry
 * what is in sets and maps; chains, rules, whole loads, checks and listings go by libnftables.
 */
export class NftLibrary {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>();
  #requests = 0;
  #ended = false;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on("message", (answer: Answer) => {
      this.#waiting.get(answer.id)?.resolve(answer);
      this.#waiting.delete(answer.id);
    });
    worker.on("error", (cause) => this.#giveUp(cause));
    worker.on("exit", () => this.#giveUp(undefined));
  }

  /** Throws DEPENDENCY_MISSING if the library is not on this machine. */
  static async open(): Promise<NftLibrary> {
    const worker = new Worker(new URL("./nft-worker.ts", import.meta.url));
    const [{ missing }] = (await once(worker, "message")) as [{ readonly missing: string | null }];
    if (missing === null) return new NftLibrary(worker);
    await worker.terminate();
    const sentence = `libnftables.so.1 does not load (${missing}); on Debian it is in the package libnftables1`;
    throw new SluiceError("DEPENDENCY_MISSING", sentence);
  }

  /** nftables of the namespace at a path, or of our own. Without `batches`, libnftables does everything. */
  in(namespace: string | null, { batches = true }: { readonly batches?: boolean } = {}): Nft {
    const path = namespace ?? `/proc/${process.pid}/ns/net`;
    const carryOut = async (text: string, dryRun: boolean, batch?: Batch) => {
      if (text === "" && batch === undefined) return;
      const { status, words, error } = await this.#ask(path, text, { dryRun, json: false, ...(batch && { batch }) });
      if (error !== undefined) throw new SluiceError(error.code, error.message, error);
      if (status !== 0) throw refusal(words);
    };
    return {
      list: async () => {
        const { status, output, words } = await this.#ask(path, listCommand, { dryRun: false, json: true });
        if (status !== 0 && saysNoTable(words)) return undefined;
        if (status !== 0) throw refusal(words);
        return inventoryOf(output);
      },
      check: (transaction) => carryOut(textOf(transaction), true),
      apply: (transaction) => {
        const phases = batches ? phasesOf(transaction) : undefined;
        if (phases === undefined || phases.visible.length === 0) return carryOut(textOf(transaction), false);
        return carryOut(textOf(phases.dark), false, { commands: phases.visible, undo: phases.undo });
      },
    };
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #ask(namespace: string, text: string, how: Pick<Request, "dryRun" | "json" | "batch">): Promise<Answer> {
    if (this.#ended) return Promise.reject(threadEnded(undefined));
    const id = ++this.#requests;
    const waiting = Promise.withResolvers<Answer>();
    this.#waiting.set(id, waiting);
    this.#worker.postMessage({ id, namespace, text, ...how } satisfies Request);
    return waiting.promise;
  }

  #giveUp(cause: unknown): void {
    this.#ended = true;
    for (const { reject } of this.#waiting.values()) reject(threadEnded(cause));
    this.#waiting.clear();
  }
}

function threadEnded(cause: unknown): SluiceError {
  return new SluiceError("NFT_FAILED", "the thread that runs libnftables ended", { cause });
}

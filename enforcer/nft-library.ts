import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { type ErrorCode, SluiceError } from "../core/errors.ts";
import type { Print } from "./listing.ts";
import type { Nft } from "./nft.ts";
import { inventoryOf, listCommand, refusal, saysNoTable } from "./nft-answer.ts";
import { type PackedTransaction, packed } from "./packed-transaction.ts";
import type { Transaction } from "./ruleset.ts";
import { textOf } from "./text.ts";

/** To the worker. */
export interface Request {
  readonly id: number;
  /** Path of the network namespace. */
  readonly namespace: string;
  /** For libnftables; empty if there is a batch. */
  readonly text: string;
  readonly dryRun: boolean;
  readonly json: boolean;
  /** For a batch of our own. */
  readonly batch?: PackedTransaction;
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
 * libnftables and our own batches in this process, on a thread of its own that serves all network namespaces. What changes a table
 * that is there goes by batches; whole loads, checks and listings go by libnftables: see docs/decisions/0020.
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

  /** Our table as libnftables prints it; undefined if there is none. */
  async print(namespace: string | null, way: Print): Promise<string | undefined> {
    const how = { dryRun: false, json: way === "json" };
    const { status, output, words } = await this.#ask(pathOf(namespace), listCommand, how);
    if (status !== 0 && saysNoTable(words)) return undefined;
    if (status !== 0) throw refusal(words);
    return output;
  }

  /** nftables of the namespace at a path, or of our own. Without `batches`, libnftables does everything. */
  in(namespace: string | null, { batches = true }: { readonly batches?: boolean } = {}): Nft {
    const path = pathOf(namespace);
    const carryOut = async (text: string, dryRun: boolean) => {
      if (text === "") return;
      const { status, words } = await this.#ask(path, text, { dryRun, json: false });
      if (status !== 0) throw refusal(words);
    };
    const send = async (batch: Transaction) => {
      const { error, words } = await this.#ask(path, "", { dryRun: false, json: false, batch: packed(batch) });
      if (error !== undefined) throw new SluiceError(error.code, error.message, error);
      if (words !== "") throw new SluiceError("NFT_FAILED", words);
    };
    return {
      list: async () => {
        const output = await this.print(namespace, "json");
        return output === undefined ? undefined : inventoryOf(output);
      },
      check: (transaction) => carryOut(textOf(transaction), true),
      apply: (transaction) =>
        batches && isChange(transaction) ? send(transaction) : carryOut(textOf(transaction), false),
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

function isChange(transaction: Transaction): boolean {
  return transaction.length > 0 && transaction.every(({ verb }) => verb !== "add-table" && verb !== "delete-table");
}

const pathOf = (namespace: string | null): string => namespace ?? `/proc/${process.pid}/ns/net`;

function threadEnded(cause: unknown): SluiceError {
  return new SluiceError("NFT_FAILED", "the thread that runs libnftables ended", { cause });
}

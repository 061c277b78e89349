import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { type ErrorCode, SluiceError } from "../core/errors.ts";
import type { Print, TableSize } from "./listing.ts";
import { elementCounts, partsOf } from "./load-parts.ts";
import type { Nft } from "./nft.ts";
import { inventoryOf, listCommand, refusal, saysNoTable } from "./nft-answer.ts";
import { type PackedInventory, unpackedInventory } from "./packed-inventory.ts";
import { type PackedTransaction, packed } from "./packed-transaction.ts";
import { isReplacement, type Name, type Transaction } from "./ruleset.ts";
import { mostUsedSetsFirst } from "./set-order.ts";
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
  /** Or a part of one that makes everything anew; with the first, how many elements sets begin with. */
  readonly load?: {
    readonly number: number;
    readonly part: PackedTransaction;
    readonly counts: ReadonlyMap<Name, number> | undefined;
    readonly isLast: boolean;
  };
  /** The batch comes after all that batches have made of our table, made anew. */
  readonly rewrite?: boolean;
  /** Path of another namespace, to be compared with this one. */
  readonly twin?: string;
  /** What is in our table is asked for. */
  readonly inventory?: true;
}

/** From the worker; `status` 0 is success. */
export interface Answer {
  readonly id: number;
  readonly status: number;
  readonly output: string;
  /** Of libnftables. */
  readonly words: string;
  /** Of a batch: it was not sent, as what was in the table is not known. */
  readonly unknown?: boolean;
  /** Of a comparison: if both namespaces hold the same. */
  readonly size?: TableSize | undefined;
  /** Null: there is no table; undefined: it changed while it was read. */
  readonly inventory?: PackedInventory | null | undefined;
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
 * libnftables and our own batches in this process, on a thread of its own that serves all network namespaces. Changes go by batches;
 * checks and listings go by libnftables, and whole loads that the kernel refuses as a batch: see docs/decisions/0020.
 */
export class NftLibrary {
  readonly #begin: () => Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>();
  /** Undefined once it has ended; whoever asks next makes another. */
  #worker: Worker | undefined;
  #requests = 0;
  #loads = 0;
  #isClosed = false;

  private constructor(worker: Worker, begin: () => Worker) {
    this.#begin = begin;
    this.#worker = this.#listenTo(worker);
  }

  /** Throws DEPENDENCY_MISSING if the library is not on this machine. `begin` makes the thread, and another if that one ended. */
  static async open(begin: () => Worker = beginThread): Promise<NftLibrary> {
    const worker = begin();
    const [{ missing }] = (await once(worker, "message")) as [{ readonly missing: string | null }];
    if (missing === null) return new NftLibrary(worker, begin);
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

  /** As twin-tables.ts. */
  async twins(namespace: string | null, other: string | null): Promise<TableSize | undefined> {
    const how = { dryRun: false, json: false, twin: pathOf(other) };
    const { size, error } = await this.#ask(pathOf(namespace), "", how);
    if (error !== undefined) throw new SluiceError(error.code, error.message, error);
    return size;
  }

  /** nftables of the namespace at a path, or of our own. Without `batches`, libnftables does everything. */
  in(namespace: string | null, { batches = true }: { readonly batches?: boolean } = {}): Nft {
    const path = pathOf(namespace);
    const carryOut = async (text: string, dryRun: boolean) => {
      if (text === "") return;
      const { status, words } = await this.#ask(path, text, { dryRun, json: false });
      if (status !== 0) throw refusal(words);
    };
    const send = async (transaction: Transaction, rewrite = false) => {
      const { unknown } = await this.#send(path, { batch: packed(transaction), rewrite });
      return unknown !== true;
    };
    return {
      list: async () => {
        const found = batches ? await this.#inventory(path) : undefined;
        if (found !== undefined) return found === null ? undefined : unpackedInventory(found);
        const output = await this.print(namespace, "json");
        return output === undefined ? undefined : inventoryOf(output);
      },
      check: (transaction) => carryOut(textOf(transaction), true),
      apply: async (transaction) => {
        const byText = () => carryOut(textOf(transaction), false);
        if (!batches || transaction.length === 0) return byText();
        try {
          await (isReplacement(transaction) ? this.#load(path, mostUsedSetsFirst(transaction)) : send(transaction));
        } catch (thrown) {
          // Whatever it was about, nft has words of its own for it, and may succeed.
          if (!isReplacement(transaction) || !isRefusal(thrown)) throw thrown;
          await byText();
        }
      },
      rewrite: (more) => (batches ? send(more, true) : Promise.resolve(false)),
    };
  }

  async #send(path: string, what: Pick<Request, "batch" | "rewrite" | "load">): Promise<Answer> {
    const answer = await this.#ask(path, "", { dryRun: false, json: false, ...what });
    const { error, words } = answer;
    if (error !== undefined) throw new SluiceError(error.code, error.message, error);
    if (words !== "") throw new SluiceError("NFT_FAILED", words);
    return answer;
  }

  /** In parts, of which one is put into words while the one before is written. */
  async #load(path: string, transaction: Transaction): Promise<void> {
    const [parts, counts, number] = [[...partsOf(transaction)], elementCounts(transaction), ++this.#loads];
    let before: Promise<unknown> = Promise.resolve();
    for (const [place, commands] of parts.entries()) {
      const which = { number, counts: place === 0 ? counts : undefined, isLast: place === parts.length - 1 };
      const sent = this.#send(path, { load: { ...which, part: packed(commands) } });
      // If the one before failed so does this, for the same reason.
      sent.catch(() => {});
      await before;
      before = sent;
    }
    await before;
  }

  /** As the kernel itself tells it. */
  async #inventory(path: string): Promise<PackedInventory | null | undefined> {
    const how = { dryRun: false, json: false, inventory: true as const };
    const { error, words, inventory } = await this.#ask(path, "", how);
    if (error !== undefined) throw new SluiceError(error.code, error.message, error);
    if (words !== "") throw new SluiceError("NFT_FAILED", words);
    return inventory;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.terminate();
  }

  #listenTo(worker: Worker): Worker {
    worker.on("message", (answer: Answer) => {
      this.#waiting.get(answer.id)?.resolve(answer);
      this.#waiting.delete(answer.id);
    });
    worker.on("error", (cause) => this.#giveUp(worker, cause));
    worker.on("exit", () => this.#giveUp(worker, undefined));
    return worker;
  }

  #ask(namespace: string, text: string, how: Omit<Request, "id" | "namespace" | "text">): Promise<Answer> {
    if (this.#isClosed) return Promise.reject(threadEnded(undefined));
    const id = ++this.#requests;
    const waiting = Promise.withResolvers<Answer>();
    this.#waiting.set(id, waiting);
    this.#worker ??= this.#listenTo(this.#begin());
    this.#worker.postMessage({ id, namespace, text, ...how } satisfies Request);
    return waiting.promise;
  }

  /** Whoever waits for it is told; whether the kernel did what it was asked is not known. */
  #giveUp(ended: Worker, cause: unknown): void {
    if (ended !== this.#worker) return;
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) reject(threadEnded(cause));
    this.#waiting.clear();
  }
}

function beginThread(): Worker {
  return new Worker(new URL("./nft-worker.ts", import.meta.url));
}

const isRefusal = (thrown: unknown) => thrown instanceof SluiceError && thrown.code === "NFT_FAILED";

const pathOf = (namespace: string | null): string => namespace ?? `/proc/${process.pid}/ns/net`;

function threadEnded(cause: unknown): SluiceError {
  return new SluiceError("NFT_FAILED", "the thread that runs libnftables ended", { cause });
}

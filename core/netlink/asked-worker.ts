import { Worker } from "node:worker_threads";
import { SluiceError } from "../errors.ts";
import { warmThreadPool } from "./namespace.ts";

/** By number: the worker's answer says which question it answers. */
interface Numbered {
  readonly id: number;
}

type Unnumbered<Q> = Q extends Numbered ? Omit<Q, "id"> : never;

/** One worker thread that is asked questions, starts with the first, and may enter network namespaces. */
export class AskedWorker<Question extends Numbered, Answer extends Numbered> {
  readonly #script: URL;
  readonly #does: string;
  #worker: Promise<Worker> | undefined;
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>();
  #questions = 0;
  #ended = false;

  /** `does`: what the thread does, in words: `reads routes`. */
  constructor(script: URL, does: string) {
    this.#script = script;
    this.#does = does;
  }

  get hasStarted(): boolean {
    return this.#worker !== undefined && !this.#ended;
  }

  /** Throws NETLINK_FAILED if the thread has ended, or ends before it answers. */
  async ask(question: Unnumbered<Question>): Promise<Answer> {
    if (this.#ended) throw this.#gone(undefined);
    const id = ++this.#questions;
    const waiting = Promise.withResolvers<Answer>();
    this.#waiting.set(id, waiting);
    this.#worker ??= this.#start();
    const worker = await this.#worker;
    worker.postMessage({ ...question, id });
    return waiting.promise;
  }

  async close(): Promise<void> {
    await (await this.#worker)?.terminate();
  }

  async #start(): Promise<Worker> {
    await warmThreadPool();
    const worker = new Worker(this.#script);
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
    for (const { reject } of this.#waiting.values()) reject(this.#gone(cause));
    this.#waiting.clear();
  }

  #gone(cause: unknown): SluiceError {
    return new SluiceError("NETLINK_FAILED", `the thread that ${this.#does} ended`, { cause });
  }
}

import type { Clock } from "./clock.ts";
import { messageOf } from "./errors.ts";
import type { Log } from "./log.ts";

/** Something long-lived that a process runs: a pipeline, a listener, a loop. */
export interface Part {
  readonly name: string;
  /** Works until `stop` aborts, then finishes what it has begun and resolves. Calls `ready` once it does its work. */
  run(life: Life): Promise<void>;
}

export interface Life {
  readonly stop: AbortSignal;
  readonly ready: () => void;
  /** Asks the whole service to stop, e.g. when a given duration is over. */
  readonly end: () => void;
}

/** Where signals come from: `process`, or an EventEmitter in tests. */
export interface Signals {
  on(name: StopSignal, listener: (name: StopSignal) => void): unknown;
  off(name: StopSignal, listener: (name: StopSignal) => void): unknown;
}
type StopSignal = keyof typeof signalNumbers;

export interface ServiceOptions {
  readonly parts: readonly Part[];
  readonly signals: Signals;
  readonly clock: Clock;
  readonly log: Log;
  /** How long parts may take to finish after they were asked to stop. */
  readonly drainMs?: number;
}

export interface Health {
  readonly state: "starting" | "ready" | "stopping" | "stopped";
  /** Names of parts that are not ready yet or, when stopping, not finished yet. */
  readonly waitingFor: readonly string[];
}

/** Numbers of the signals, for exit codes as shells know them: 128 + number (signal(7)). */
const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
const stopSignals = Object.keys(signalNumbers) as readonly StopSignal[];

/**
 * Runs parts together. They stop together: on SIGTERM, SIGINT or SIGHUP (a closed terminal), when one of them asks for
 * it, when one fails, or when all have resolved by themselves. A second signal ends the wait for them at once, and so
 * does `drainMs`.
 */
export class Service {
  readonly #options: ServiceOptions;
  readonly #stop = new AbortController();
  readonly #ready = Promise.withResolvers<boolean>();
  readonly #forced = Promise.withResolvers<number>();
  readonly #unready: Set<string>;
  readonly #running = new Set<string>();
  #state: Health["state"] = "starting";
  #failure: { readonly thrown: unknown } | undefined;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#unready = new Set(options.parts.map(({ name }) => name));
  }

  /** True once every part is ready; false if the service stops before that. */
  get ready(): Promise<boolean> {
    return this.#ready.promise;
  }

  get health(): Health {
    const waitingFor = this.#state === "stopping" ? this.#running : this.#unready;
    return { state: this.#state, waitingFor: [...waitingFor] };
  }

  /**
   * Resolves with the exit code: 0 after an orderly stop, 1 if parts did not finish in time, 128 + its number after a
   * second signal. With another code than 0, parts may still be running: the caller exits. Rejects with the error of the first
   * part that failed, once the others have finished.
   */
  async run(): Promise<number> {
    const { signals, parts } = this.#options;
    const onSignal = (name: StopSignal) => this.#onSignal(name);
    for (const name of stopSignals) signals.on(name, onSignal);
    try {
      const all = Promise.all(parts.map((part) => this.#runPart(part)));
      void all.then(() => this.#end("every part is done"));
      const code = await Promise.race([all.then(() => 0), this.#forced.promise, this.#outOfTime(all)]);
      if (this.#failure !== undefined && code < 128) throw this.#failure.thrown;
      return code;
    } finally {
      for (const name of stopSignals) signals.off(name, onSignal);
      this.#state = "stopped";
    }
  }

  async #runPart(part: Part): Promise<void> {
    this.#running.add(part.name);
    try {
      await part.run({
        stop: this.#stop.signal,
        ready: () => this.#onReady(part),
        end: () => this.#end(`${part.name} asked for it`),
      });
    } catch (thrown) {
      if (this.#stop.signal.aborted && isAbort(thrown)) return;
      // The first is what `run` rejects with; others may follow from it.
      if (this.#failure !== undefined)
        this.#options.log.error({ part: part.name, error: messageOf(thrown) }, "part failed as well");
      this.#failure ??= { thrown };
      this.#end(`${part.name} failed`);
    } finally {
      this.#running.delete(part.name);
    }
  }

  #onReady(part: Part): void {
    this.#unready.delete(part.name);
    if (this.#unready.size > 0 || this.#state !== "starting") return;
    this.#state = "ready";
    this.#options.log.info({}, "ready");
    this.#ready.resolve(true);
  }

  #onSignal(name: StopSignal): void {
    if (this.#stop.signal.aborted) this.#forced.resolve(128 + signalNumbers[name]);
    else this.#end(name);
  }

  #end(why: string): void {
    if (this.#stop.signal.aborted) return;
    this.#options.log.info({ why }, "stopping");
    this.#state = "stopping";
    this.#ready.resolve(false);
    this.#stop.abort();
  }

  /** Resolves with 1 when parts are still running so long after the stop. */
  async #outOfTime(all: Promise<unknown>): Promise<number> {
    const { clock, log, drainMs = 10_000 } = this.#options;
    const finished = new AbortController();
    void all.then(() => finished.abort());
    await new Promise((resolve) => this.#stop.signal.addEventListener("abort", resolve, { once: true }));
    await clock.sleep(drainMs, finished.signal);
    if (!finished.signal.aborted) log.error({ parts: [...this.#running], drainMs }, "parts did not finish in time");
    return finished.signal.aborted ? 0 : 1;
  }
}

/** What `signal.throwIfAborted()` throws: a part that was stopped in the middle of something did not fail. */
function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "AbortError";
}

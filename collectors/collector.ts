import { Worker } from "node:worker_threads";
import { type Clock, systemClock } from "../core/clock.ts";
import { SluiceError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { warmThreadPool } from "../core/netlink/namespace.ts";
import type { Source } from "../core/pipeline.ts";
import type { RawDns } from "../core/records/dns.ts";
import type { RawFlow } from "../core/records/flow.ts";
import type { Heartbeat } from "../core/records/heartbeat.ts";
import type { Loss } from "../core/records/loss.ts";
import type { DnsSettings } from "./dns/dns.ts";
import type { DnsCounters } from "./dns/observer.ts";
import { Inbox } from "./inbox.ts";
import { LazyBatch } from "./lazy-batch.ts";
import type { CollectorCounters } from "./recorder.ts";
import type { Framed } from "./spool/batch.ts";
import type { SpoolSettings } from "./spool/spool.ts";
import type { FromWorker, ToWorker, WorkerOptions } from "./worker-protocol.ts";

export interface CollectorOptions {
  readonly node: string;
  readonly cluster: string;
  /** The network namespace to collect in, e.g. `/run/netns/node-a`; null for this process's own. */
  readonly namespacePath: string | null;
  /** Records cover windows of this length, aligned to the Unix epoch. */
  readonly windowMs?: number;
  /** Where deny rules log to. One group has one reader. */
  readonly nflogGroup?: number;
  /** Keep a rule loaded that makes the kernel track connections: for where no other rule is sure to. */
  readonly ensureConntrack?: boolean;
  /** What the kernel may keep per socket while the collector is busy. */
  readonly receiveBufferBytes?: number;
  /** Records that may wait in memory for a slow reader. Without a spool those beyond it are dropped and counted. */
  readonly queueRecords?: number;
  /** Collect DNS too, and tell for which name a client had the address of a flow. */
  readonly dns?: DnsSettings;
  /** Where records are kept until they are acked: a folder for this node alone. Without it they are kept in memory. */
  readonly spool?: SpoolSettings;
  readonly log: Log;
  readonly clock?: Clock;
}

const defaults = {
  windowMs: 15_000,
  nflogGroup: 5,
  ensureConntrack: true,
  receiveBufferBytes: 32 * 1024 * 1024,
  queueRecords: 262_144,
  dns: null,
  spool: null,
};

/**
 * Collects what the kernel of one network namespace tells of connections and denials. A worker thread reads and records;
 * this end hands out its records, to be acked. Records of all kinds together are numbered from 0 without gaps within
 * (node, epoch). All sources must be read: what is not acked of one holds up the others. With a spool, what was not
 * acked comes again from the next collector on the same folder, before anything new; some records may then come twice.
 */
export class Collector {
  /** Resolves when everything that happens from now on will be told; rejects if that cannot be. */
  readonly ready: Promise<void>;
  readonly flows: Source<RawFlow>;
  readonly losses: Source<Loss>;
  readonly heartbeats: Source<Heartbeat>;
  readonly dns: Source<RawDns>;
  readonly #options: CollectorOptions;
  readonly #becomeReady: PromiseWithResolvers<void>;
  readonly #inboxes: {
    readonly flows: Inbox<RawFlow>;
    readonly losses: Inbox<Loss>;
    readonly heartbeats: Inbox<Heartbeat>;
    readonly dns: Inbox<RawDns>;
  };
  #worker: Worker | undefined;
  #counters: CollectorCounters | undefined;
  #dnsCounters: DnsCounters | undefined;
  #failure: unknown;

  constructor(options: CollectorOptions) {
    const clock = options.clock ?? systemClock;
    this.#options = options;
    this.#becomeReady = Promise.withResolvers();
    this.ready = this.#becomeReady.promise;
    // Whoever does not await `ready` still learns of the failure from `run`.
    this.ready.catch(() => {});
    this.#inboxes = {
      flows: new Inbox(`flows of ${options.node}`, clock),
      losses: new Inbox(`losses of ${options.node}`, clock),
      heartbeats: new Inbox(`heartbeats of ${options.node}`, clock),
      dns: new Inbox(`DNS of ${options.node}`, clock),
    };
    this.flows = this.#inboxes.flows;
    this.losses = this.#inboxes.losses;
    this.heartbeats = this.#inboxes.heartbeats;
    this.dns = this.#inboxes.dns;
  }

  /** What moved, as of the end of the last window. */
  get counters(): CollectorCounters | undefined {
    return this.#counters;
  }

  /** The same of DNS, where it is collected. */
  get dnsCounters(): DnsCounters | undefined {
    return this.#dnsCounters;
  }

  /**
   * Collects until the signal aborts; then hands out what is left, whereupon both sources end. Rejects with what made the
   * worker fail.
   */
  async run(signal: AbortSignal): Promise<void> {
    await warmThreadPool();
    const ended = signal.aborted ? Promise.resolve() : this.#startWorker(signal);
    await ended;
    const failure = this.#failure;
    this.#becomeReady.reject(failure ?? new SluiceError("NETLINK_FAILED", "the collector was stopped before it began"));
    for (const inbox of Object.values(this.#inboxes)) inbox.close(failure);
    if (failure !== undefined) throw failure;
  }

  /** Resolves when the worker has ended, for whatever reason. */
  #startWorker(signal: AbortSignal): Promise<void> {
    const { log, clock, ...given } = this.#options;
    const workerData: WorkerOptions = { ...defaults, ...given };
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      workerData,
      name: `collector ${given.node}`,
      // Those of this process need not be allowed in a worker.
      execArgv: [],
    });
    this.#worker = worker;
    const stop = () => this.#send({ kind: "stop" });
    signal.addEventListener("abort", stop, { once: true });
    worker.on("message", (message: FromWorker) => this.#receive(message));
    worker.on("error", (thrown) => this.#fail(thrown));
    return new Promise((resolve) =>
      worker.on("exit", (code) => {
        signal.removeEventListener("abort", stop);
        this.#worker = undefined;
        if (!signal.aborted) this.#fail(new Error(`the collector of ${given.node} ended by itself, with code ${code}`));
        resolve();
      }),
    );
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case "ready":
        this.#becomeReady.resolve();
        return;
      case "records":
        this.#handOut(message.batch, message.records);
        return;
      case "counters":
        this.#counters = message.counters;
        this.#dnsCounters = message.dns ?? undefined;
        return;
      case "log":
        this.#options.log[message.level](message.fields, message.sentence);
        return;
      case "failed":
        this.#fail(failureOf(message));
    }
  }

  /** Hands out each kind at its own source; the batch is done with when all are. */
  #handOut(batch: number, records: Framed): void {
    const { cluster, node } = this.#options;
    const { flows, losses, heartbeats, dns } = this.#inboxes;
    const lazy = new LazyBatch(records, { cluster, node, epoch: records.epoch });
    let open = [records.flows, records.losses, records.heartbeats, records.dns].filter((count) => count > 0).length;
    const acked = () => {
      open--;
      if (open > 0) return;
      const memory = lazy.release();
      this.#send({ kind: "ack", batch, memory }, [memory]);
    };
    if (records.flows > 0) flows.push(lazy.flows, acked);
    if (records.losses > 0) losses.push(lazy.losses, acked);
    if (records.heartbeats > 0) heartbeats.push(lazy.heartbeats, acked);
    if (records.dns > 0) dns.push(lazy.dns, acked);
  }

  /** The first failure is the cause, what follows from it is not. */
  #fail(failure: unknown): void {
    this.#failure ??= failure;
  }

  #send(message: ToWorker, handedOver: readonly ArrayBuffer[] = []): void {
    this.#worker?.postMessage(message, handedOver);
  }
}

function failureOf({ code, message }: Extract<FromWorker, { kind: "failed" }>): Error {
  return code === null ? new Error(message) : new SluiceError(code, message);
}

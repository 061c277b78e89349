import type { Clock } from "../../../core/clock.ts";
import { SluiceError } from "../../../core/errors.ts";
import type { Elastic } from "../elastic.ts";
import { Breaker, type Circuit } from "./breaker.ts";
import { Concurrency } from "./concurrency.ts";
import type { Outcome } from "./outcome.ts";
import { type BatchLimits, type Entry, Queue } from "./queue.ts";
import { type BulkAnswer, type ItemAnswer, sendBulk } from "./request.ts";
import { type Rejection, Ticket } from "./ticket.ts";

export interface BulkLimits {
  /** Of one request. */
  readonly bytes: number;
  readonly documents: number;
  /** How long a document may wait for others. */
  readonly ageMs: number;
  /** Requests at work at once, at most. */
  readonly concurrency: number;
  /** How long after `stop` answers are waited for. */
  readonly graceMs: number;
}

/** What the writer tells while it works. */
export interface BulkEvents {
  onRequest(request: { readonly kind: BulkAnswer["kind"]; readonly documents: number; readonly ms: number }): void;
  onDocuments(outcome: Outcome, count: number): void;
  onCircuit(isOpen: boolean, reason: string): void;
}

export interface BulkState {
  readonly circuit: Circuit;
  readonly concurrency: number;
  readonly pendingBytes: number;
}

export interface BulkWriterOptions {
  readonly elastic: Elastic;
  readonly clock: Clock;
  readonly limits: BulkLimits;
  readonly events: BulkEvents;
}

const firstPauseMs = 200;
const longestPauseMs = 10_000;
/** Documents of the request that finds out whether Elasticsearch is back. */
const probeDocuments = 100;
/** Below this share of a full request, its time says more about requests than about documents. */
const worthMeasuring = 0.25;
/** Requests' worth of documents that may wait, beside those at work. */
const waitingRequests = 4;

/**
 * Stores documents by the bulk API: gathers what several write at once into requests, each sent when it is full, when its oldest document is old
 * enough, or when nothing else is at work and nobody makes more documents: who writes may have no more before these are stored, so there is nothing
 * to wait for. Each document is judged by itself: one that is there already is done, one that was turned away goes again with the next
 * request, one that is at fault is told. Of a request without an answer all go again: ids make that harmless.
 */
export class BulkWriter {
  readonly #options: BulkWriterOptions;
  readonly #queue = new Queue();
  readonly #breaker = new Breaker();
  readonly #concurrency: Concurrency;
  readonly #tickets = new Set<Ticket>();
  readonly #cut = new AbortController();
  #maxBytes: number;
  #active = 0;
  /** How many make documents just now. */
  #making = 0;
  #pendingBytes = 0;
  /** Of those that wait for room. */
  #room: PromiseWithResolvers<void> | undefined;
  #isHurried = false;
  #toldOpen = false;
  #waking: { readonly at: number; readonly cancel: AbortController } | undefined;

  constructor(options: BulkWriterOptions) {
    this.#options = options;
    this.#concurrency = new Concurrency(options.limits.concurrency);
    this.#maxBytes = options.limits.bytes;
  }

  get state(): BulkState {
    const { limit: concurrency } = this.#concurrency;
    return { circuit: this.#breaker.circuit, concurrency, pendingBytes: this.#pendingBytes };
  }

  /** While this works, what is no full request waits for what it writes, but not longer than for its age. */
  async gather(work: () => Promise<void>): Promise<void> {
    this.#making += 1;
    try {
      await work();
    } finally {
      this.#making -= 1;
      this.#pump();
    }
  }

  /**
   * Resolves when there is room for more; who writes makes documents only then. Not before answers were looked at that have come meanwhile:
   * who makes documents of much at once would keep Elasticsearch waiting.
   */
  async room(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const { bytes, concurrency } = this.#options.limits;
    while (this.#pendingBytes > bytes * (concurrency + waitingRequests) && !this.#cut.signal.aborted) {
      this.#room ??= Promise.withResolvers<void>();
      await this.#room.promise;
    }
  }

  /** Resolves when each document (its two lines) is stored, or will never be; with the latter. Rejects, retriable, after `stop`. */
  async write(documents: readonly Uint8Array[]): Promise<readonly Rejection[]> {
    if (this.#cut.signal.aborted) throw stopped();
    const ticket = new Ticket(documents.length);
    this.#tickets.add(ticket);
    const since = this.#options.clock.monotonic();
    this.#queue.push(documents.map((lines, place) => ({ lines, ticket, place, tries: 0, since })));
    for (const { length } of documents) this.#pendingBytes += length;
    this.#pump();
    try {
      return await ticket.done;
    } finally {
      this.#tickets.delete(ticket);
    }
  }

  /** Sends at once what waits; what has no answer after a while is given back to who wrote it. */
  async stop(): Promise<void> {
    this.#isHurried = true;
    this.#pump();
    const { clock, limits } = this.#options;
    const all = Promise.allSettled([...this.#tickets].map(({ done }) => done));
    await Promise.race([all, clock.sleep(limits.graceMs, this.#cut.signal)]);
    this.#cut.abort();
    this.#queue.clear();
    for (const ticket of this.#tickets) ticket.fail(stopped());
    this.#waking?.cancel.abort();
    this.#makeRoom();
  }

  /** Sends what may be sent now, and sees to it that the rest is thought of in time. */
  #pump(): void {
    const limits = this.#batchLimits();
    while (this.#queue.length > 0 && this.#active < this.#allowed()) {
      const now = this.#options.clock.monotonic();
      const at = Math.max(this.#breaker.resumeAt, this.#isDue(limits) ? 0 : this.#oldestDue());
      if (at > now) {
        this.#wakeAt(at, now);
        return;
      }
      void this.#send(this.#queue.take(limits));
    }
  }

  #batchLimits(): BatchLimits {
    const { documents } = this.#options.limits;
    const most = this.#breaker.circuit === "closed" ? documents : Math.min(documents, probeDocuments);
    return { bytes: this.#maxBytes, documents: most };
  }

  #allowed(): number {
    return this.#breaker.circuit === "closed" ? this.#concurrency.limit : 1;
  }

  #isDue(limits: BatchLimits): boolean {
    const isAlone = this.#active === 0 && this.#making === 0;
    return this.#isHurried || isAlone || this.#queue.isFull(limits);
  }

  #oldestDue(): number {
    return (this.#queue.oldest?.since ?? 0) + this.#options.limits.ageMs;
  }

  #wakeAt(at: number, now: number): void {
    if (this.#waking !== undefined && this.#waking.at <= at) return;
    this.#waking?.cancel.abort();
    const waking = { at, cancel: new AbortController() };
    this.#waking = waking;
    void this.#options.clock.sleep(at - now, waking.cancel.signal).then(() => {
      if (this.#waking !== waking || waking.cancel.signal.aborted) return;
      this.#waking = undefined;
      this.#pump();
    });
  }

  async #send(entries: readonly Entry[]): Promise<void> {
    const { elastic, clock, events } = this.#options;
    this.#breaker.sent();
    this.#active += 1;
    const begin = clock.monotonic();
    const lines = Buffer.concat(entries.map((entry) => entry.lines));
    const answer = await sendBulk(elastic, lines, entries.length, this.#cut.signal);
    const ms = clock.monotonic() - begin;
    if (!this.#cut.signal.aborted) {
      events.onRequest({ kind: answer.kind, documents: entries.length, ms });
      this.#settle(entries, answer, ms);
      this.#tellCircuit(answer);
    }
    this.#active -= 1;
    this.#pump();
  }

  #tellCircuit(answer: BulkAnswer): void {
    const isOpen = this.#breaker.circuit !== "closed";
    if (isOpen === this.#toldOpen) return;
    this.#toldOpen = isOpen;
    this.#options.events.onCircuit(isOpen, "reason" in answer ? answer.reason : "");
  }

  #settle(entries: readonly Entry[], answer: BulkAnswer, ms: number): void {
    switch (answer.kind) {
      case "items":
        this.#breaker.answered();
        this.#settleEach(entries, answer.items, ms);
        return;
      case "tooLarge":
        this.#breaker.answered();
        this.#settleTooLarge(entries);
        return;
      case "busy":
        this.#breaker.answered();
        this.#concurrency.pushedBack();
        this.#later(entries);
        return;
      case "refused":
      case "unanswered":
        this.#breaker.failed(this.#options.clock.monotonic());
        this.#options.events.onDocuments("again", entries.length);
        this.#queue.again(entries.map(triedAgain));
        return;
    }
  }

  #settleEach(entries: readonly Entry[], items: readonly ItemAnswer[], ms: number): void {
    const counts = { stored: 0, known: 0, rejected: 0 };
    const again: Entry[] = [];
    let isPushedBack = false;
    for (const [index, entry] of entries.entries()) {
      const { outcome, status, reason = "" } = items[index] as ItemAnswer;
      if (outcome === "again") {
        again.push(entry);
        isPushedBack ||= status === 429;
        continue;
      }
      counts[outcome] += 1;
      this.#done(entry);
      if (outcome === "rejected") entry.ticket.reject({ place: entry.place, reason });
      else entry.ticket.settle();
    }
    for (const outcome of ["stored", "known", "rejected"] as const)
      if (counts[outcome] > 0) this.#options.events.onDocuments(outcome, counts[outcome]);
    if (isPushedBack) this.#concurrency.pushedBack();
    else if (entries.length >= this.#options.limits.documents * worthMeasuring)
      this.#concurrency.answered({ ms, documents: entries.length, active: this.#active });
    if (again.length > 0) this.#later(again);
  }

  /** Less at once from now on; a document that is too large alone is at fault. */
  #settleTooLarge(entries: readonly Entry[]): void {
    const [only, ...others] = entries as readonly [Entry, ...Entry[]];
    if (others.length === 0) {
      this.#options.events.onDocuments("rejected", 1);
      this.#done(only);
      only.ticket.reject({ place: only.place, reason: `413 ${only.lines.length} bytes are too many` });
      return;
    }
    const size = entries.reduce((sum, { lines }) => sum + lines.length, 0);
    this.#maxBytes = Math.max(1, Math.floor(size / 2));
    this.#queue.again(entries);
  }

  /** Those alone that were turned away, the longer the more often they were. */
  #later(entries: readonly Entry[]): void {
    const { clock, events } = this.#options;
    events.onDocuments("again", entries.length);
    const tries = entries.reduce((most, entry) => Math.max(most, entry.tries), 0);
    const pause = Math.min(firstPauseMs * 2 ** tries, longestPauseMs);
    void clock.sleep(pause, this.#cut.signal).then(() => {
      if (this.#cut.signal.aborted) return;
      this.#queue.again(entries.map(triedAgain));
      this.#pump();
    });
  }

  #done({ lines }: Entry): void {
    this.#pendingBytes -= lines.length;
    this.#makeRoom();
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}

function triedAgain(entry: Entry): Entry {
  return { ...entry, tries: entry.tries + 1 };
}

function stopped(): SluiceError {
  return new SluiceError("ELASTICSEARCH_FAILED", "the end came before Elasticsearch had stored a batch", {
    retriable: true,
  });
}

import type { Clock } from "../core/clock.ts";
import { Condition } from "../core/condition.ts";
import { messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { type Concern, concernOf, isConcerned, isNobody, nobody, union } from "./concern.ts";
import type { Connection, Conntrack } from "./conntrack.ts";
import type { Enforced, Seat } from "./enforced.ts";
import type { Nft } from "./nft.ts";
import { hasHosts } from "./own-placement.ts";
import { changes, type Revocation, revocationOf, sparing } from "./revocation.ts";
import { type Judge, judgeOf } from "./revoke.ts";
import { revokedMs } from "./revoked-chain.ts";
import type { Transaction } from "./ruleset.ts";
import { StandingRevocations } from "./standing-revocations.ts";

export interface RevokerOptions {
  /** Name of the node whose connections it is about. */
  readonly node: string;
  readonly nft: Nft;
  readonly conntrack: Conntrack;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: Pick<Seat, "unknownEndpoints">;
}

export interface RevokerCounters {
  /** Connections that were closed for not being allowed any more. */
  readonly revoked: number;
  /** Tries that failed; what is left is tried again. */
  readonly failed: number;
}

// How many connections are looked at before others of the process have their turn (two milliseconds, six where host endpoints are asked
// as well: test/bench/revoke.bench.ts), and how many are closed by one transaction.
const judgedAtOnce = 512;
const closedAtOnce = 2_048;
// Reading 100,000 connections takes a good part of a second. While pods come and go without end it may take this share of the time.
const readShare = 1 / 10;
const maxRestMs = 10_000;
// So many rulesets one after the other are compared with each other while the connections of an earlier one are being judged.
const maxPending = 16;
const firstPauseMs = 100;
const maxPauseMs = 30_000;
// Elements are taken out again only while they are in the kernel for certain.
const marginMs = 10_000;

/**
 * Closes connections that the ruleset in force would not let begin: after each change it judges those that the change concerns. Their
 * packets are refused first, either way, and then the kernel forgets them; forgotten alone they would go on, since
 * the next segment of a server makes a new entry, the wrong way round (nf_conntrack_tcp_loose). What a later change allows again
 * is free again.
 */
export class Revoker {
  readonly #options: RevokerOptions;
  readonly #woken = new Condition();
  /** What is in force; the connections that it has changed anything for were not all judged yet. */
  #current: Enforced | undefined;
  #pending: Enforced[] = [];
  /** Everything is to be judged: it is not known what was in force meanwhile. */
  #everything = false;
  #concern: Concern = nobody;
  /** Monotonic: connections are not read before. */
  #restUntil = 0;
  /** Closed connections that may still try. */
  readonly #standing = new StandingRevocations();
  #localAddresses: Seat["localAddresses"] = new Set();
  #counters: RevokerCounters = { revoked: 0, failed: 0 };

  constructor(options: RevokerOptions) {
    this.#options = options;
  }

  get counters(): RevokerCounters {
    return this.#counters;
  }

  /**
   * What the kernel enforces from now on. `afterGap`: what it enforced until now is not known (at the start; somebody had removed the
   * rules), so that connections may have been opened that no rules ever allowed.
   */
  applied(situation: Enforced, afterGap: boolean): void {
    this.#everything ||= afterGap || this.#pending.length >= maxPending;
    if (this.#everything) this.#pending = [];
    this.#pending.push(situation);
    this.#woken.changed();
  }

  /** What is in force was not for a while, as far as anybody knows: what was opened meanwhile is judged. */
  afterGap(): void {
    const newest = this.#pending.at(-1) ?? this.#current;
    if (newest !== undefined) this.applied(newest, true);
  }

  /** To be carried out with a transaction that makes the table anew: what was in its sets. */
  refill(): Transaction {
    const now = this.#options.clock.monotonic();
    this.#standing.expire(now);
    return changes("add-elements", this.#standing.renew(untilFrom(now)));
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      failures = (await this.#turn()) ? 0 : failures + 1;
      if (failures > 0) await clock.sleep(Math.min(firstPauseMs * 2 ** (failures - 1), maxPauseMs), signal);
      else if (this.#pending.length === 0) await this.#untilDue(signal);
    }
  }

  /** Until there is news, or it has rested and there is something left to judge. */
  async #untilDue(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const due = new AbortController();
    const until = AbortSignal.any([signal, due.signal]);
    const news = this.#woken.wait(until);
    await Promise.race(
      isNobody(this.#concern) ? [news] : [news, clock.sleep(Math.max(0, this.#restUntil - clock.monotonic()), until)],
    );
    due.abort();
  }

  /** False if it is to be tried again. */
  async #turn(): Promise<boolean> {
    const fresh = this.#takePending();
    const situation = this.#current;
    if (situation === undefined) return true;
    try {
      await this.#free(situation, fresh);
      const started = this.#options.clock.monotonic();
      const concern = this.#concern;
      if (isNobody(concern) || started < this.#restUntil) return true;
      await this.#close(situation, concern);
      this.#concern = nobody;
      const ended = this.#options.clock.monotonic();
      this.#restUntil = ended + Math.min((ended - started) / readShare, maxRestMs);
      return true;
    } catch (thrown) {
      this.#note(thrown);
      return false;
    }
  }

  /** Goes on to the newest situation. Whose connections may be others by it, and by what came between. */
  #takePending(): Concern {
    let fresh: Concern = this.#everything ? "all" : nobody;
    for (const situation of this.#pending) {
      if (fresh !== "all") fresh = union(fresh, concernOf(this.#current, situation, this.#options.node));
      this.#current = situation;
    }
    this.#pending = [];
    this.#everything = false;
    this.#concern = union(this.#concern, fresh);
    return fresh;
  }

  /** Takes out of the sets what is allowed again. */
  async #free(situation: Enforced, fresh: Concern): Promise<void> {
    const { nft, clock, log, node } = this.#options;
    this.#standing.expire(clock.monotonic());
    if (!this.#standing.some(({ connection }) => isConcerned(connection, fresh))) return;
    const judge = this.#judge(situation);
    // Not again if it fails: what is left goes by itself.
    const { count, elements } = this.#standing.remove(({ connection }) => judge(connection) === null);
    if (count === 0) return;
    await nft.apply(changes("delete-elements", elements));
    log.info({ node, connections: count }, "connections that were revoked are allowed again");
  }

  async #close(situation: Enforced, concern: Concern): Promise<void> {
    const links = hasHosts(situation, this.#options.node);
    const { all, localAddresses } = await this.#options.conntrack.list({ links });
    this.#localAddresses = localAddresses;
    const judge = this.#judge(situation);
    const revocations: Revocation[] = [];
    for await (const some of inTurns(all, this.#options.clock))
      for (const connection of some) {
        const direction = isConcerned(connection, concern) ? judge(connection) : null;
        if (direction !== null) revocations.push(revocationOf(connection, direction));
      }
    const denied = this.#stillDenied(revocations);
    const ids = new Set(denied.map(({ connection }) => connection.id));
    const spared = sparing(denied, others(all, ids));
    for (let at = 0; at < spared.length; at += closedAtOnce)
      await this.#closeSome(spared.slice(at, at + closedAtOnce), situation);
  }

  /** Without what was opened, or may go on, by what came into force while connections were read. */
  #stillDenied(revocations: readonly Revocation[]): readonly Revocation[] {
    const newest = this.#pending.at(-1);
    if (newest === undefined || revocations.length === 0) return revocations;
    const judge = this.#judge(newest);
    return revocations.filter(({ connection }) => judge(connection) !== null);
  }

  async #closeSome(revocations: readonly Revocation[], { program }: Enforced): Promise<void> {
    const { nft, conntrack, clock, log, node } = this.#options;
    const elements = this.#standing.add(revocations, untilFrom(clock.monotonic()));
    try {
      await nft.apply(changes("add-elements", elements));
    } catch (thrown) {
      const refused = new Set(revocations);
      this.#standing.remove((revocation) => refused.has(revocation));
      throw thrown;
    }
    const revoked = await conntrack.delete(revocations.map(({ connection }) => connection));
    this.#counters = { ...this.#counters, revoked: this.#counters.revoked + revoked };
    log.info({ node, revision: program.revision, connections: revoked }, "connections revoked");
  }

  #judge(situation: Enforced): Judge {
    const { node, settings } = this.#options;
    return judgeOf(situation, { node, ...settings, localAddresses: this.#localAddresses });
  }

  #note(thrown: unknown): void {
    const { log, node } = this.#options;
    log.error({ node, error: messageOf(thrown) }, "connections not revoked, it is tried again");
    this.#counters = { ...this.#counters, failed: this.#counters.failed + 1 };
  }
}

function untilFrom(now: number): number {
  return now + revokedMs - marginMs;
}

async function* inTurns(connections: Iterable<Connection>, clock: Clock): AsyncGenerator<readonly Connection[]> {
  let some: Connection[] = [];
  for (const connection of connections) {
    some.push(connection);
    if (some.length < judgedAtOnce) continue;
    yield some;
    some = [];
    await clock.sleep(0);
  }
  yield some;
}

/** Ids are hashes: one in four billion shares its own with another, which then is not among the others. */
function* others(all: Iterable<Connection>, ids: ReadonlySet<number>): Generator<Connection> {
  for (const connection of all) if (!ids.has(connection.id)) yield connection;
}

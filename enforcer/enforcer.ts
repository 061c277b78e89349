import type { Address, Cidr } from "../core/address.ts";
import type { Clock } from "../core/clock.ts";
import { Condition } from "../core/condition.ts";
import { messageOf, SluiceError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Placement } from "../policy/placement.ts";
import type { Program } from "../policy/program.ts";
import { Arrivals } from "./arrivals.ts";
import { diff } from "./diff.ts";
import type { Problem } from "./draft.ts";
import type { Interfaces, Links } from "./interfaces.ts";
import type { Nft } from "./nft.ts";
import { Renderer, type Rendering, type RenderSettings, type Situation } from "./renderer.ts";
import type { Revoker } from "./revoker.ts";
import type { Transaction } from "./ruleset.ts";
import { damageOf } from "./wholeness.ts";

export interface EnforcerOptions {
  /** Name of the node whose pods it is about. */
  readonly node: string;
  readonly nft: Nft;
  readonly interfaces: Interfaces;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: RenderSettings;
  /** Told how long a pod that came waited until the rules knew it, in milliseconds. */
  readonly onArrival?: (ms: number) => void;
  /** From 0 up to 1, for pauses that differ between nodes. */
  readonly random: () => number;
  /** Closes connections that changes forbid; without it they go on. */
  readonly revoker?: Revoker;
}

/** What the node knows of itself beyond its routes. */
export interface NodeFacts {
  readonly podCidrs: readonly Cidr[];
}

export interface EnforcerStatus {
  /** The program that the kernel enforces; null before the first success. */
  readonly revision: string | null;
  /** Wall time of the last success, milliseconds. */
  readonly appliedAt: number | null;
  /** Of the last transaction that changed something. */
  readonly commands: number;
  readonly ms: number;
  /** Transactions that changed something, and those that failed. */
  readonly applied: number;
  readonly failed: number;
  /** How often the table was found to be other than we left it, and was written anew. */
  readonly repaired: number;
  /** The last failure, if nothing has succeeded since. */
  readonly failure: string | null;
  readonly problems: readonly Problem[];
  /** Connections that were closed because a change forbade them, and tries to close some that failed. */
  readonly revoked: number;
  readonly revokeFailures: number;
}

interface Desired {
  readonly program: Program;
  readonly placement: Placement;
  readonly facts: NodeFacts;
  readonly pending: Situation | undefined;
}

// How often routes are asked for changes: at most so long, a new pod waits for its interface to be known. A look at the kernel's
// events that finds none takes some 50 microseconds.
const routesMs = 20;
// How often the table is compared with what it should be. Listing many rules takes seconds (10,000: up to 3.4 s measured),
// so of the time at most this share.
const lookMs = 10_000;
const lookShare = 1 / 20;
const firstPauseMs = 100;
const maxPauseMs = 30_000;

/**
 * Keeps the ruleset of one node as the newest Program and Placement want it: one transaction per change, of what differs.
 * If that fails, everything is replaced in one transaction; if that fails too, the rules that were there stay, and it tries
 * again after a pause. Transactions are whole: nothing is half applied, and what one object needs holds up all of them. What
 * somebody else changes in our table is noticed within seconds and put right.
 */
export class Enforcer {
  readonly #options: EnforcerOptions;
  readonly #woken = new Condition();
  readonly #ended = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #desired: Desired | undefined;
  readonly #arrivals = new Arrivals();
  #renderer: Renderer;
  /** Whether the kernel has what the renderer says: not before the first success nor after a failure. */
  #isApplied = false;
  #lookAt = 0;
  /** What was last carried out, to see at a glance that there is nothing to do. */
  #done: { readonly desired: Desired; readonly links: Links } | undefined;
  #status: Omit<EnforcerStatus, "revoked" | "revokeFailures"> = {
    revision: null,
    appliedAt: null,
    commands: 0,
    ms: 0,
    applied: 0,
    failed: 0,
    repaired: 0,
    failure: null,
    problems: [],
  };

  constructor(options: EnforcerOptions) {
    this.#options = options;
    this.#renderer = new Renderer(options.node, options.settings);
  }

  get status(): EnforcerStatus {
    const { revoked, failed } = this.#options.revoker?.counters ?? { revoked: 0, failed: 0 };
    return { ...this.#status, revoked, revokeFailures: failed };
  }

  /** What is wanted from now on; `pending` is what it would be with everything staged in force. Of several updates in quick succession only the newest is carried out. */
  update(program: Program, placement: Placement, facts: NodeFacts, pending?: Situation): void {
    this.#desired = { program, placement, facts, pending };
    this.#woken.changed();
  }

  /** Works until the signal aborts. The rules stay: see `stop`. */
  run(signal: AbortSignal): Promise<void> {
    const until = AbortSignal.any([signal, this.#ended.signal]);
    this.#running = Promise.all([this.#loop(until), this.#tick(until), this.#options.revoker?.run(until)]).then(
      () => {},
    );
    return this.#running;
  }

  /** Ends `run`, then leaves the rules in force or removes our table; one that this run never wrote to is somebody else's. */
  async stop({ leaveRules }: { readonly leaveRules: boolean }): Promise<void> {
    this.#ended.abort();
    await this.#running;
    if (leaveRules || this.#status.applied === 0) return;
    await this.#options.nft.apply([{ verb: "add-table" }, { verb: "delete-table" }]);
    this.#isApplied = false;
    this.#options.log.info({ node: this.#options.node }, "table removed");
  }

  async #loop(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const wanted = this.#desired;
      failures = (await this.#turn()) ? 0 : failures + 1;
      const earliest = this.#options.clock.monotonic() + (failures === 0 ? 0 : this.#pauseMs(failures));
      // An update ends the wait at once: it may be what cures a failure.
      do if (this.#desired === wanted) await this.#woken.wait(signal);
      while (!signal.aborted && this.#desired === wanted && this.#options.clock.monotonic() < earliest);
    }
  }

  /** Routes change without an update, so the loop looks now and then. */
  async #tick(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#options.clock.sleep(routesMs, signal);
      this.#woken.changed();
    }
  }

  /** False if what is wanted could not be carried out. */
  async #turn(): Promise<boolean> {
    const desired = this.#desired;
    if (desired === undefined) return true;
    try {
      const links = await this.#options.interfaces.read();
      await this.#look();
      if (!this.#isApplied || this.#done?.desired !== desired || this.#done.links !== links)
        await this.#enforce(desired, links);
      this.#done = { desired, links };
      return true;
    } catch (thrown) {
      this.#note(thrown);
      return false;
    }
  }

  /** Whether our table is as we left it. If not, it is forgotten, so that this turn writes it anew. */
  async #look(): Promise<void> {
    const { nft, clock, log, node } = this.#options;
    const started = clock.monotonic();
    if (!this.#isApplied || started < this.#lookAt) return;
    const damage = damageOf(this.#renderer.ruleset, await nft.list());
    const took = clock.monotonic() - started;
    this.#lookAt = started + Math.max(lookMs, took / lookShare);
    if (damage === undefined) return;
    log.error({ node, damage }, "somebody changed our table, it is written anew");
    this.#status = { ...this.#status, repaired: this.#status.repaired + 1 };
    this.#isApplied = false;
  }

  async #enforce(desired: Desired, links: Links): Promise<void> {
    const { clock } = this.#options;
    const started = clock.monotonic();
    const { program, placement, facts, pending } = desired;
    const own = { links, podCidrs: facts.podCidrs };
    const { changes, problems } = this.#render(program, placement, own, pending);
    this.#report(problems);
    const [pods, behind] = [this.#renderer.podAddresses(), podsBehind(links, this.#options.settings)];
    this.#arrivals.see(pods, behind, started);
    const afterGap = !this.#isApplied;
    const commands = await this.#apply(changes);
    this.#options.revoker?.applied({ program, placement, podCidrs: facts.podCidrs }, afterGap);
    this.#status = { ...this.#status, revision: program.revision, appliedAt: clock.now(), failure: null };
    const waits = this.#arrivals.enforced(pods, behind, clock.monotonic());
    for (const ms of waits) this.#options.onArrival?.(ms);
    if (commands > 0) this.#succeeded(commands, clock.monotonic() - started, waits);
  }

  /** What a renderer says after it failed midway may be anything, so the next begins anew. */
  #render(...state: Parameters<Renderer["follow"]>): Rendering {
    try {
      return this.#renderer.follow(...state);
    } catch (thrown) {
      this.#renderer = new Renderer(this.#options.node, this.#options.settings);
      this.#isApplied = false;
      throw thrown;
    }
  }

  /** What differs; if the kernel will not have it, our picture of its state may be wrong, so everything. How many commands it took. */
  async #apply(changes: Transaction): Promise<number> {
    const { nft } = this.#options;
    if (this.#isApplied) {
      if (changes.length === 0) return 0;
      this.#isApplied = false;
      try {
        await nft.apply(changes);
        this.#isApplied = true;
        return changes.length;
      } catch (thrown) {
        this.#note(thrown);
      }
    }
    // A table made anew holds nothing that is not rendered: what was revoked is put back with it.
    const everything = [...diff(undefined, this.#renderer.ruleset), ...(this.#options.revoker?.refill() ?? [])];
    await nft.apply(everything);
    this.#isApplied = true;
    return everything.length;
  }

  #succeeded(commands: number, ms: number, waits: readonly number[]): void {
    const { log, node } = this.#options;
    this.#status = { ...this.#status, commands, ms, applied: this.#status.applied + 1 };
    const arrived = waits.length === 0 ? {} : { pods: waits.length, podsWaitedMs: Math.round(Math.max(...waits)) };
    log.info({ node, revision: this.#status.revision, commands, ms: Math.round(ms), ...arrived }, "ruleset applied");
  }

  #note(thrown: unknown): void {
    const { log, node } = this.#options;
    const failure = messageOf(thrown);
    // With the line that nft refused, if it was nft.
    const context = thrown instanceof SluiceError ? thrown.context : {};
    if (this.#status.failure !== failure)
      log.error({ node, error: failure, ...context }, "ruleset not applied, the last good one stays");
    this.#status = { ...this.#status, failed: this.#status.failed + 1, failure };
  }

  /** Each problem is logged when it appears. */
  #report(problems: readonly Problem[]): void {
    const known = new Set(this.#status.problems.map(({ subject, sentence }) => `${subject} ${sentence}`));
    for (const { subject, sentence } of problems)
      if (!known.has(`${subject} ${sentence}`)) this.#options.log.warn({ subject }, `${subject} ${sentence}`);
    this.#status = { ...this.#status, problems };
  }

  #pauseMs(failures: number): number {
    const full = Math.min(firstPauseMs * 2 ** (failures - 1), maxPauseMs);
    return full * (0.5 + this.#options.random() / 2);
  }
}

function podsBehind({ behind }: Links, { podInterfaces }: RenderSettings): ReadonlySet<Address> {
  const isPods = (name: string) => podInterfaces.some((prefix) => name.startsWith(prefix));
  return new Set([...behind].filter(([, name]) => isPods(name)).map(([address]) => address));
}

import type { Address, Cidr } from "../core/address.ts";
import type { Clock } from "../core/clock.ts";
import { Condition } from "../core/condition.ts";
import { messageOf, SluiceError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Placement } from "../policy/placement.ts";
import type { Program } from "../policy/program.ts";
import type { Situation } from "../policy/space/situation.ts";
import { adopted, touchesBaseChains } from "./adopt.ts";
import { type Arrival, Arrivals } from "./arrivals.ts";
import { diff } from "./diff.ts";
import type { Problem } from "./draft.ts";
import { openRuleset } from "./fixed-rulesets.ts";
import type { Interfaces, Links } from "./interfaces.ts";
import type { Keeper } from "./kept-file.ts";
import type { Nft } from "./nft.ts";
import { Renderer, type Rendering, type RenderSettings } from "./renderer.ts";
import type { Revoker } from "./revoker.ts";
import { isReplacement, type Ruleset, type Transaction } from "./ruleset.ts";
import { type RulesetSize, rulesetSize } from "./ruleset-size.ts";
import { isBeyondMending, mending } from "./tamper/mending.ts";
import type { Tampering } from "./tamper/table-event.ts";
import { damageOf } from "./wholeness.ts";

export interface EnforcerOptions {
  /** Name of the node whose pods it is about. */
  readonly node: string;
  readonly nft: Nft;
  readonly interfaces: Interfaces;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: RenderSettings;
  /** Told of each pod that came, once the rules know it. */
  readonly onArrival?: (arrival: Arrival) => void;
  /** From 0 up to 1, for pauses that differ between nodes. */
  readonly random: () => number;
  /** Where what was applied is kept for the next process; without it the first ruleset replaces whatever there is. */
  readonly keeper?: Keeper;
  /** Closes connections that changes forbid; without it they go on. */
  readonly revoker?: Revoker;
  /** How often the table is compared with what it should be; seldom where `disturbed` tells of changes. */
  readonly lookMs?: number;
  /** Carries out a transaction that makes everything anew, where somebody watches the table: see RulesetNews. */
  readonly unheard?: (work: () => Promise<boolean>) => Promise<boolean>;
  /** Called when what others had changed is as wanted again. */
  readonly onRepair?: (repair: Repair) => void;
}

/** Our table was put right. Times are wall time, milliseconds. */
export interface Repair {
  /** Those that `disturbed` told of. */
  readonly tamperings: readonly Tampering[];
  /** What a look at the table found that nothing told of, in words. */
  readonly damage: string | null;
  /** When the table was last looked at and whole, or written; null if never. */
  readonly wholeAt: number | null;
  readonly at: number;
  /** What it was put back to. */
  readonly wanted: Ruleset;
  /** What it took; null: everything was written anew. */
  readonly commands: number | null;
}

/** What the node knows of itself beyond its routes. */
export interface NodeFacts {
  readonly podCidrs: readonly Cidr[];
  /** Everything passes, whatever the policies say: break-glass. */
  readonly open?: boolean;
}

export interface EnforcerStatus {
  /** The program that the kernel enforces; null before the first success, and while it is open. */
  readonly revision: string | null;
  /** The kernel lets everything pass, as it was told to. */
  readonly open: boolean;
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
// Comparing the table with what it should be lists it, which takes seconds with many rules (10,000: up to 3.4 s measured),
// so of the time at most this share.
const defaultLookMs = 10_000;
const lookShare = 1 / 20;
const newsMs = 50;
// What a hurry put off waits until nothing has happened for a while, but no longer than that: it costs the kernel a walk over the
// whole table, in which nobody else gets in: 12 ms at 15,000 rules, a thousandth of the time.
const quietMs = 2_000;
const longestPutOffMs = 10_000;
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
  /** Since when something is put off, and when it is due; null if nothing is. */
  #putOff: { readonly since: number; readonly due: number } | null = null;
  /** Whether this run has written to our table, or taken over what an earlier one wrote. */
  #isOurs = false;
  /** Of what is applied, or about to be. */
  #isOpen = false;
  #revision: string | null = null;
  /** Whether what an earlier process left may still be taken over: until the first try. */
  #mayAdopt = true;
  #sized: { readonly applied: number; readonly size: RulesetSize } | undefined;
  #wholeAt: number | null = null;
  /** Told since the last turn began, and told before but not put right yet. */
  #tamperings: Tampering[] = [];
  #unrepaired: readonly Tampering[] = [];
  #damage: string | null = null;
  /** What was last carried out, to see at a glance that there is nothing to do. */
  #done: { readonly desired: Desired; readonly links: Links } | undefined;
  #status: Omit<EnforcerStatus, "revoked" | "revokeFailures"> = {
    revision: null,
    open: false,
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

  /** Of the ruleset that was last applied. */
  get size(): RulesetSize {
    const { applied } = this.#status;
    if (this.#sized?.applied !== applied && this.#isApplied) this.#sized = { applied, size: rulesetSize(this.#wanted) };
    return this.#sized?.size ?? { rules: 0, sets: 0, elements: 0 };
  }

  /** What is wanted from now on; `pending` is what it would be with everything staged in force. Of several updates in quick succession only the newest is carried out. */
  update(program: Program, placement: Placement, facts: NodeFacts, pending?: Situation): void {
    this.#desired = { program, placement, facts, pending };
    this.#woken.changed();
  }

  /** Others changed our table: the next turn, at once, puts it right. False before there are rules of ours to change. */
  disturbed(tampering: Tampering): boolean {
    if (!this.#isOurs) return false;
    this.#tamperings.push(tampering);
    this.#woken.changed();
    return true;
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
    if (leaveRules || !this.#isOurs) return;
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
      // News end the wait at once: an update may be what cures a failure.
      const isOld = () => this.#desired === wanted && this.#tamperings.length === 0;
      do if (isOld()) await this.#woken.wait(signal);
      while (!signal.aborted && isOld() && this.#options.clock.monotonic() < earliest);
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
    this.#unrepaired = [...this.#unrepaired, ...this.#tamperings.splice(0)];
    try {
      await this.#mend();
      const links = await this.#options.interfaces.read();
      await this.#look();
      const isNew = this.#done?.desired !== desired || this.#done.links !== links;
      if (!this.#isApplied || isNew || this.#isDue) await this.#enforce(desired, links);
      this.#done = { desired, links };
      this.#repaired(null);
      return true;
    } catch (thrown) {
      this.#note(thrown);
      return false;
    }
  }

  /** Undoes what others did. If that fails, nothing is known any more, and the turn writes everything anew. */
  async #mend(): Promise<void> {
    if (this.#unrepaired.length === 0 || !this.#isApplied) return;
    // To put together what is wanted takes 50 ms with 17,000 rules, in which everything may be open.
    const small = this.#unrepaired.some(isBeyondMending) ? undefined : mending(this.#wanted, this.#unrepaired);
    if (small === undefined && (await this.#rewrite())) return this.#repaired(null);
    this.#isApplied = small !== undefined;
    const commands = await this.#apply(small ?? []);
    this.#repaired(commands === small?.length ? commands : null);
  }

  /** Everything anew, as it was applied; that it is remembered saves the time to say it again. */
  async #rewrite(): Promise<boolean> {
    try {
      return await this.#unheard(() => this.#options.nft.rewrite(this.#refill()));
    } catch (thrown) {
      this.#note(thrown);
      return false;
    }
  }

  #repaired(commands: number | null): void {
    const [tamperings, damage, wholeAt] = [this.#unrepaired, this.#damage, this.#wholeAt];
    if (!this.#isApplied || (tamperings.length === 0 && damage === null)) return;
    const at = this.#options.clock.now();
    const wanted = this.#wanted;
    this.#unrepaired = [];
    this.#damage = null;
    this.#wholeAt = at;
    this.#status = { ...this.#status, repaired: this.#status.repaired + 1 };
    this.#options.revoker?.afterGap();
    this.#options.onRepair?.({ tamperings, damage, wholeAt, at, wanted, commands });
  }

  /** Whether our table is as we left it. If not, it is forgotten, so that this turn writes it anew. */
  async #look(): Promise<void> {
    const { clock, log, node, lookMs = defaultLookMs } = this.#options;
    const [started, now] = [clock.monotonic(), clock.now()];
    if (!this.#isApplied || started < this.#lookAt) return;
    const damage = await this.#damageOf();
    const took = clock.monotonic() - started;
    this.#lookAt = started + Math.max(lookMs, took / lookShare);
    if (damage === undefined) this.#wholeAt = now;
    if (damage === undefined || (await this.#isToldOf())) return;
    log.error({ node, damage }, "somebody changed our table, it is written anew");
    this.#damage = damage;
    this.#isApplied = false;
  }

  /** Damage is looked for twice: while the kernel makes room in a set, a listing may lack elements of it. */
  async #damageOf(): Promise<string | undefined> {
    return (await this.#damageNow()) && (await this.#damageNow());
  }

  async #damageNow(): Promise<string | undefined> {
    try {
      return damageOf(this.#wanted, await this.#options.nft.list());
    } catch (thrown) {
      // What nft itself cannot print we did not write.
      if (thrown instanceof SluiceError && thrown.code === "DECODE_FAILED") return messageOf(thrown);
      throw thrown;
    }
  }

  /** Whether somebody tells what the look found: news of a change may come a little later than a look sees it. */
  async #isToldOf(): Promise<boolean> {
    if (this.#tamperings.length === 0) await this.#options.clock.sleep(newsMs, this.#ended.signal);
    return this.#tamperings.length > 0;
  }

  get #isDue(): boolean {
    return this.#putOff !== null && this.#options.clock.monotonic() >= this.#putOff.due;
  }

  async #enforce(desired: Desired, links: Links): Promise<void> {
    const { clock } = this.#options;
    const started = clock.monotonic();
    const { program, placement, facts, pending } = desired;
    const own = { links, podCidrs: facts.podCidrs };
    const open = facts.open === true;
    // Then the other rules are others altogether, and the same Program asks other things of the same pods.
    if (open !== this.#isOpen) this.#forget();
    const inHurry = this.#isApplied && !this.#isDue;
    const { changes, problems } = this.#render(program, placement, own, pending, { inHurry });
    const since = this.#putOff?.since ?? started;
    const due = Math.min(started + quietMs, since + longestPutOffMs);
    this.#putOff = this.#renderer.isSettled ? null : { since, due };
    this.#report(problems);
    const [pods, behind] = [this.#renderer.podAddresses(), podsBehind(links, this.#options.settings)];
    this.#arrivals.see(pods, behind, started);
    this.#isOpen = open;
    const afterGap = !this.#isApplied;
    const revision = open ? null : program.revision;
    this.#revision = revision;
    const commands = await this.#apply(open ? [] : changes);
    if (!open) this.#options.revoker?.applied({ program, placement, podCidrs: facts.podCidrs, links }, afterGap);
    this.#status = { ...this.#status, revision, open, appliedAt: clock.now(), failure: null };
    this.#keep();
    this.#wholeAt ??= clock.now();
    if (this.#lookAt === 0) this.#lookAt = started + (this.#options.lookMs ?? defaultLookMs);
    const arrived = this.#arrivals.enforced(pods, behind, clock.monotonic());
    for (const arrival of arrived) this.#options.onArrival?.(arrival);
    const waits = arrived.map(({ waitedMs }) => waitedMs);
    if (commands > 0) this.#succeeded(commands, clock.monotonic() - started, waits);
  }

  /** What a renderer says after it failed midway may be anything, so the next begins anew. */
  #render(...state: Parameters<Renderer["follow"]>): Rendering {
    try {
      return this.#renderer.follow(...state);
    } catch (thrown) {
      this.#forget();
      throw thrown;
    }
  }

  /** What was rendered so far, so that the next is from scratch. */
  #forget(): void {
    this.#renderer = new Renderer(this.#options.node, this.#options.settings);
    this.#isApplied = false;
  }

  /** What differs; if the kernel will not have it, our picture of its state may be wrong, so everything. How many commands it took. */
  async #apply(changes: Transaction): Promise<number> {
    if (this.#isApplied) {
      if (changes.length === 0) return 0;
      this.#isApplied = false;
      try {
        return await this.#carryOut(changes);
      } catch (thrown) {
        this.#note(thrown);
      }
    }
    const left = this.#mayAdopt ? await this.#adopt() : undefined;
    if (left !== undefined)
      try {
        return await this.#carryOut(diff(left, this.#wanted));
      } catch (thrown) {
        this.#note(thrown);
      }
    return this.#carryOut([...diff(undefined, this.#wanted), ...this.#refill()]);
  }

  /** A table made anew holds nothing that is not rendered: what was revoked is put back with it. */
  #refill(): Transaction {
    return this.#isOpen ? [] : (this.#options.revoker?.refill() ?? []);
  }

  async #carryOut(transaction: Transaction): Promise<number> {
    const { nft, keeper } = this.#options;
    if (touchesBaseChains(transaction)) await keeper?.unsettle();
    const apply = async () => {
      await nft.apply(transaction);
      return true;
    };
    if (transaction.length > 0) await (isReplacement(transaction) ? this.#unheard(apply) : apply());
    [this.#isApplied, this.#isOurs] = [true, true];
    this.#keep();
    return transaction.length;
  }

  #unheard(work: () => Promise<boolean>): Promise<boolean> {
    return this.#options.unheard?.(work) ?? work();
  }

  #keep(): void {
    const { keeper, node } = this.#options;
    keeper?.keep(() => (this.#isApplied ? { node, revision: this.#revision, ruleset: this.#wanted } : undefined));
  }

  /** What an earlier process left in the kernel, if it can be known: then only what differs from it is changed. */
  async #adopt(): Promise<Ruleset | undefined> {
    const { keeper, nft, log, node } = this.#options;
    this.#mayAdopt = false;
    try {
      const kept = (await keeper?.isSettled()) ? await keeper?.load() : undefined;
      const found = kept === undefined ? undefined : await nft.list();
      if (kept === undefined || found === undefined) return undefined;
      const left = adopted(kept.ruleset, found, this.#wanted);
      log.info({ node, known: left !== undefined }, "an earlier run left its rules in force");
      return left;
    } catch (thrown) {
      log.warn({ node, error: messageOf(thrown) }, "what an earlier run left is replaced");
      return undefined;
    }
  }

  get #wanted(): Ruleset {
    return this.#isOpen ? openRuleset : this.#renderer.ruleset;
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

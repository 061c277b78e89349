import type { Clock } from "../core/clock.ts";
import { Condition } from "../core/condition.ts";
import type { Config } from "../core/config.ts";
import { messageOf, SluiceError } from "../core/errors.ts";
import type { Change } from "../core/kube/watch.ts";
import type { Log } from "../core/log.ts";
import {
  type BreakGlass,
  faultOfBreakGlass,
  isOpenOn,
  partedAt,
  withBreakGlass,
  withoutBreakGlass,
} from "../enforcer/break-glass.ts";
import { closedPaths } from "../enforcer/closed-paths.ts";
import { clusterPaths } from "../enforcer/cluster-paths.ts";
import type { EnforcerStatus } from "../enforcer/enforcer.ts";
import { type GuardedPath, parseGuardedPath } from "../enforcer/guarded-path.ts";
import { enforcedPart, type Modes, modesOf } from "../enforcer/modes.ts";
import { PathEnds } from "../enforcer/path-ends.ts";
import {
  nextAt,
  noRollout,
  type Rollout,
  type RolloutEvent,
  revisionInForce,
  revisionOn,
  step,
} from "../enforcer/rollout.ts";
import type { Program } from "../policy/program.ts";
import type { Situation } from "../policy/space/situation.ts";
import type { World } from "../policy/world.ts";
import { ClusterServiceIndex } from "./cluster-services.ts";
import { ControlDesk } from "./control/desk.ts";
import { ControlFolder } from "./control/folder.ts";
import { type HistoryEntry, recordHistory } from "./control/history.ts";
import type { Request } from "./control/messages.ts";
import { readPrograms, readState, writeState } from "./control/state.ts";
import { HeldPrograms } from "./held-programs.ts";
import { together } from "./together.ts";

export interface PolicyRolloutOptions {
  readonly world: World;
  /** Nodes of this process. */
  readonly nodes: readonly string[];
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether it outlasts the process, and takes orders: in the data folder, which is ours by then. */
  readonly isKept: boolean;
  /** Told to people who look on. */
  readonly notice: (sentence: string) => void;
  /** What is to be on record: who decided what, and what happened by itself. */
  readonly onHistory?: (entry: HistoryEntry) => void;
  /** What is in force somewhere is another one. */
  readonly onChange: () => void;
  /** By node; for nodes that enforce. */
  readonly statuses: () => ReadonlyMap<string, EnforcerStatus>;
}

/** What a node is to enforce, and what records say of it. */
export interface NodePolicy {
  readonly program: Program;
  /** Everybody who is there. */
  readonly everybody: Situation["placement"];
  /** Without those who are only observed. */
  readonly enforced: Situation["placement"];
  /** Break-glass: nothing is denied. */
  readonly open: boolean;
}

const lookMs = 1_000;
// How long a node may fail to carry out what it is to try until that is trouble: one failure is followed by another try.
const troubleMs = 3_000;
// Where nobody tries or confirms anything, how long what is in force may wait to be written down.
const calmMs = 5_000;

/**
 * Decides which of the Programs that policies were, are, or are said to be is in force on which node, and for whom: modes, guarded
 * paths, canary nodes, confirmation and break-glass. It outlasts the process by the control folder, and takes orders through it.
 */
export class PolicyRollout {
  readonly #options: PolicyRolloutOptions;
  readonly #folder: ControlFolder;
  readonly #services = new ClusterServiceIndex();
  readonly #paths: readonly GuardedPath[];
  readonly #ends: PathEnds;
  readonly #held: HeldPrograms;
  readonly #changed = new Condition();
  readonly #troubledSince = new Map<string, number>();
  readonly #enforced = new WeakMap<Situation["placement"], { modes: Modes; placement: Situation["placement"] }>();
  #modes: Modes;
  #rollout: Rollout = noRollout;
  #breakGlass: readonly BreakGlass[] = [];
  #isDirty = false;
  #isUrgent = false;
  #writing: Promise<void> = Promise.resolve();
  /** What the policies said last, with who was there then. */
  #offered: Situation | undefined;

  constructor(options: PolicyRolloutOptions) {
    this.#options = options;
    this.#folder = new ControlFolder(options.config.data.folder);
    this.#paths = options.config.enforcer.guardedPaths.map(parseGuardedPath);
    this.#ends = new PathEnds((node) => options.nodes.includes(node));
    this.#held = new HeldPrograms(options.world);
    this.#modes = modesOf(options.config.enforcer);
  }

  get modes(): Modes {
    return this.#modes;
  }

  get rollout(): Rollout {
    return this.#rollout;
  }

  get breakGlass(): readonly BreakGlass[] {
    return this.#breakGlass;
  }

  /** Reads what an earlier process left. What of it is not to be used is left out, and told. */
  async open(): Promise<void> {
    if (!this.#options.isKept) return;
    try {
      await this.#folder.make();
      const state = await readState(this.#folder);
      if (state === undefined) return;
      this.#breakGlass = state.breakGlass;
      this.#useModes();
      for (const one of this.#breakGlass) {
        this.#options.log.error({ node: one.node, until: one.until }, "break-glass is on: policy denies nothing there");
        // Told once more, as the very same record: the process that began it may have been killed before it was stored.
        this.#options.onHistory?.(entryOf(one));
      }
      for (const program of await readPrograms(this.#folder, state.rollout)) this.#held.learn(program);
      this.#rollout = complete(state.rollout, (revision) => this.#held.has(revision));
    } catch (thrown) {
      this.#options.log.error(
        { error: messageOf(thrown) },
        "what an earlier run left in the control folder is not used",
      );
    }
  }

  /** These changes are in the world now. */
  take(changes: readonly Change[]): void {
    const moved = this.#services.update(changes);
    const [before, now] = [this.#offered, this.#current()];
    this.#offered = now;
    const isSame = before?.program === now.program;
    const isHeld = this.#rollout.held?.because === "closes" && (moved || before?.placement !== now.placement);
    if (!isSame || isHeld) this.#offer(now, isSame ? undefined : before);
    this.#held.keep(this.#needed());
    // What is said next is compared with this.
    this.#ends.follow(now.placement.endpoints);
  }

  /** Undefined before there is any program, also while what an earlier run left waits for the first objects. */
  policyOf(node: string | null): NodePolicy | undefined {
    if (this.#offered === undefined) return undefined;
    const { config } = this.#options;
    const revision = node === null ? revisionInForce(this.#rollout) : revisionOn(node, this.#rollout, config.enforcer);
    if (revision === null) return undefined;
    const { program, placement } = this.#held.situation(revision);
    const open = node !== null && isOpenOn(node, this.#breakGlass);
    return { program, everybody: placement, enforced: this.#enforcedPart(placement), open };
  }

  /** As everything staged would have it, for those who are enforced; undefined if nothing is staged. */
  staged(): Situation | undefined {
    const { world } = this.#options;
    const { program, placement } = world.pending();
    return program === world.program() ? undefined : { program, placement: this.#enforcedPart(placement) };
  }

  /** Something that a node does otherwise than it should: what is being tried there is withdrawn. */
  trouble(node: string, what: string): void {
    const revision = revisionOn(node, this.#rollout, this.#options.config.enforcer);
    if (revision !== null) this.#step({ event: "trouble", node, revision, what });
  }

  /** Looks at the time and takes orders until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, isKept } = this.#options;
    const desk = new ControlDesk({ folder: this.#folder, clock, log, handle: (request) => this.#obey(request) });
    await together(signal, [
      (stop) => this.#watchTime(stop),
      ...(isKept ? [(stop: AbortSignal) => desk.run(stop), (stop: AbortSignal) => this.#write(stop)] : []),
    ]);
  }

  async #watchTime(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      this.#lookAtTime();
      const isWaiting = this.#rollout.trial !== null || this.#breakGlass.length > 0;
      await (isWaiting ? this.#options.clock.sleep(lookMs, stop) : this.#changed.wait(stop));
    }
  }

  #lookAtTime(): void {
    const { clock, config } = this.#options;
    const now = clock.now();
    const { on, over } = partedAt(this.#breakGlass, now, config.enforcer.breakGlassMaxMs);
    for (const one of over) this.#endBreakGlass(one, null);
    if (over.length > 0) this.#setBreakGlass(on);
    this.#lookForTrouble(now);
    if (now >= (nextAt(this.#rollout, config.enforcer) ?? Number.POSITIVE_INFINITY)) this.#step({ event: "time" });
  }

  #lookForTrouble(now: number): void {
    const { trial } = this.#rollout;
    for (const [node, { failure, revision }] of this.#options.statuses()) {
      const wanted = revisionOn(node, this.#rollout, this.#options.config.enforcer);
      const isTrying = trial !== null && wanted === trial.revision && revision !== wanted;
      if (!isTrying || failure === null) this.#troubledSince.delete(node);
      else if (!this.#troubledSince.has(node)) this.#troubledSince.set(node, now);
      if (failure !== null && now - (this.#troubledSince.get(node) ?? now) >= troubleMs) this.trouble(node, failure);
    }
  }

  /** What the policies say now, judged by the paths that it would close. */
  #offer(next: Situation, before: Situation | undefined): void {
    const { guard } = this.#options.config.enforcer;
    const { revision } = next.program;
    const good = guard === "off" ? undefined : this.#good(revision, before);
    const closes = good === undefined ? [] : this.#closedBy(good, next);
    if (guard === "warn" && closes.length > 0) this.#alert(`policies ${revision} close ${closes.join("; ")}`);
    this.#step({ event: "offered", revision, closes: guard === "enforce" ? closes : [] });
  }

  /** What is in force, if that is another: where it is what the policies said until now, as it was then, which costs nothing. */
  #good(revision: string, before: Situation | undefined): Situation | undefined {
    const inForce = revisionInForce(this.#rollout);
    if (inForce === null || inForce === revision) return undefined;
    if (before?.program.revision === inForce) return before;
    this.#held.keep(this.#needed());
    return this.#held.situation(inForce);
  }

  #closedBy(good: Situation, next: Situation): readonly string[] {
    this.#ends.follow(good.placement.endpoints);
    const paths = [...clusterPaths(this.#ends.system(), this.#services.services), ...this.#paths];
    const [before, after] = [good, next].map(({ program, placement }) => ({
      program,
      placement: this.#enforcedPart(placement),
    })) as [Situation, Situation];
    return closedPaths(paths, this.#ends, before, after).map(({ sentence }) => sentence);
  }

  #step(event: RolloutEvent): void {
    const { config, clock, notice, log, onChange } = this.#options;
    const before = this.#rollout;
    const { rollout, news } = step(before, event, config.enforcer, clock.now());
    for (const { level, sentence } of news)
      if (level === "alert") this.#alert(sentence);
      else {
        notice(sentence);
        log.info({}, sentence);
      }
    if (rollout === before) return;
    this.#rollout = rollout;
    const { program } = this.#current();
    if (this.#needed().includes(program.revision)) this.#held.learn(program);
    this.#held.keep(this.#needed());
    this.#noteHistory(before, rollout);
    this.#dirty(before.trial !== null || rollout.trial !== null || rollout.held !== null);
    onChange();
  }

  #noteHistory(before: Rollout, after: Rollout): void {
    if (after.held === null || after.held === before.held) return;
    const { revision, because, details } = after.held;
    const what = because === "closes" ? "held" : "withdrawn";
    this.#record({ what, by: null, node: null, revision, text: details.join("; ") });
  }

  #needed(): readonly string[] {
    const { confirmed, trial } = this.#rollout;
    return [confirmed, trial?.revision ?? null].filter((revision) => revision !== null);
  }

  #current(): Situation {
    const { world } = this.#options;
    return { program: world.program(), placement: world.placement() };
  }

  #enforcedPart(placement: Situation["placement"]): Situation["placement"] {
    const { mode, observedNodes, observedNamespaces } = this.#options.config.enforcer;
    const everybody =
      mode === "enforce" && observedNodes.length + observedNamespaces.length + this.#breakGlass.length === 0;
    if (everybody) return placement;
    const known = this.#enforced.get(placement);
    if (known?.modes === this.#modes) return known.placement;
    const made = enforcedPart(placement, this.#modes);
    this.#enforced.set(placement, { modes: this.#modes, placement: made });
    return made;
  }

  /** What was done is on disk before it is said to be. */
  async #obey(request: Request): Promise<string> {
    const text = this.#handle(request);
    await this.#writeNow();
    return text;
  }

  #handle({ order, by }: Request): string {
    switch (order.do) {
      case "break-glass":
        return this.#beginBreakGlass(order, by);
      case "end-break-glass": {
        const { on, over } = withoutBreakGlass(this.#breakGlass, order.node);
        if (over.length === 0) throw refused(`break-glass is not on ${where(order.node)}`);
        for (const one of over) this.#endBreakGlass(one, by);
        this.#setBreakGlass(on);
        return `break-glass is over ${over.map(({ node }) => where(node)).join(" and ")}`;
      }
      case "confirm":
        return this.#confirm(order.revision, by);
      case "accept":
        return this.#accept(order.revision, by);
    }
  }

  #beginBreakGlass({ reason, forMs, node }: Extract<Request["order"], { do: "break-glass" }>, by: string): string {
    const { clock, config, nodes } = this.#options;
    if (node !== null && !nodes.includes(node))
      throw refused(`this process has no node ${node}, but ${nodes.join(", ")}`);
    const from = clock.now();
    const one: BreakGlass = { reason: reason.trim(), node, from, until: from + forMs, by };
    const fault = faultOfBreakGlass(one, config.enforcer.breakGlassMaxMs);
    if (fault !== undefined) throw refused(fault);
    const sentence = `break-glass ${where(node)} for ${seconds(forMs)}, by ${by}: ${one.reason}`;
    this.#record(entryOf(one));
    this.#setBreakGlass(withBreakGlass(this.#breakGlass, one));
    this.#alert(`${sentence}; policy denies nothing there`);
    return sentence;
  }

  #endBreakGlass({ node, reason }: BreakGlass, by: string | null): void {
    this.#record({ what: "break-glass over", by, node, revision: null, text: reason });
    this.#alert(`break-glass is over ${where(node)}, policy is enforced again`);
  }

  #setBreakGlass(all: readonly BreakGlass[]): void {
    this.#breakGlass = all;
    this.#useModes();
    this.#dirty(true);
    this.#options.onChange();
  }

  #useModes(): void {
    this.#modes = modesOf(this.#options.config.enforcer, (node) => isOpenOn(node, this.#breakGlass));
  }

  #confirm(asked: string | null, by: string): string {
    const { trial, confirmed } = this.#rollout;
    const revision = trial?.revision;
    if (revision === undefined) throw refused(`nothing waits to be confirmed; in force is ${confirmed ?? "nothing"}`);
    if (asked !== null && asked !== revision) throw refused(`not ${asked} waits to be confirmed, but ${revision}`);
    this.#record({ what: "confirmed", by, node: null, revision, text: "" });
    this.#step({ event: "confirmed", revision });
    return `policies ${revision} are confirmed`;
  }

  #accept(revision: string, by: string): string {
    const { held } = this.#rollout;
    if (held?.revision !== revision) {
      const waiting = held === null ? "nothing is" : `${held.revision} is`;
      throw refused(`${revision} is not held back, ${waiting}`);
    }
    this.#record({ what: "accepted", by, node: null, revision, text: held.details.join("; ") });
    this.#alert(`policies ${revision} are accepted by ${by}, though ${held.details.join("; ")}`);
    this.#step({ event: "accepted", revision });
    return `policies ${revision} are accepted`;
  }

  #alert(sentence: string): void {
    this.#options.log.error({ alert: true }, sentence);
    this.#options.notice(`ALERT: ${sentence}`);
  }

  #record(told: Omit<HistoryEntry, "at"> & { readonly at?: number }): void {
    const { clock, log, isKept, onHistory } = this.#options;
    const entry: HistoryEntry = { at: clock.now(), ...told };
    onHistory?.(entry);
    if (!isKept) return;
    recordHistory(this.#folder, entry).catch((thrown: unknown) =>
      log.error({ error: messageOf(thrown) }, "the control folder's history cannot be written"),
    );
  }

  #dirty(isUrgent: boolean): void {
    this.#isDirty = true;
    this.#isUrgent ||= isUrgent;
    this.#changed.changed();
  }

  async #write(stop: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!stop.aborted) {
      if (!this.#isDirty) await this.#changed.wait(stop);
      const calm = clock.monotonic() + calmMs;
      while (!this.#isUrgent && clock.monotonic() < calm && !stop.aborted)
        await Promise.race([clock.sleep(calmMs / 10, stop), this.#changed.wait(stop)]);
      await this.#writeNow().catch((thrown: unknown) =>
        log.error({ error: messageOf(thrown) }, "the state of the rollout is not kept: a restart knows nothing of it"),
      );
    }
  }

  #writeNow(): Promise<void> {
    const writing = this.#writing.then(async () => {
      if (!this.#isDirty) return;
      [this.#isDirty, this.#isUrgent] = [false, false];
      await writeState(this.#folder, { rollout: this.#rollout, breakGlass: this.#breakGlass }, this.#held.programs);
    });
    this.#writing = writing.catch(() => {});
    return writing;
  }
}

/** Without what names a Program that is not there. */
function complete(rollout: Rollout, has: (revision: string) => boolean): Rollout {
  const { confirmed, trial, held } = rollout;
  if (confirmed === null || !has(confirmed)) return noRollout;
  return { confirmed, trial: trial !== null && has(trial.revision) ? trial : null, held };
}

function entryOf({ from, by, node, reason }: BreakGlass): HistoryEntry {
  return { at: from, what: "break-glass", by, node, revision: null, text: reason };
}

const where = (node: string | null): string => (node === null ? "everywhere" : `on ${node}`);
const seconds = (ms: number): string => (ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1000} s`);

function refused(why: string): SluiceError {
  return new SluiceError("CONTROL_UNANSWERED", why);
}

import type { Address } from "../core/address.ts";
import type { Clock } from "../core/clock.ts";
import type { KubeObject } from "../core/kube/objects.ts";
import type { Change } from "../core/kube/watch.ts";
import type { EndpointTenure } from "../core/records/endpoint.ts";
import type { FlowEndpoint } from "../core/records/flow.ts";
import {
  addVersion,
  type Holder,
  isAnother,
  nodeHolder,
  nodeVersion,
  podHolder,
  podVersion,
  versionAt,
} from "./holder.ts";
import { type NodeFacts, nodeFactsOf } from "./node-facts.ts";
import { type PodFacts, podFactsOf } from "./pod-facts.ts";
import { holdersOf } from "./remembered.ts";
import { SoleOwners } from "./sole-owners.ts";
import { beginning, holderAt, lastEnd, surelyAt, type Tenure } from "./tenure.ts";
import { Workloads } from "./workload.ts";

export interface OwnersOptions {
  readonly clock: Clock;
  /** How long an address that was given up still resolves for flows of that time. */
  readonly keepMs?: number;
  /** How many of those tenures are kept at most; the oldest go first. */
  readonly keepAtMost?: number;
}

/** A tenure that began or ended, or whose holder is described otherwise, and how it stands now. Times in microseconds. */
export interface TenureState {
  readonly address: Address;
  readonly endpoint: FlowEndpoint;
  /** When the holder became as described; minus infinity: it always was. */
  readonly describedFrom: number;
  readonly from: number;
  /** Infinity while it lasts. */
  readonly until: number;
}

interface Ended {
  readonly address: Address;
  readonly tenure: Tenure<Holder>;
  /** When we saw it end, microseconds. */
  readonly seen: number;
}

/**
 * A pod whose object names no time of start had its address for about this long when we first see it: watching and writing
 * status take that time.
 */
const latenessUs = 10_000_000;

/**
 * Who had which address from when to when, told by Pod and Node objects. Everything is in memory and bounded: the live objects,
 * and what ended within `keepMs`.
 */
export class Owners {
  readonly #clock: Clock;
  readonly #keepUs: number;
  readonly #keepAtMost: number;
  readonly #workloads = new Workloads();
  readonly #holders = new Map<string, Holder>();
  readonly #tenures = new Map<Address, Tenure<Holder>[]>();
  /** In the order in which they ended. */
  #ended: Ended[] = [];
  #forgotten = 0;
  /** Tenures to tell of, in the order in which something happened to them. */
  #touched = new Map<Tenure<Holder>, Address>();
  readonly #sole = new SoleOwners();
  /** Until when an earlier process watched, if there was one that remembers. */
  #watchedUntil = Number.NEGATIVE_INFINITY;
  #synced = false;
  #unreadable = 0;

  constructor({ clock, keepMs = 600_000, keepAtMost = 100_000 }: OwnersOptions) {
    this.#clock = clock;
    this.#keepUs = keepMs * 1000;
    this.#keepAtMost = keepAtMost;
  }

  /** How many addresses in objects could not be read so far. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /**
   * Takes over what an earlier process told, before the first `update`. Who is met again is the same holder; who is not by the time
   * all objects are told vanished at an unknown moment since `watchedUntil` (microseconds).
   */
  remember(records: readonly EndpointTenure[], watchedUntil: number): void {
    this.#watchedUntil = watchedUntil;
    for (const { key, holder, past } of holdersOf(records, this.#seen() - this.#keepUs, watchedUntil)) {
      for (const [address, tenure] of [...holder.tenures, ...past])
        this.#tenures.set(address, [...(this.#tenures.get(address) ?? []), tenure]);
      for (const [address, tenure] of past) this.#ended.push({ address, tenure, seen: tenure.until });
      if (holder.tenures.size === 0) continue;
      // Two of one name are still there only if the end of one was not told any more.
      this.#endOthers(this.#holders.get(key), [], null);
      this.#holders.set(key, holder);
    }
    this.#ended.sort((a, b) => a.seen - b.seen);
  }

  /**
   * Takes in changes of objects that belong together; those of other kinds than it knows are passed over. Gives back the tenures
   * that are not any more as they were; guesses are left out.
   */
  update(changes: readonly Change[]): readonly TenureState[] {
    if (this.#workloads.update(changes)) this.#touchUndecided();
    // Deletions first: an address that changes hands within a batch is given up before it is taken.
    const last = new Map(changes.map((change) => [change.type === "synced" ? "" : keyOf(change.object), change]));
    for (const change of changes) if (change.type === "delete") this.#remove(change.object);
    for (const change of changes) {
      if (change.type === "synced") this.#sync();
      else if (change.type === "upsert" && last.get(keyOf(change.object))?.type === "upsert") this.#take(change.object);
    }
    this.#forget();
    return this.#takeTouched();
  }

  /**
   * The pod or node that had the address at a moment (microseconds), with the labels it had then. `seenBy` is the node that
   * saw the packet. How overlaps are decided is said in tenure.ts.
   */
  ownerOf(address: Address, at: number, seenBy: string): FlowEndpoint | undefined {
    this.#forget();
    const sole = this.#sole.at(address, at);
    if (sole !== undefined) return sole;
    if (isLoopback(address)) return this.#endpointOf(this.#holders.get(`Node//${seenBy}`), at);
    const tenures = this.#tenures.get(address);
    if (tenures === undefined) return undefined;
    const tenure = holderAt(tenures, at, seenBy);
    const endpoint = this.#endpointOf(tenure?.holder, at);
    if (tenures.length === 1 && tenure !== undefined && endpoint !== undefined) this.#learn(address, tenure, endpoint);
    return endpoint;
  }

  /** A workload that is guessed holds until controllers change, of which all are told who wait for one (`#touchUndecided`). */
  #learn(address: Address, { holder, from, until }: Tenure<Holder>, endpoint: FlowEndpoint): void {
    const isLasting = until === Number.POSITIVE_INFINITY && holder.versions.length === 1;
    if (isLasting) this.#sole.learn(address, from, endpoint);
  }

  /** Whether `ownerOf` is sure: waiting for more objects would not give another answer. */
  isSettled(address: Address, at: number, seenBy: string): boolean {
    const tenures = this.#tenures.get(address);
    const tenure = tenures && surelyAt(tenures, at, seenBy);
    // Who must be gone by then is probably gone, and somebody else has the address.
    return tenure !== undefined && (tenure.holder.dueAt ?? Number.POSITIVE_INFINITY) > at;
  }

  /** Whether anybody is remembered to have had the address. */
  knows(address: Address): boolean {
    return this.#tenures.has(address);
  }

  #take(object: KubeObject): void {
    if (object.kind === "Pod") this.#takePod(keyOf(object), podFactsOf(object));
    else if (object.kind === "Node") this.#takeNode(keyOf(object), nodeFactsOf(object));
  }

  #takePod(key: string, pod: PodFacts): void {
    const seen = this.#seen();
    const workload = this.#workloads.of(pod);
    const known = this.#current(key, pod.uid, pod.startedAt, pod.node);
    const holder = known ?? podHolder(pod, workload);
    this.#holders.set(key, holder);
    if (addVersion(holder, podVersion(pod, workload, seen), seen - this.#keepUs)) this.#touch(holder);
    holder.dueAt = pod.dueAt;
    // The start of the pod says nothing about an address that it has got since.
    const stated = holder.tenures.size === 0 ? pod.startedAt : null;
    this.#endOthers(holder, pod.addresses, pod.finishedAt);
    this.#meetAgain(holder, pod.startedAt);
    for (const address of pod.addresses) this.#begin(holder, address, stated, false);
    this.#unreadable += known === undefined ? pod.unreadable : 0;
  }

  #takeNode(key: string, node: NodeFacts): void {
    const known = this.#current(key, node.uid, node.createdAt, node.name);
    const holder = known ?? nodeHolder(node);
    this.#holders.set(key, holder);
    const seen = this.#seen();
    if (addVersion(holder, nodeVersion(node, seen), seen - this.#keepUs)) this.#touch(holder);
    const stated = holder.tenures.size === 0 ? node.createdAt : null;
    this.#endOthers(holder, [...node.addresses, ...node.gateways], null);
    this.#meetAgain(holder, node.createdAt);
    for (const address of node.addresses) this.#begin(holder, address, stated, false);
    for (const address of node.gateways) this.#begin(holder, address, stated, true);
    this.#unreadable += known === undefined ? node.unreadable : 0;
  }

  /** The holder of that name, unless the object is another one by now. */
  #current(key: string, uid: string | null, startedAt: number | null, node: string | null): Holder | undefined {
    const holder = this.#holders.get(key);
    if (holder === undefined || !isAnother(holder, uid, startedAt, node)) return holder;
    this.#endOthers(holder, [], null);
    return undefined;
  }

  #remove(object: KubeObject): void {
    const key = keyOf(object);
    const holder = this.#holders.get(key);
    if (holder === undefined) return;
    const uid = object.metadata.uid;
    if (uid !== undefined && holder.uid !== null && uid !== holder.uid) return;
    this.#endOthers(holder, [], object.kind === "Pod" ? podFactsOf(object).finishedAt : null);
    this.#holders.delete(key);
  }

  #begin(holder: Holder, address: Address, stated: number | null, weak: boolean): void {
    if (holder.tenures.has(address)) return;
    const tenures = this.#tenures.get(address) ?? [];
    const seen = this.#seen();
    // A start in the future is a manifest's fiction.
    const isStated = stated !== null && stated <= seen;
    const from = isStated
      ? beginning(tenures, stated, seen)
      : Math.max(this.#presumedStart(tenures), lastEnd(tenures, seen));
    for (const earlier of tenures)
      if (!earlier.weak && earlier.until <= seen) earlier.until = Math.max(earlier.from, Math.min(earlier.until, from));
    const tenure = { holder, node: holder.node, from, until: Number.POSITIVE_INFINITY, weak };
    holder.tenures.set(address, tenure);
    this.#tenures.set(address, [...tenures, tenure]);
    this.#note(tenure, address);
  }

  /**
   * What an earlier process remembered is there. Of a holder that was relabelled long ago only the time since then was kept,
   * yet it had its addresses before.
   */
  #meetAgain(holder: Holder, startedAt: number | null): void {
    if (holder.lastSeen === null) return;
    holder.lastSeen = null;
    if (startedAt === null) return;
    for (const [address, tenure] of holder.tenures) {
      const others = (this.#tenures.get(address) ?? []).filter((other) => other !== tenure);
      tenure.from = Math.min(tenure.from, beginning(others, startedAt, this.#seen()));
    }
  }

  /** All that exists was told: who was remembered and not met again is gone. */
  #sync(): void {
    this.#synced = true;
    for (const [key, holder] of this.#holders) {
      if (holder.lastSeen === null) continue;
      this.#endOthers(holder, [], null);
      this.#holders.delete(key);
    }
  }

  /**
   * Objects of the first listing may be of any age, unless an earlier process watched and did not see them; what comes later is
   * new, or takes the address from somebody just now.
   */
  #presumedStart(tenures: readonly Tenure<Holder>[]): number {
    const seen = this.#seen();
    const taken = tenures.some(({ weak, until }) => !weak && until > seen);
    if (taken) return seen;
    return this.#synced ? seen - latenessUs : this.#watchedUntil;
  }

  /** Ends the tenures of all addresses but these. `finished`: when the pod's containers had ended, if it says. */
  #endOthers(holder: Holder | undefined, kept: readonly Address[], finished: number | null): void {
    if (holder === undefined) return;
    const seen = this.#seen();
    for (const [address, tenure] of holder.tenures) {
      if (kept.includes(address)) continue;
      tenure.until = Math.max(tenure.from, Math.min(holder.lastSeen ?? seen, finished ?? seen));
      if (holder.lastSeen !== null) tenure.perhapsUntil = seen;
      holder.tenures.delete(address);
      this.#ended.push({ address, tenure, seen });
      this.#note(tenure, address);
    }
  }

  #touch(holder: Holder): void {
    for (const [address, tenure] of holder.tenures) this.#note(tenure, address);
  }

  #note(tenure: Tenure<Holder>, address: Address): void {
    this.#touched.set(tenure, address);
    this.#sole.forget(address);
  }

  /** A controller that became known may tell the workload of pods that waited for it. */
  #touchUndecided(): void {
    for (const holder of this.#holders.values()) if (holder.versions.at(-1)?.undecided) this.#touch(holder);
  }

  #takeTouched(): readonly TenureState[] {
    const touched = this.#touched;
    this.#touched = new Map();
    return [...touched].filter(([{ weak }]) => !weak).map(([tenure, address]) => this.#stateOf(tenure, address));
  }

  #stateOf({ holder, from, until }: Tenure<Holder>, address: Address): TenureState {
    // Who ended is told as it was then.
    const at = Math.max(from, Math.min(until, this.#seen()));
    const endpoint = this.#endpointOf(holder, at) as FlowEndpoint;
    return { address, endpoint, describedFrom: holder.versions[versionAt(holder, at)]?.from ?? from, from, until };
  }

  #endpointOf(holder: Holder | undefined, at: number): FlowEndpoint | undefined {
    if (holder === undefined) return undefined;
    const index = versionAt(holder, at);
    const version = holder.versions[index];
    if (version === undefined || version.undecided === null) return version?.endpoint;
    if (version.guessedAt === this.#workloads.version) return version.endpoint;
    const { kind, name, final } = this.#workloads.of(version.undecided);
    const isAsGuessed = version.endpoint.workloadKind === kind && version.endpoint.workload === name;
    const endpoint = isAsGuessed ? version.endpoint : { ...version.endpoint, workloadKind: kind, workload: name };
    const { undecided } = version;
    const guessedAt = this.#workloads.version;
    holder.versions[index] = { from: version.from, endpoint, undecided: final ? null : undecided, guessedAt };
    return endpoint;
  }

  #forget(): void {
    if (this.#ended.length === this.#forgotten) return;
    const horizon = this.#seen() - this.#keepUs;
    for (;;) {
      const oldest = this.#ended[this.#forgotten];
      if (oldest === undefined) break;
      if (oldest.seen > horizon && this.#ended.length - this.#forgotten <= this.#keepAtMost) break;
      this.#drop(oldest);
      this.#forgotten++;
    }
    // Cut the list now and then only, so that forgetting one costs no copy of all.
    if (this.#forgotten * 2 <= this.#ended.length) return;
    this.#ended = this.#ended.slice(this.#forgotten);
    this.#forgotten = 0;
  }

  #drop({ address, tenure }: Ended): void {
    const left = (this.#tenures.get(address) ?? []).filter((other) => other !== tenure);
    if (left.length === 0) this.#tenures.delete(address);
    else this.#tenures.set(address, left);
  }

  #seen(): number {
    return this.#clock.now() * 1000;
  }
}

function keyOf({ kind, metadata }: KubeObject): string {
  return `${kind}/${kind === "Pod" ? (metadata.namespace ?? "default") : ""}/${metadata.name}`;
}

function isLoopback(address: Address): boolean {
  return address.startsWith("127.") || address === "::1";
}

import type { Address } from "../core/address.ts";
import type { Clock } from "../core/clock.ts";
import type { KubeObject } from "../core/kube/objects.ts";
import type { Change } from "../core/kube/watch.ts";
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
import { beginning, holderAt, surelyAt, type Tenure } from "./tenure.ts";
import { Workloads } from "./workload.ts";

export interface OwnersOptions {
  readonly clock: Clock;
  /** How long an address that was given up still resolves for flows of that time. */
  readonly keepMs?: number;
  /** How many of those tenures are kept at most; the oldest go first. */
  readonly keepAtMost?: number;
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

  /** Takes in changes of objects that belong together; those of other kinds than it knows are passed over. */
  update(changes: readonly Change[]): void {
    this.#workloads.update(changes);
    // Deletions first: an address that changes hands within a batch is given up before it is taken.
    const last = new Map(changes.map((change) => [change.type === "synced" ? "" : keyOf(change.object), change]));
    for (const change of changes) if (change.type === "delete") this.#remove(change.object);
    for (const change of changes) {
      if (change.type === "synced") this.#synced = true;
      else if (change.type === "upsert" && last.get(keyOf(change.object))?.type === "upsert") this.#take(change.object);
    }
    this.#forget();
  }

  /**
   * The pod or node that had the address at a moment (microseconds), with the labels it had then. `seenBy` is the node that
   * saw the packet. How overlaps are decided is said in tenure.ts.
   */
  ownerOf(address: Address, at: number, seenBy: string): FlowEndpoint | undefined {
    this.#forget();
    if (isLoopback(address)) return this.#endpointOf(this.#holders.get(`Node//${seenBy}`), at);
    const tenures = this.#tenures.get(address);
    return tenures && this.#endpointOf(holderAt(tenures, at, seenBy)?.holder, at);
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
    addVersion(holder, podVersion(pod, workload, seen), seen - this.#keepUs);
    holder.dueAt = pod.dueAt;
    // The start of the pod says nothing about an address that it has got since.
    const stated = holder.tenures.size === 0 ? pod.startedAt : null;
    this.#endOthers(holder, pod.addresses, pod.finishedAt);
    for (const address of pod.addresses) this.#begin(holder, address, stated, false);
    this.#unreadable += known === undefined ? pod.unreadable : 0;
  }

  #takeNode(key: string, node: NodeFacts): void {
    const known = this.#current(key, node.uid, node.createdAt, node.name);
    const holder = known ?? nodeHolder(node);
    this.#holders.set(key, holder);
    const seen = this.#seen();
    addVersion(holder, nodeVersion(node, seen), seen - this.#keepUs);
    const stated = holder.tenures.size === 0 ? node.createdAt : null;
    this.#endOthers(holder, [...node.addresses, ...node.gateways], null);
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
    const start = stated !== null && stated <= seen ? stated : this.#presumedStart(tenures);
    const from = beginning(tenures, start, seen);
    for (const earlier of tenures)
      if (!earlier.weak && earlier.until <= seen) earlier.until = Math.max(earlier.from, Math.min(earlier.until, from));
    const tenure = { holder, node: holder.node, from, until: Number.POSITIVE_INFINITY, weak };
    holder.tenures.set(address, tenure);
    this.#tenures.set(address, [...tenures, tenure]);
  }

  /** Objects of the first listing may be of any age; what comes later is new, or takes the address from somebody just now. */
  #presumedStart(tenures: readonly Tenure<Holder>[]): number {
    const seen = this.#seen();
    const taken = tenures.some(({ weak, until }) => !weak && until > seen);
    if (taken) return seen;
    return this.#synced ? seen - latenessUs : Number.NEGATIVE_INFINITY;
  }

  /** Ends the tenures of all addresses but these. `finished`: when the pod's containers had ended, if it says. */
  #endOthers(holder: Holder, kept: readonly Address[], finished: number | null): void {
    const seen = this.#seen();
    for (const [address, tenure] of holder.tenures) {
      if (kept.includes(address)) continue;
      tenure.until = Math.max(tenure.from, Math.min(seen, finished ?? seen));
      holder.tenures.delete(address);
      this.#ended.push({ address, tenure, seen });
    }
  }

  #endpointOf(holder: Holder | undefined, at: number): FlowEndpoint | undefined {
    if (holder === undefined) return undefined;
    const index = versionAt(holder, at);
    const version = holder.versions[index];
    if (version === undefined || version.undecided === null) return version?.endpoint;
    const { kind, name, final } = this.#workloads.of(version.undecided);
    const endpoint = { ...version.endpoint, workloadKind: kind, workload: name };
    if (final) holder.versions[index] = { from: version.from, endpoint, undecided: null };
    return endpoint;
  }

  #forget(): void {
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

import type { Address } from "../core/address.ts";
import type { FlowEndpoint } from "../core/records/flow.ts";
import type { NodeFacts } from "./node-facts.ts";
import type { PodFacts } from "./pod-facts.ts";
import type { Tenure } from "./tenure.ts";
import type { Controlled, Workload } from "./workload.ts";

/** One pod or node over its life: what it was called and labelled from when on, and the addresses it has now. */
export interface Holder {
  readonly uid: string | null;
  readonly node: string | null;
  /** When it came to be, where its object says so; tells two pods of one name apart. */
  readonly startedAt: number | null;
  /** When it must be gone at the latest; null while nobody asked for its deletion. */
  dueAt: number | null;
  /** Of one that an earlier process met and this one has not yet: until when it was surely there. */
  lastSeen: number | null;
  /** Oldest first; never empty. */
  readonly versions: Version[];
  /** Its current tenures. */
  readonly tenures: Map<Address, Tenure<Holder>>;
}

/** What was true of a holder from a moment on (microseconds). */
export interface Version {
  readonly from: number;
  readonly endpoint: FlowEndpoint;
  /** The pod, as long as its workload may become known better. */
  readonly undecided: Controlled | null;
  /** The version of the controllers by which its workload was guessed last. */
  readonly guessedAt?: number;
}

/** A label that flaps must not fill the memory. */
const versionsKept = 64;

export function podHolder(pod: PodFacts, workload: Workload): Holder {
  return newHolder(pod.uid, pod.node, pod.startedAt, podVersion(pod, workload, Number.NEGATIVE_INFINITY), pod.dueAt);
}

export function nodeHolder(node: NodeFacts): Holder {
  return newHolder(node.uid, node.name, node.createdAt, nodeVersion(node, Number.NEGATIVE_INFINITY), null);
}

export function podVersion(pod: PodFacts, workload: Workload, from: number): Version {
  const { namespace, name, uid, node, labels } = pod;
  const identity = { kind: "pod", namespace, name, uid, node, labels } as const;
  const endpoint = { ...identity, workloadKind: workload.kind, workload: workload.name };
  return { from, endpoint, undecided: workload.final ? null : pod };
}

export function nodeVersion(node: NodeFacts, from: number): Version {
  const { name, uid, labels } = node;
  const nothing = { namespace: null, workloadKind: null, workload: null };
  return { from, endpoint: { kind: "node", name, uid, node: name, labels, ...nothing }, undecided: null };
}

/** Whether an object of the same name is another one: deleted and made again while we did not look. */
export function isAnother(holder: Holder, uid: string | null, startedAt: number | null, node: string | null): boolean {
  if (holder.uid !== null && uid !== null) return holder.uid !== uid;
  if (holder.lastSeen !== null && startedAt !== null && startedAt > holder.lastSeen) return true;
  if (holder.startedAt !== null && startedAt !== null && holder.startedAt !== startedAt) return true;
  return holder.node !== null && node !== holder.node;
}

/** Notes a version that differs from the last, and says whether it does; forgets those that ended before `horizon`. */
export function addVersion(holder: Holder, version: Version, horizon: number): boolean {
  const { versions } = holder;
  if (saysNothingNew(versions.at(-1) as Version, version)) return false;
  versions.push(version);
  while (versions.length > 2 && (versions.length > versionsKept || (versions[1] as Version).from < horizon))
    versions.shift();
  return true;
}

/** The version of a moment; the oldest that is remembered for moments before it. */
export function versionAt(holder: Holder, at: number): number {
  const { versions } = holder;
  for (let i = versions.length - 1; i > 0; i--) if ((versions[i] as Version).from <= at) return i;
  return 0;
}

function newHolder(
  uid: string | null,
  node: string | null,
  startedAt: number | null,
  version: Version,
  dueAt: number | null,
): Holder {
  return { uid, node, startedAt, dueAt, lastSeen: null, versions: [version], tenures: new Map() };
}

/** A guess at the workload says nothing new to who knows it, e.g. from an earlier process. */
function saysNothingNew(known: Version, version: Version): boolean {
  const [a, b] = [known.endpoint, version.endpoint];
  const guessed = known.undecided === null && version.undecided !== null;
  const sameWorkload = a.workload === b.workload && a.workloadKind === b.workloadKind;
  return (sameWorkload || guessed) && textOf(a) === textOf(b);
}

// Labels come sorted from fields.ts.
const textOf = ({ uid, node, labels }: FlowEndpoint) => JSON.stringify([uid, node, labels]);

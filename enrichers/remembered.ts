import type { Address } from "../core/address.ts";
import type { EndpointTenure } from "../core/records/endpoint.ts";
import type { FlowEndpoint } from "../core/records/flow.ts";
import type { Holder, Version } from "./holder.ts";
import type { Tenure } from "./tenure.ts";

/** A holder as an earlier process told of it. */
export interface RememberedHolder {
  /** As owners.ts names objects. */
  readonly key: string;
  /** With the tenures that had no end when the process ended. */
  readonly holder: Holder;
  /** Those that ended. */
  readonly past: readonly (readonly [Address, Tenure<Holder>])[];
}

/** The names of one holder in records: two pods of one name are two holders. */
export function identityOf({
  kind,
  namespace,
  name,
  uid,
}: Pick<EndpointTenure, "kind" | "namespace" | "name" | "uid">) {
  return `${kind}/${namespace ?? ""}/${name}/${uid ?? ""}`;
}

/**
 * The reverse of history.ts: holders with their versions and tenures from records in any order, of which several may tell of one
 * stretch. What ended before `horizon` is left out. Times in microseconds.
 */
export function holdersOf(
  records: readonly EndpointTenure[],
  horizon: number,
  watchedUntil: number,
): readonly RememberedHolder[] {
  const recent = newest(records).filter(({ end }) => end === null || end > horizon);
  return [...Map.groupBy(recent, identityOf).values()].map((stretches) => holderOf(stretches, watchedUntil));
}

/** What was told last of each stretch, in order of time. */
function newest(records: readonly EndpointTenure[]): readonly EndpointTenure[] {
  const told = records.toSorted((a, b) => a.toldAt - b.toldAt);
  const last = new Map(told.map((record) => [`${record.address} ${record.start} ${identityOf(record)}`, record]));
  return [...last.values()].sort((a, b) => a.start - b.start);
}

function holderOf(stretches: readonly EndpointTenure[], watchedUntil: number): RememberedHolder {
  const ordered = stretches.toSorted(byEnd);
  const latest = ordered.at(-1) as EndpointTenure;
  const holder: Holder = {
    uid: latest.uid,
    node: latest.node,
    startedAt: null,
    dueAt: null,
    lastSeen: watchedUntil,
    versions: versionsOf(ordered),
    tenures: new Map(),
  };
  const past: [Address, Tenure<Holder>][] = [];
  for (const [address, ofAddress] of Map.groupBy(stretches, (stretch) => stretch.address))
    for (const tenure of tenuresOf(holder, ofAddress))
      if (tenure.until === Number.POSITIVE_INFINITY) holder.tenures.set(address, tenure);
      else past.push([address, tenure]);
  return { key: keyOf(latest), holder, past };
}

/** What lasts comes last, whenever it began: of an address that came later the start may be a guess, before labels that were older. */
function byEnd(a: EndpointTenure, b: EndpointTenure): number {
  if (a.end === b.end) return a.start - b.start;
  return (a.end ?? Number.POSITIVE_INFINITY) - (b.end ?? Number.POSITIVE_INFINITY);
}

/** One after the other, by end; the first holds for all time before as well. */
function versionsOf(stretches: readonly EndpointTenure[]): Version[] {
  const versions: Version[] = [];
  for (const [index, stretch] of stretches.entries()) {
    const before = stretches[index - 1];
    const from = before === undefined ? Number.NEGATIVE_INFINITY : Math.max(stretch.start, before.end ?? before.start);
    const version = { from, endpoint: endpointOf(stretch), undecided: null };
    // Each address of a holder tells of the same change.
    const same = versions.at(-1)?.from === from || isEqual(versions.at(-1)?.endpoint, version.endpoint);
    if (!same) versions.push(version);
  }
  return versions;
}

/** Stretches that follow each other without a gap are one tenure, with other labels. */
function tenuresOf(holder: Holder, stretches: readonly EndpointTenure[]): readonly Tenure<Holder>[] {
  const tenures: Tenure<Holder>[] = [];
  for (const { start, end, toldAt, node } of stretches) {
    const from = start === 0 ? Number.NEGATIVE_INFINITY : start;
    const until = end ?? Number.POSITIVE_INFINITY;
    const open = tenures.at(-1);
    const perhaps = end === null ? {} : { perhapsUntil: Math.max(end, toldAt) };
    if (open?.until === start) Object.assign(open, { until, ...perhaps });
    else tenures.push({ holder, node, from, until, weak: false, ...perhaps });
  }
  return tenures;
}

function endpointOf({
  kind,
  namespace,
  name,
  uid,
  node,
  workloadKind,
  workload,
  labels,
}: EndpointTenure): FlowEndpoint {
  return { kind, namespace, name, uid, node, workloadKind, workload, labels: sorted(labels) };
}

/** As fields.ts sorts them: a store keeps no order. */
function sorted(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isEqual(a: FlowEndpoint | undefined, b: FlowEndpoint): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function keyOf({ kind, namespace, name }: EndpointTenure): string {
  return kind === "pod" ? `Pod/${namespace ?? "default"}/${name}` : `Node//${name}`;
}

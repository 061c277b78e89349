import type { Address } from "../../core/address.ts";
import { type EndReason, endReasons, type Flow, type FlowEndpoint, type FlowService } from "../../core/records/flow.ts";
import { aggregatedName } from "./aggregated-name.ts";

// How flows are merged for people who look at them in bulk. The archive keeps every one. Levels mean what Calico means by them
// (flowLogsFileAggregationKindForAllowed, flowLogsFileAggregationKindForDenied): each loses what those below it lose, and
//
//   0  nothing
//   1  the source's port
//   2  both addresses, and of pods' names what tells them apart: `web-6c7d8f9b5c-*`
//   3  the destination's port and the Service's; of ICMP its type and code
//
// Never merged: node, window, action, reporter, protocol, kinds and namespaces of both ends, Service, policies, and what else says who
// decided and how.
export type Level = 0 | 1 | 2 | 3;

export interface Levels {
  readonly allowed: Level;
  /** Of flows with a denial anywhere on their path, also one that is only staged. */
  readonly denied: Level;
}

/** One end of a group. */
export interface AggregatedEnd {
  readonly kind: FlowEndpoint["kind"] | null;
  /** Null from level 2 on. */
  readonly address: Address | null;
  /** Null where it is lost. */
  readonly port: number | null;
  readonly namespace: string | null;
  /** Null from level 2 on. */
  readonly name: string | null;
  readonly nameAggregated: string;
  /** Those that all have. */
  readonly labels: Readonly<Record<string, string>>;
}

/** What is the same in all flows of a group. */
const common = [
  ...(["cluster", "node", "action", "reporter", "authoritative", "protocol", "denied", "reason"] as const),
  ...(["mode", "verdictSource", "enforced", "pending"] as const),
] as const satisfies readonly (keyof Flow)[];

/** Flows of one window that do not differ in what their level keeps. Counts are sums. */
export interface AggregatedFlow extends Pick<Flow, (typeof common)[number]> {
  readonly level: Level;
  /** Of the member with the least number. As a batch is aggregated by itself, this is an id as that of a record is one. */
  readonly epoch: number;
  readonly seq: number;
  readonly start: number;
  readonly end: number;
  readonly source: AggregatedEnd;
  readonly destination: AggregatedEnd;
  readonly icmp: { readonly type: number; readonly code: number } | null;
  readonly service: FlowService | null;
  /** How those that ended did: each once, sorted. */
  readonly endReasons: readonly EndReason[];
  /** Names that clients had asked for, and ports of SNAT: a few of them, sorted. */
  readonly destinationDomains: readonly string[];
  readonly natSourcePorts: readonly number[];
  readonly packets: number;
  readonly bytes: number;
  readonly replyPackets: number;
  readonly replyBytes: number;
  /** Different connections (and attempts that were denied), how many of them began in this window, and how many ended. */
  readonly flows: number;
  readonly flowsStarted: number;
  readonly flowsCompleted: number;
  /** In the order of their numbers. */
  readonly members: readonly Flow[];
}

/** As many as Calico tells. */
const mostDomains = 5;
const mostPorts = 3;
const allReasons = endReasons.length;

/**
 * Merges the flows of one batch, which is aggregated by itself: a batch that comes again gives the same groups with the same ids. A batch that
 * holds part of a window gives a group of that part, so groups are to be summed, not counted. `windowMs` is that of the collector.
 */
export function aggregate(batch: readonly Flow[], levels: Levels, windowMs: number): readonly AggregatedFlow[] {
  const groups = Map.groupBy(batch, (flow) => keyOf(flow, levelOf(flow, levels), windowMs));
  return [...groups.values()].map((members) => merged(members, levelOf(members[0] as Flow, levels), windowMs));
}

/** Of a flow that is denied, or would be, the level is that of denied ones: as Calico has it, whatever became of it. */
export function levelOf({ action, enforced, pending }: Flow, levels: Levels): Level {
  const isDenied = action === "deny" || [...enforced, ...pending].some((step) => step.split("|").at(-2) === "deny");
  return isDenied ? levels.denied : levels.allowed;
}

function keyOf(flow: Flow, level: Level, windowMs: number): string {
  const { source, destination, service, icmp } = flow;
  return JSON.stringify([
    ...[level, windowOf(flow.start, windowMs)],
    ...common.map((name) => flow[name]),
    ...[source?.kind, source?.namespace, destination?.kind, destination?.namespace],
    ...[service?.namespace, service?.name, aggregatedName(source, flow.sourceAddress)],
    aggregatedName(destination, flow.destinationAddress),
    // From here on what one level after the other loses.
    ...(level < 3 ? [flow.destinationPort, service?.port, icmp?.type, icmp?.code] : []),
    ...(level < 2 ? [flow.sourceAddress, flow.destinationAddress, source?.name, destination?.name] : []),
    ...(level < 1 ? [flow.sourcePort, icmp?.id] : []),
  ]);
}

const windowOf = (start: number, windowMs: number): number => Math.floor(start / (windowMs * 1000));

function merged(members: readonly Flow[], level: Level, windowMs: number): AggregatedFlow {
  const first = members.reduce((least, flow) => (isBefore(flow, least) ? flow : least));
  const { icmp, service } = first;
  const sum = (of: (flow: Flow) => number) => members.reduce((total, flow) => total + of(flow), 0);
  const began = windowOf(first.start, windowMs) * windowMs * 1000;
  const different = (flows: readonly Flow[]) => new Set(flows.map(connectionOf)).size;
  return {
    ...(Object.fromEntries(common.map((name) => [name, first[name]])) as Pick<Flow, (typeof common)[number]>),
    level,
    epoch: first.epoch,
    seq: first.seq,
    start: members.reduce((least, { start }) => Math.min(least, start), first.start),
    end: members.reduce((last, { end }) => Math.max(last, end), first.end),
    source: endOf(members, level, "source"),
    destination: endOf(members, level, "destination"),
    icmp: icmp === null || level >= 3 ? null : { type: icmp.type, code: icmp.code },
    service: service === null || level < 3 ? service : { ...service, port: null },
    endReasons: few(
      members.map(({ endReason }) => endReason),
      allReasons,
    ),
    destinationDomains: few(
      members.map(({ destinationDomain }) => destinationDomain),
      mostDomains,
    ),
    natSourcePorts: few(members.map(natPortOf), mostPorts),
    packets: sum(({ packets }) => packets),
    bytes: sum(({ bytes }) => bytes),
    replyPackets: sum(({ replyPackets }) => replyPackets),
    replyBytes: sum(({ replyBytes }) => replyBytes),
    flows: different(members),
    flowsStarted: different(members.filter(({ startedAt }) => startedAt >= began)),
    flowsCompleted: different(members.filter(({ state }) => state !== "open")),
    members: members.toSorted((a, b) => a.epoch - b.epoch || a.seq - b.seq),
  };
}

function endOf(members: readonly Flow[], level: Level, end: "source" | "destination"): AggregatedEnd {
  const flow = members[0] as Flow;
  const endpoint = flow[end];
  const address = flow[`${end}Address` as const];
  const port = flow[`${end}Port` as const];
  return {
    kind: endpoint?.kind ?? null,
    address: level < 2 ? address : null,
    port: level < (end === "source" ? 1 : 3) ? port : null,
    namespace: endpoint?.namespace ?? null,
    name: level < 2 ? (endpoint?.name ?? null) : null,
    nameAggregated: aggregatedName(endpoint, address),
    labels: labelsOfAll(members.map((member) => member[end]?.labels ?? {})),
  };
}

function labelsOfAll(all: readonly Readonly<Record<string, string>>[]): Readonly<Record<string, string>> {
  const [first = {}, ...others] = all;
  const isCommon = ([key, value]: [string, string]) =>
    others.every((labels) => Object.hasOwn(labels, key) && labels[key] === value);
  return Object.fromEntries(Object.entries(first).filter(isCommon));
}

function natPortOf({ nat, sourcePort, sourceAddress }: Flow): number | null {
  if (nat === null || (nat.sourcePort === sourcePort && nat.sourceAddress === sourceAddress)) return null;
  return nat.sourcePort;
}

function few<T extends string | number>(values: readonly (T | null)[], most: number): readonly T[] {
  const different = new Set(values.filter((value) => value !== null));
  return [...different].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)).slice(0, most);
}

function connectionOf({ sourceAddress, sourcePort, destinationAddress, destinationPort, icmp, zone, startedAt }: Flow) {
  return `${zone} ${sourceAddress} ${sourcePort} ${destinationAddress} ${destinationPort} ${icmp?.id} ${startedAt}`;
}

function isBefore(a: Flow, b: Flow): boolean {
  return a.epoch === b.epoch ? a.seq < b.seq : a.epoch < b.epoch;
}

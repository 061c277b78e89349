import { isoTime } from "../../core/clock.ts";
import type { Flow } from "../../core/records/flow.ts";
import { destinationName, identityText, portText, serviceName, sourceName, workloadName } from "./names.ts";
import { clean } from "./text.ts";
import { healthText, stagedText, type Why, whyOf } from "./why.ts";

/** What the table tells of one connection, or of several that differ in nothing a person would look for. */
export interface Row {
  /** UTC, `22:13:20`. */
  readonly time: string;
  readonly action: Flow["action"];
  readonly count: number;
  readonly source: string;
  readonly destination: string;
  /** `:8080/tcp`. */
  readonly port: string;
  /** The Service that the client aimed at; empty if none. */
  readonly service: string;
  readonly why: Why;
  readonly packets: number;
  readonly bytes: number;
  readonly node: string;
  /** Workload and labels. */
  readonly sourceIdentity: string;
  readonly destinationIdentity: string;
}

/**
 * Whether a record stands for its connection: the authoritative one does, so each shows once; and one whose place in the
 * connection nobody could tell, rather than hiding it.
 */
export function isShown(flow: Flow): boolean {
  // A connection that was there before and moves nothing is no news.
  if (flow.state !== "denied" && flow.packets + flow.replyPackets === 0) return false;
  return flow.authoritative || flow.reporter === "unknown" || flow.action === "unknown";
}

/** The rows of records, in order of first appearance; equal ones become one row with a count. */
export function rowsOf(flows: readonly Flow[]): readonly Row[] {
  const groups = Map.groupBy(flows, sameness);
  return [...groups.values()].map((group) => {
    const first = rowOf(group[0] as Flow);
    return { ...first, count: group.length, packets: sum(group, packetsOf), bytes: sum(group, bytesOf) };
  });
}

const packetsOf = (flow: Flow) => flow.packets + flow.replyPackets;
export const bytesOf = (flow: Flow) => flow.bytes + flow.replyBytes;

function rowOf(flow: Flow): Row {
  return {
    time: timeText(flow.startedAt / 1000),
    action: flow.action,
    count: 1,
    source: sourceName(flow),
    destination: destinationName(flow),
    port: portText(flow),
    service: serviceName(flow),
    why: whyOf(flow),
    packets: packetsOf(flow),
    bytes: bytesOf(flow),
    node: clean(flow.node),
    sourceIdentity: identityText(flow.source),
    destinationIdentity: identityText(flow.destination),
  };
}

/** `22:13:20` UTC of milliseconds. */
export function timeText(ms: number): string {
  return isoTime(Math.floor(ms)).slice(11, 19);
}

function sameness(flow: Flow): string {
  const ends = [
    workloadName(flow.source, flow.sourceAddress),
    workloadName(flow.destination, flow.destinationAddress),
    identityText(flow.source),
    identityText(flow.destination),
  ];
  const verdict = [
    flow.action,
    flow.verdictSource,
    flow.reason,
    flow.egressRule,
    flow.ingressRule,
    healthText(flow),
    stagedText(flow),
  ];
  return JSON.stringify([...ends, portText(flow), flow.service, ...verdict, flow.enforced]);
}

function sum(flows: readonly Flow[], amountOf: (flow: Flow) => number): number {
  return flows.reduce((total, flow) => total + amountOf(flow), 0);
}

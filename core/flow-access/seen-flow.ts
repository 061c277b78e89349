import { createHmac, randomBytes } from "node:crypto";
import { type Address, familyOf } from "../address.ts";
import type { Flow, FlowEndpoint } from "../records/flow.ts";

/** The namespaces whose flows somebody may read; `all` is the whole cluster, its nodes too. */
export type Readable = "all" | ReadonlySet<string>;

/**
 * A record as somebody sees it who may read these namespaces; undefined if they may not see it at all. This decides for everybody who
 * reads flows: the commands, and whoever serves them to others.
 *
 * Seen is what has an end in one of the namespaces. Of an end that is elsewhere in the cluster there stay its kind, its namespace and its workload:
 * no address, pod, node, labels, process, interface, domain that it asked for, or policies that decided about it. What is outside the cluster
 * is nobody's: whom their own pods talk to, the readers see.
 */
export function seenFlow(flow: Flow, readable: Readable): Flow | undefined {
  if (readable === "all") return flow;
  const mine = { source: isReadable(flow.source, readable), destination: isReadable(flow.destination, readable) };
  if (!mine.source && !mine.destination) return undefined;
  const shows: Shown = {
    source: mine.source || isOutside(flow.source),
    destination: mine.destination || isOutside(flow.destination),
  };
  const service = flow.service !== null && readable.has(flow.service.namespace) ? flow.service : null;
  if (shows.source && shows.destination) return service === flow.service ? flow : withoutService(flow);
  return {
    ...flow,
    ...(shows.source ? {} : hiddenSource(flow)),
    ...(shows.destination ? {} : hiddenDestination(flow)),
    ...shared(flow, shows),
    service,
  };
}

/** Whether an end was hidden: what has a name else. */
export function isHidden(end: FlowEndpoint | null): boolean {
  return end !== null && ["pod", "node", "host"].includes(end.kind) && end.name === null;
}

interface Shown {
  readonly source: boolean;
  readonly destination: boolean;
}

function isReadable(end: FlowEndpoint | null, readable: ReadonlySet<string>): boolean {
  return end !== null && end.namespace !== null && readable.has(end.namespace);
}

/** An address of the cluster that nobody is known to own, or that was not looked up, may be anybody's. */
function isOutside(end: FlowEndpoint | null): boolean {
  return end?.kind === "network";
}

/** A Service that is not the reader's, and the address by which it was asked for. */
function withoutService(flow: Flow): Flow {
  return { ...flow, service: null, nat: null };
}

function hiddenSource({ source, sourceAddress }: Flow): Partial<Flow> {
  return {
    source: hiddenEnd(source),
    sourceAddress: hiddenAddress(sourceAddress),
    ...{ uid: null, gid: null, inInterface: null, destinationDomain: null, egressRule: null },
  };
}

function hiddenDestination({ destination, destinationAddress }: Flow): Partial<Flow> {
  return {
    destination: hiddenEnd(destination),
    destinationAddress: hiddenAddress(destinationAddress),
    ...{ outInterface: null, ingressRule: null },
  };
}

/** What both ends have a part in. */
function shared(flow: Flow, shows: Shown): Partial<Flow> {
  const isReporterShown = (flow.reporter === "src" && shows.source) || (flow.reporter === "dst" && shows.destination);
  return {
    ...(isReporterShown ? {} : hiddenReporter(flow)),
    enforced: seenSteps(flow.enforced, flow, shows),
    pending: seenSteps(flow.pending, flow, shows),
    ...{ nat: null, related: null, mark: 0 },
  };
}

/**
 * The epoch is one of each run of a collector, so it tells the node as its name does, and numbers that follow each other how busy it is. The number
 * instead is one to tell the record by, as long as this process runs.
 */
function hiddenReporter({ node, epoch, seq }: Flow): Partial<Flow> {
  const digest = createHmac("sha256", key).update(`${node} ${epoch} ${seq}`).digest();
  // As many bits as a number can hold.
  return { node: "", epoch: 0, seq: Number(digest.readBigUInt64BE() >> 11n) };
}

const key = randomBytes(32);

function hiddenEnd(end: FlowEndpoint | null): FlowEndpoint | null {
  if (end === null) return null;
  // What nothing made is its own workload: its name is a pod's.
  const isPod = end.workloadKind === "Pod";
  return {
    ...{ kind: end.kind, namespace: end.namespace, name: null, uid: null, node: null, labels: {} },
    ...{ workloadKind: end.workloadKind, workload: isPod ? null : end.workload },
  };
}

/** The unspecified address: no packet comes from there or goes there. */
function hiddenAddress(address: Address): Address {
  return (familyOf(address) === 4 ? "0.0.0.0" : "::") as Address;
}

/**
 * The way through the policies of the ends that are shown. A way is egress, then ingress, each counting from 0; one alone is that of the end where
 * the record was made. Where that is not certain nothing is shown.
 */
function seenSteps(steps: readonly string[], { source, destination, node }: Flow, shows: Shown): readonly string[] {
  const second = steps.findIndex((step, at) => at > 0 && step.startsWith("0|"));
  if (second > 0)
    return [...(shows.source ? steps.slice(0, second) : []), ...(shows.destination ? steps.slice(second) : [])];
  const isAt = { source: source?.node === node, destination: destination?.node === node };
  if (isAt.source === isAt.destination) return [];
  return (isAt.source ? shows.source : shows.destination) ? steps : [];
}

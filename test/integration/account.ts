import assert from "node:assert/strict";
import { completenessOf, type Minute } from "../../bin/completeness.ts";
import type { Flow } from "../../core/records/flow.ts";
import type { Loss } from "../../core/records/loss.ts";
import { joinedRuns } from "../../core/records/runs.ts";
import type { Begun } from "../collectors/traffic.ts";
import type { Kept } from "./up-lab.ts";

// Whether an archive accounts for the traffic that test/collectors/traffic.ts made: everything once, or inside a recorded loss.

const firstPort = 10_000;
const [udp, tcp] = [17, 6];
const datagramBytes = 28 + 4;
// IPv4 with timestamps; a SYN has more options.
const [synBytes, segmentBytes, sentBytes, answeredBytes] = [60, 52, 100, 1_000];
/** A program's clock is read a little before its packet is sent. */
const sendUs = 50_000;
/** For so long the kernel remembers a datagram (nf_conntrack_udp_timeout is 1 s there), with what a busy machine adds. */
const datagramUs = 3_000_000;
/** How long one of its connections may take on a busy machine. */
const connectionMs = 2_000;

export interface Account {
  readonly connections: number;
  readonly stored: number;
  /** Were not seen, and a loss says so. */
  readonly inLoss: number;
}

/** A time in which nobody claims to have seen anything, milliseconds. */
interface Absence {
  readonly from: number;
  readonly to: number;
}

/** Throws if anything is there twice, or missing without a loss or an absence. */
export function accountFor({ datagrams, connections }: Begun, kept: Kept, away: readonly Absence[] = []): Account {
  const losses = kept.losses.filter(({ source }) => source === "conntrack");
  const flows = kept.flows.filter((flow) => !isRemnant(flow, away));
  const datagramFlows = byPort(flows, udp, "destinationPort");
  const connectionFlows = byPort(flows, tcp, "sourcePort");
  const missing = [
    ...missingOf(datagrams, datagramFlows, "datagram to port"),
    ...missingOf(connections, connectionFlows, "connection from port"),
  ];
  for (const [port, flows] of datagramFlows) {
    const [packets, bytes] = sums(flows);
    // The kernel counts at the end only: of one that ended while nobody listened it is known that it was, and that something is missing.
    const begun = (datagrams[port - firstPort] ?? 0) * 1_000;
    const isCut =
      packets === 0 &&
      [...losses, ...away.map(({ from, to }) => ({ start: from * 1_000, end: to * 1_000 }))].some(
        ({ start, end }) => begun <= end && begun + datagramUs >= start,
      );
    if (!isCut) assert.deepEqual([packets, bytes], [1, datagramBytes], `port ${port}`);
  }
  for (const [port, flows] of connectionFlows) {
    const begun = connections[port - firstPort] ?? 0;
    // While nothing ran there were no rules either, so the kernel counted nothing.
    const isWhole = away.every(({ from, to }) => begun < from - connectionMs || begun > to);
    assertCounted(flows, `port ${port}`);
    if (isWhole) assertAnswered(flows, `port ${port}`);
  }
  for (const { what, at } of missing)
    assert.ok(
      losses.some(({ start, end }) => at >= start - sendUs && at <= end) ||
        away.some(({ from, to }) => at >= from * 1_000 && at <= to * 1_000),
      `${what}, begun at ${at}, is not in the archive, nor inside a loss: ${spansOf(losses)}`,
    );
  const all = datagrams.length + connections.length;
  return { connections: all, stored: all - missing.length, inLoss: missing.length };
}

/**
 * What is left of a connection that began while nothing ran, and so no connection was tracked: its last segments belong to none that the
 * kernel knows, and are refused as invalid.
 */
function isRemnant({ reason, startedAt }: Flow, away: readonly Absence[]): boolean {
  const at = startedAt / 1_000;
  return reason === "invalid" && away.some(({ from, to }) => at >= from && at <= to + connectionMs);
}

/** Numbers of each epoch begin at 0 and have no holes; none is there twice. How many epochs there are. */
export function assertNumbered(kept: Kept): number {
  const records = recordsOf(kept);
  const ids = records.map(({ node, epoch, seq }) => `${node} ${epoch} ${seq}`);
  assert.equal(new Set(ids).size, ids.length, "a record is there twice");
  const runs = runsOf(kept);
  const epochs = new Set(runs.map(({ epoch }) => epoch));
  assert.deepEqual(
    runs.filter(({ first }) => first !== 0),
    [],
    "numbers are missing",
  );
  assert.equal(runs.length, epochs.size);
  return epochs.size;
}

/** What `sluice completeness` would say of the time of the traffic. */
export function minutesOf({ datagrams }: Begun, kept: Kept): readonly Minute[] {
  const span = { since: (datagrams[0] ?? 0) * 1_000, until: (datagrams.at(-1) ?? 0) * 1_000 };
  return completenessOf({ ...kept, since: span.since, runs: runsOf(kept) }, { ...span, settled: span.until });
}

const recordsOf = ({ flows, losses, heartbeats }: Kept) => [...flows, ...losses, ...heartbeats];

function runsOf(kept: Kept) {
  return joinedRuns(recordsOf(kept).map(({ node, epoch, seq }) => ({ node, epoch, first: seq, last: seq })));
}

function byPort(
  flows: readonly Flow[],
  protocol: number,
  side: "sourcePort" | "destinationPort",
): ReadonlyMap<number, readonly Flow[]> {
  const ours = flows.filter((flow) => flow.protocol === protocol && flow[side] >= firstPort);
  const grouped = Map.groupBy(ours, (flow) => flow[side]);
  for (const [port, flows] of grouped) {
    const identities = new Set(flows.map(({ connection, startedAt }) => `${connection} ${startedAt}`));
    assert.equal(identities.size, 1, `port ${port} is told as ${[...identities].join(" and ")}`);
    assert.ok(flows.filter(({ state }) => state === "closed").length <= 1, `port ${port} was closed twice`);
    assert.ok(
      flows.every(({ source, destination }) => source?.name === "a" && destination?.name === "b"),
      `port ${port}`,
    );
  }
  return grouped;
}

function missingOf(begun: readonly number[], told: ReadonlyMap<number, unknown>, what: string) {
  return begun
    .map((ms, index) => ({ port: firstPort + index, at: ms * 1_000 }))
    .filter(({ port }) => !told.has(port))
    .map(({ port, at }) => ({ what: `${what} ${port}`, at }));
}

function assertCounted(flows: readonly Flow[], what: string): void {
  const [packets, bytes] = sums(flows);
  const last = flows.reduce((one, other) => (other.totalPackets > one.totalPackets ? other : one));
  assert.deepEqual([packets, bytes], [last.totalPackets, last.totalBytes], what);
}

function assertAnswered(flows: readonly Flow[], what: string): void {
  const [packets, bytes, replyPackets, replyBytes] = sums(flows);
  assert.equal(bytes, synBytes + segmentBytes * (packets - 1) + sentBytes, what);
  assert.equal(replyBytes, synBytes + segmentBytes * (replyPackets - 1) + answeredBytes, what);
}

function sums(flows: readonly Flow[]): [number, number, number, number] {
  const sum = (field: "packets" | "bytes" | "replyPackets" | "replyBytes") =>
    flows.reduce((total, flow) => total + flow[field], 0);
  return [sum("packets"), sum("bytes"), sum("replyPackets"), sum("replyBytes")];
}

const spansOf = (losses: readonly Loss[]) => losses.map(({ start, end }) => `${start}-${end}`).join(" ");

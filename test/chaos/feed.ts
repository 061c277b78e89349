import { rawTopics } from "../../bin/bus/raw-topics.ts";
import type { RecordTopics } from "../../bin/bus/record-topics.ts";
import { parseAddress } from "../../core/address.ts";
import { systemClock } from "../../core/clock.ts";
import { Metrics } from "../../core/metrics.ts";
import { type RawFlow, unremarkable } from "../../core/records/flow.ts";
import type { Made } from "./ledger.ts";

const feedNode = "node-of-the-past";
const hourUs = 3_600_000_000;
const perBatch = 20;
const everyMs = 200;

/**
 * A collector of records made up, whose time runs from before to after a full hour while it works, so that an index and an hour of the archive end
 * meanwhile, whenever the test runs. Until the signal aborts; gives what it sent.
 */
export async function feed(topics: RecordTopics, durationMs: number, signal: AbortSignal): Promise<readonly Made[]> {
  const sink = rawTopics(topics, systemClock, new Metrics()).flows;
  const hour = (Math.floor((systemClock.now() * 1000) / hourUs) - 1) * hourUs;
  const epoch = systemClock.now();
  const begun = systemClock.monotonic();
  const made: Made[] = [];
  while (!signal.aborted) {
    const at = hour + (systemClock.monotonic() - begun - durationMs / 2) * 1000;
    const batch = Array.from({ length: perBatch }, (_, place) => recordOf(epoch, made.length + place, Math.round(at)));
    await sink.write(batch, new AbortController().signal);
    for (const { sourcePort, destinationPort, packets } of batch)
      made.push({ node: feedNode, sourcePort, destinationPort, at, packets });
    await systemClock.sleep(everyMs, signal);
  }
  return made;
}

function recordOf(epoch: number, seq: number, at: number): RawFlow {
  return {
    ...unremarkable,
    cluster: "default",
    node: feedNode,
    epoch,
    seq,
    start: at,
    end: at + 1_000_000,
    startedAt: at,
    state: "closed",
    connection: seq + 1,
    zone: 0,
    protocol: 6,
    sourceAddress: parseAddress("192.0.2.1"),
    sourcePort: 1024 + (seq % 60_000),
    destinationAddress: parseAddress("192.0.2.2"),
    destinationPort: 1000 + Math.floor(seq / 60_000),
    icmp: null,
    nat: null,
    ...{ packets: 2, bytes: 104, replyPackets: 1, replyBytes: 52 },
    ...{ totalPackets: 2, totalBytes: 104, totalReplyPackets: 1, totalReplyBytes: 52 },
    replied: true,
    endReason: "finished",
    denied: null,
    reason: null,
    egressRule: null,
    ingressRule: null,
    inInterface: null,
    outInterface: null,
  };
}

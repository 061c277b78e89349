import { Collector, type CollectorOptions } from "../../collectors/collector.ts";
import { silentLog } from "../../core/log.ts";
import type { Source } from "../../core/pipeline.ts";
import type { RawFlow } from "../../core/records/flow.ts";
import type { Heartbeat } from "../../core/records/heartbeat.ts";
import type { Loss } from "../../core/records/loss.ts";

/** A collector at work and all that it has told. */
export interface RunningCollector {
  readonly collector: Collector;
  readonly flows: RawFlow[];
  readonly losses: Loss[];
  readonly heartbeats: Heartbeat[];
  stop(): Promise<void>;
}

/** Starts a collector in a network namespace; resolves when it listens. Records are acked at once. */
export async function startCollector(
  namespacePath: string,
  over: Partial<CollectorOptions> = {},
): Promise<RunningCollector> {
  const collector = new Collector({
    node: "router",
    cluster: "test",
    namespacePath,
    windowMs: 250,
    log: silentLog,
    ...over,
  });
  const stopping = new AbortController();
  const flows: RawFlow[] = [];
  const losses: Loss[] = [];
  const heartbeats: Heartbeat[] = [];
  const all = Promise.all([
    collector.run(stopping.signal),
    gather(collector.flows, flows),
    gather(collector.losses, losses),
    gather(collector.heartbeats, heartbeats),
  ]);
  await Promise.race([collector.ready, all]);
  return {
    collector,
    flows,
    losses,
    heartbeats,
    stop: async () => {
      stopping.abort();
      await all;
    },
  };
}

/** Collects everything a source tells. */
async function gather<T>(source: Source<T>, into: T[]): Promise<void> {
  for await (const { items, ack } of source.open(new AbortController().signal)) {
    into.push(...items);
    await ack();
  }
}

/** `packets/bytes replyPackets/replyBytes` of all windows together. */
export function sumOf(flows: readonly RawFlow[]): string {
  const sum = (field: "packets" | "bytes" | "replyPackets" | "replyBytes") =>
    flows.reduce((total, flow) => total + flow[field], 0);
  return `${sum("packets")}/${sum("bytes")} ${sum("replyPackets")}/${sum("replyBytes")}`;
}

/** The same since the connection began. */
export function totalsOf(flow: RawFlow): string {
  return `${flow.totalPackets}/${flow.totalBytes} ${flow.totalReplyPackets}/${flow.totalReplyBytes}`;
}

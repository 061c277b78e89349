import type { FlowPath } from "../flow-path.ts";
import { type EnrichedPartitionsOptions, enrichPartitions } from "./enriched-partitions.ts";

type Work = (stop: AbortSignal) => Promise<void>;

/** What of the bus goes along the path of an engine. */
export function enrichingWorks(
  rim: Pick<EnrichedPartitionsOptions<"flows">, "topics" | "reader" | "clock" | "log">,
  path: FlowPath,
): readonly Work[] {
  const { isMended } = rim.topics;
  return [
    (stop) =>
      enrichPartitions(
        {
          ...rim,
          kind: "flows",
          enrich: (source, into, marks, until) => path.flows(source, until, { into, marks, isMended }),
        },
        stop,
      ),
    (stop) =>
      enrichPartitions(
        {
          ...rim,
          kind: "dns",
          enrich: (source, into, marks, until) => path.dns(source, until, { into, marks, isMended }),
        },
        stop,
      ),
  ];
}

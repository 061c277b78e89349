import { SluiceError } from "../core/errors.ts";
import type { Sink } from "../core/pipeline.ts";
import { unenrichedDns } from "../core/records/dns.ts";
import { unenriched } from "../core/records/flow.ts";
import { objectWriter } from "../sinks/live/jsonl.ts";
import type { Output } from "../sinks/live/output.ts";
import type { RecordSinks } from "./raw-path.ts";

/**
 * Records of a collector as JSON lines; what enrichment would add is there and empty, so that their shape is always the same. A batch counts
 * as stored once the output has taken it; if it takes no more, the batch stays in the spool.
 */
export function rawLines(output: Output): RecordSinks {
  const sink = <T extends object>(type: "flow" | "loss" | "heartbeat" | "dns", added: object = {}): Sink<T> => {
    const objectOf = objectWriter(type);
    return {
      name: `${type} lines`,
      async write(batch) {
        await output.write(batch.map((record) => `${JSON.stringify(objectOf({ ...record, ...added }))}\n`).join(""));
        if (output.closed.aborted) throw new SluiceError("SINK_FAILED", "nobody reads the output any more");
      },
    };
  };
  return {
    flows: sink("flow", unenriched),
    losses: sink("loss"),
    heartbeats: sink("heartbeat"),
    dns: sink("dns", unenrichedDns),
  };
}

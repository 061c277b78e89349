import type { Clock } from "../../core/clock.ts";
import type { Metrics } from "../../core/metrics.ts";
import { retryingInOrder } from "../../core/retrying-in-order.ts";
import { flowEventAt, measured } from "../measure.ts";
import type { RecordSinks } from "../raw-path.ts";
import type { RecordTopics } from "./record-topics.ts";

/**
 * Where a collector's records go; what the bus does not take stays in the spool. Who reads them leaves out what is not above the highest
 * number that it has done, so nothing may overtake what is tried again.
 */
export function rawTopics(topics: RecordTopics, clock: Clock, metrics: Metrics): RecordSinks {
  const stored = measured(topics.sink("flows.raw"), { metrics, clock, kind: "raw-flow", eventAt: flowEventAt });
  return {
    flows: retryingInOrder(stored, { clock }),
    losses: retryingInOrder(topics.sink("losses"), { clock }),
    heartbeats: retryingInOrder(topics.sink("heartbeats"), { clock }),
    dns: retryingInOrder(topics.sink("dns.raw"), { clock }),
  };
}

import type { Clock } from "../../core/clock.ts";
import { retrying } from "../../core/retrying.ts";
import type { RecordSinks } from "../collect.ts";
import type { RecordTopics } from "./record-topics.ts";

/** Where a collector's records go; what the bus does not take stays in the spool. */
export function rawTopics(topics: RecordTopics, clock: Clock): RecordSinks {
  return {
    flows: retrying(topics.sink("flows.raw"), { clock }),
    losses: retrying(topics.sink("losses"), { clock }),
    heartbeats: retrying(topics.sink("heartbeats"), { clock }),
    dns: retrying(topics.sink("dns.raw"), { clock }),
  };
}

import type { Loss } from "../../core/records/loss.ts";
import type { LossTotal } from "./summary.ts";
import { clean, plural } from "./text.ts";

// Whether the kernel outran us, nobody listened, or something else went wrong is in the detail.
const what: Readonly<Record<Loss["source"], string>> = {
  conntrack: "connection events",
  nflog: "logged denials",
  decode: "messages that could not be read",
  queue: "records beyond our own bound",
  dns: "parts of DNS",
  limit: "logged packets beyond the limit of one rule and source, which the kernel counted",
};

/** `node-1 lost 12 records beyond our own bound: detail`. */
export function lossText(loss: Loss): string {
  const detail = loss.detail === "" ? "" : `: ${loss.detail}`;
  return clean(`${loss.node} lost ${countOf(loss)} ${what[loss.source]}${detail}`);
}

/** Words for the sum of losses of one node and source, with the same detail. */
export function lossTotalText({ node, source, detail, times, count }: LossTotal): string {
  const why = detail === "" ? "" : ` (${detail})`;
  return clean(`${node}: ${countOf({ count })} ${what[source]}, ${plural(times, "time")}${why}`);
}

function countOf({ count }: Pick<Loss, "count">): string {
  return count === null ? "an unknown number of" : count.toLocaleString("en-US");
}

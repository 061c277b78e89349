import type { Loss } from "../../core/records/loss.ts";
import { clean, plural } from "./text.ts";

const what: Readonly<Record<Loss["source"], string>> = {
  conntrack: "connection events (kernel buffer overran)",
  nflog: "logged denials (kernel buffer overran)",
  decode: "messages that could not be read",
  queue: "records beyond our own bound",
  limit: "logged packets beyond the limit of one rule and source, which the kernel counted",
};

/** `node-1 lost 12 records beyond our own bound: detail`. */
export function lossText(loss: Loss): string {
  const detail = loss.detail === "" ? "" : `: ${loss.detail}`;
  return clean(`${loss.node} lost ${countOf(loss)} ${what[loss.source]}${detail}`);
}

/** Words for the sum of losses of one node and source. */
export function lossTotalText(node: string, source: Loss["source"], times: number, count: number | null): string {
  const known = count === null ? "an unknown number of" : count.toLocaleString("en-US");
  return clean(`${node}: ${known} ${what[source]}, ${plural(times, "time")}`);
}

function countOf({ count }: Loss): string {
  return count === null ? "an unknown number of" : count.toLocaleString("en-US");
}

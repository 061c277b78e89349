import type { Trace } from "../trace.ts";
import type { Shape } from "./format.ts";

/** A line an answer; how it came about is in json, jsonl and yaml, and in plain text (trace-text.ts). */
export const traceShape: Shape<Trace> = {
  objectOf: (trace) => ({ type: "trace", ...trace }),
  nameOf: ({ from, to, action }) => `${from} ${to} ${action}`,
  columns: [
    {
      header: "verdict",
      cell: ({ action }) => action,
      text: ({ action }) => (action === "allow" ? "✓ ALLOW" : "✗ DENY"),
    },
    { header: "source", cell: ({ from }) => from },
    { header: "destination", cell: ({ to }) => to },
    { header: "protocol", cell: ({ protocol }) => protocol },
    { header: "port", cell: ({ port }) => port },
    { header: "decided", cell: decided },
  ],
};

/** The rule that settled it: the last that was asked. */
function decided({ exempt, egress, ingress }: Trace): string {
  return exempt ?? (ingress ?? egress)?.at(-1)?.text ?? "not subject to pod policies";
}

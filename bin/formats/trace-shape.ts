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

/** What settled it: where the last list that was asked ended. */
function decided({ exempt, paths }: Trace): string {
  return exempt ?? paths.at(-1)?.stages.at(-1)?.title ?? "not subject to pod policies";
}

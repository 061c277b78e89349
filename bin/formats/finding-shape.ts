import type { Finding } from "../findings.ts";
import type { Shape } from "./format.ts";

export const findingShape: Shape<Finding> = {
  objectOf: ({ severity, file, line, object, field, value, reason }) => ({
    type: "finding",
    severity,
    file,
    line,
    object,
    field,
    value,
    reason,
  }),
  nameOf: ({ file, object, field }) => [file, object, field].filter((part) => part !== null).join(" "),
  columns: [
    { header: "severity", cell: ({ severity }) => severity, text: ({ severity }) => words[severity] },
    { header: "file", cell: ({ file }) => file },
    { header: "line", cell: ({ line }) => line },
    { header: "object", cell: ({ object }) => object },
    { header: "field", cell: ({ field }) => field },
    { header: "value", cell: ({ value }) => value, only: "wide" },
    { header: "reason", cell: ({ reason }) => reason.replaceAll("…", "...") },
  ],
};

const words: Readonly<Record<Finding["severity"], string>> = { error: "✗ ERROR", warning: "! WARNING" };

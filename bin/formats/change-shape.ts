import type { ChangeRecord } from "../../core/records/change.ts";
import { actorText, outcomeText } from "../../sinks/live/change-text.ts";
import { objectWriter } from "../../sinks/live/jsonl.ts";
import { microTime, secondText } from "../micro-time.ts";
import type { Shape } from "./format.ts";

export const changeShape: Shape<ChangeRecord> = {
  objectOf: objectWriter("change"),
  nameOf: ({ id }) => id,
  columns: [
    { header: "time", cell: ({ foundAt }) => microTime(foundAt), text: ({ foundAt }) => secondText(foundAt) },
    { header: "node", cell: ({ node }) => node },
    { header: "kind", cell: ({ kind }) => kind },
    { header: "who", cell: ({ actor }) => actorText(actor) },
    { header: "what", cell: ({ summary }) => summary },
    { header: "outcome", cell: outcomeText },
    { header: "details", cell: ({ outcomeDetail }) => outcomeDetail, only: "wide" },
    { header: "diff", cell: ({ diff }) => diff.join("; "), only: "wide" },
    { header: "started by", cell: ({ actor }) => actor?.ancestors.join(" < ") ?? null, only: "wide" },
    { header: "from", cell: ({ start }) => microTime(start), only: "csv" },
    { header: "to", cell: ({ end }) => (end === null ? null : microTime(end)), only: "csv" },
    { header: "id", cell: ({ id }) => id, only: "csv" },
    { header: "cluster", cell: ({ cluster }) => cluster, only: "csv" },
  ],
};

import type { ChangeRecord } from "../../core/records/change.ts";
import { fieldChangeText, outcomeText, whoText } from "../../sinks/live/change-text.ts";
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
    { header: "who", cell: whoText },
    { header: "what", cell: ({ summary }) => summary },
    { header: "outcome", cell: outcomeText },
    { header: "authorised", cell: ({ control }) => control?.authorised ?? null },
    { header: "details", cell: detailsOf, only: "wide" },
    { header: "diff", cell: diffOf, only: "wide" },
    { header: "started by", cell: ({ actor }) => actor?.ancestors.join(" < ") ?? null, only: "wide" },
    { header: "id", cell: ({ id }) => id, only: "wide" },
    { header: "from", cell: ({ start }) => microTime(start), only: "csv" },
    { header: "to", cell: ({ end }) => (end === null ? null : microTime(end)), only: "csv" },
    { header: "cluster", cell: ({ cluster }) => cluster, only: "csv" },
    { header: "namespace", cell: ({ control }) => control?.namespace ?? null, only: "csv" },
    { header: "verb", cell: ({ control }) => control?.verb ?? null, only: "csv" },
  ],
};

function detailsOf({ outcomeDetail, control }: ChangeRecord): string {
  return [outcomeDetail, ...(control?.reasons ?? []), ...(control?.notes ?? [])]
    .filter((text) => text !== "")
    .join("; ");
}

function diffOf({ diff, control }: ChangeRecord): string {
  return [...diff, ...(control?.diff ?? []).map(fieldChangeText)].join("; ");
}

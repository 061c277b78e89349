import type { Difference } from "../object-diff.ts";
import type { Shape } from "./format.ts";

export const differenceShape: Shape<Difference> = {
  objectOf: ({ change, object, apiVersion, field, before, after }) => ({
    type: "difference",
    change,
    object,
    apiVersion,
    field,
    before,
    after,
  }),
  nameOf: ({ object, field }) => (field === null ? object : `${object} ${field}`),
  columns: [
    { header: "change", cell: ({ change }) => change },
    { header: "object", cell: ({ object }) => object },
    { header: "field", cell: ({ field }) => field },
    { header: "from", cell: ({ before }) => textOf(before) },
    { header: "to", cell: ({ after }) => textOf(after) },
  ],
};

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === "string" ? value : JSON.stringify(value);
}

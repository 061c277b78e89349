import type { Difference } from "../import-check.ts";
import type { Shape } from "./format.ts";

export const importShape: Shape<Difference> = {
  objectOf: ({ effect, object, field, reason }) => ({ type: "difference", effect, object, field, reason }),
  nameOf: ({ object }) => object,
  columns: [
    { header: "effect", cell: ({ effect }) => effect, text: ({ effect }) => words[effect] },
    { header: "object", cell: ({ object }) => object },
    { header: "field", cell: ({ field }) => field },
    { header: "reason", cell: ({ reason }) => reason },
  ],
};

const words: Readonly<Record<Difference["effect"], string>> = {
  refused: "✗ NONE",
  partly: "! IN PART",
  elsewhere: "- ELSEWHERE",
  denies: "✗ DENIES",
};

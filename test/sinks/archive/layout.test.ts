import assert from "node:assert/strict";
import { visible } from "../../../sinks/archive/layout.ts";

const seg = `seg-${"0".repeat(64)}.parquet`;
const l0 = (span: string) => `l0-${span}.parquet`;

describe("visible", () => {
  for (const { title, names, sealed, counting } of [
    { title: "files side by side all count", names: ["r-1-1", "r-2-2"], sealed: [], counting: ["r-1-1", "r-2-2"] },
    {
      title: "a merged file stands for its parts",
      names: ["r-1-1", "r-1-3", "r-3-3"],
      sealed: [],
      counting: ["r-1-3"],
    },
    {
      title: "runs have nothing to do with each other",
      names: ["r-1-1", "s-1-3"],
      sealed: [],
      counting: ["r-1-1", "s-1-3"],
    },
    {
      title: "a segment stands for what it replaces",
      names: ["r-1-3", "r-4-4"],
      sealed: ["r-1-3"],
      counting: ["r-4-4"],
    },
    { title: "and for the parts of that", names: ["r-2-2", "r-4-4"], sealed: ["r-1-3"], counting: ["r-4-4"] },
  ])
    it(title, () => {
      const all = [...names.map(l0), seg, ".tmp-0", "note.txt"];
      assert.deepEqual(visible(all, sealed.map(l0)), [...counting.map(l0), seg]);
    });
});

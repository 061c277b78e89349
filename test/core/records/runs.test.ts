import assert from "node:assert/strict";
import { joinedRuns } from "../../../core/records/runs.ts";

const run = (text: string) => {
  const [node = "", epoch, first, last] = text.split(" ");
  return { node, epoch: Number(epoch), first: Number(first), last: Number(last) };
};

describe("joinedRuns", () => {
  for (const { title, runs, joined } of [
    { title: "runs that touch are one", runs: ["a 1 4 6", "a 1 1 3"], joined: ["a 1 1 6"] },
    { title: "runs that overlap are one", runs: ["a 1 1 9", "a 1 2 3", "a 1 5 12"], joined: ["a 1 1 12"] },
    { title: "a gap stays", runs: ["a 1 1 3", "a 1 5 6"], joined: ["a 1 1 3", "a 1 5 6"] },
    {
      title: "nodes and epochs stay apart",
      runs: ["b 1 4 6", "a 2 4 6", "a 1 1 3"],
      joined: ["a 1 1 3", "a 2 4 6", "b 1 4 6"],
    },
    { title: "of none there are none", runs: [], joined: [] },
  ])
    it(title, () => {
      assert.deepEqual(
        joinedRuns(runs.map(run)).map(({ node, epoch, first, last }) => `${node} ${epoch} ${first} ${last}`),
        joined,
      );
    });
});

import assert from "node:assert/strict";
import { FirstSeen } from "../../../sinks/live/first-seen.ts";

describe("sinks/live/first-seen", () => {
  for (const { title, limit, names, first } of [
    { title: "tells the first time from later ones", limit: 9, names: "a b a b c", first: "a b c" },
    { title: "forgets what was met longest ago", limit: 2, names: "a b c a", first: "a b c a" },
    { title: "keeps what goes on, however much is new", limit: 2, names: "a b a c a d a", first: "a b c d" },
  ])
    it(title, () => {
      const seen = new FirstSeen(limit);
      assert.equal(
        names
          .split(" ")
          .filter((name) => seen.isFirst(name))
          .join(" "),
        first,
      );
    });
});

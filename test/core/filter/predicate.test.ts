import assert from "node:assert/strict";
import { parseFilter } from "../../../core/filter/parse.ts";
import { predicateOf } from "../../../core/filter/predicate.ts";
import { flow } from "../../support/flows.ts";
import { filterCases, nowMs } from "./cases.ts";

describe("core/filter/predicate", () => {
  for (const { title, filter, flow: parts, holds } of filterCases)
    it(`${title}: ${filter} ${holds ? "holds" : "does not hold"}`, () => {
      assert.equal(predicateOf(parseFilter(filter, nowMs))(flow(parts)), holds);
    });
});

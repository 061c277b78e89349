import assert from "node:assert/strict";
import { RulePlaces } from "../../../enforcer/tamper/rule-places.ts";
import { namedEvent, ruleEvent, tableEvent } from "./world.ts";

const came = (...handles: readonly number[]) => handles.map((handle) => ruleEvent("c", handle, false));
const gone = (...handles: readonly number[]) => handles.map((handle) => ruleEvent("c", handle, true));

describe("enforcer/tamper/rule-places", () => {
  let places: RulePlaces;
  const seen = (...handles: readonly number[]) => handles.map((handle) => places.placeOf("c", handle));
  beforeEach(() => {
    places = new RulePlaces();
    places.follow(came(4, 5, 9));
  });

  it("knows rules by the order in which we added them", () => assert.deepEqual(seen(4, 5, 9), [0, 1, 2]));
  it("knows no others", () => assert.deepEqual([...seen(6), places.placeOf("d", 4)], [undefined, undefined]));

  it("keeps the place of a rule that somebody took away, for those after it", () => {
    places.takeAway(gone(4));
    assert.deepEqual(seen(5, 9), [1, 2]);
  });

  it("begins anew when we write the chain anew, whoever took rules away before", () => {
    places.takeAway(gone(5));
    places.follow([...gone(4, 9), ...came(12, 13, 14)]);
    assert.deepEqual(seen(12, 13, 14, 5), [0, 1, 2, undefined]);
  });

  it("begins anew after somebody took everything", () => {
    places.takeAway(gone(4, 5, 9));
    places.follow([tableEvent(false), namedEvent("chain", "c", false), ...came(1, 2)]);
    assert.deepEqual(seen(1, 2, 4), [0, 1, undefined]);
  });

  it("begins anew with the chain", () => {
    places.follow([namedEvent("chain", "c", true), namedEvent("chain", "c", false), ...came(20)]);
    assert.deepEqual(seen(20, 4), [0, undefined]);
  });
});

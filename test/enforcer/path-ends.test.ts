import assert from "node:assert/strict";
import fc from "fast-check";
import { parseCidr } from "../../core/address.ts";
import type { PathEnd } from "../../enforcer/guarded-path.ts";
import { PathEnds } from "../../enforcer/path-ends.ts";
import { World } from "../../policy/world.ts";
import { arbitraryChange } from "../support/arbitrary-changes.ts";

const ends: readonly PathEnd[] = [
  { of: "node", name: null },
  { of: "node", name: "n1" },
  { of: "selector", selector: { op: "all" } },
  { of: "pod", namespace: "a", name: null },
  { of: "net", cidr: parseCidr("10.0.0.0/8") },
  { of: "net", cidr: parseCidr("10.0.0.1/32") },
  { of: "net", cidr: parseCidr("192.0.2.1/32") },
];

describe("ends of paths", () => {
  it("that followed a changing world are those that begin with it", () => {
    const isHere = (node: string) => node === "n1";
    const property = fc.property(fc.array(arbitraryChange, { minLength: 5, maxLength: 40 }), (changes) => {
      const world = new World();
      const following = new PathEnds(isHere);
      for (const change of changes) {
        world.apply([change]);
        const { endpoints } = world.placement();
        following.follow(endpoints);
        const fresh = new PathEnds(isHere);
        fresh.follow(endpoints);
        for (const end of ends) assert.deepEqual(following.of(end), fresh.of(end), JSON.stringify([end.of, change]));
        assert.deepEqual(following.system(), fresh.system());
      }
    });
    fc.assert(property, { numRuns: Number(process.env["FUZZ_RUNS"] ?? 100) });
  }).timeout(60_000);
});

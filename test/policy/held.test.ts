import assert from "node:assert/strict";
import fc from "fast-check";
import type { SluiceError } from "../../core/errors.ts";
import { canonicalText } from "../../policy/compile.ts";
import { parseProgramText, programText } from "../../policy/program-text.ts";
import { World } from "../../policy/world.ts";
import { arbitraryChange } from "../support/arbitrary-changes.ts";
import { plain } from "../support/naive-place.ts";
import { world } from "../support/world.ts";

const runs = Number(process.env["PROPERTY_RUNS"] ?? 50);
const changes = fc.array(arbitraryChange, { maxLength: 40, size: "max" });
const isPolicy = ({ kind }: { readonly kind: string }) => /Policy|Tier/.test(kind);

describe("a Program that is held while policies go on", () => {
  it("is placed as it would be if the policies had stayed", () => {
    const property = fc.property(changes, changes, (before, after) => {
      const [moving, staying] = [new World(), new World()];
      for (const one of [moving, staying]) one.apply(before);
      const held = moving.hold(moving.program());
      for (const change of after) {
        moving.apply([change]);
        // Asked for in between, as an engine does.
        held.placement();
        if (change.type !== "synced" && !isPolicy(change.object)) staying.apply([change]);
      }
      assert.deepEqual(plain(held.placement()), plain(staying.placement()));
      held.release();
    });
    fc.assert(property, { numRuns: runs });
  }).timeout(120_000);

  it("leaves the Placement of the policies in force alone, also when it is released", () => {
    const property = fc.property(changes, changes, (before, after) => {
      const [holding, plainly] = [new World(), new World()];
      for (const one of [holding, plainly]) one.apply(before);
      const held = holding.hold(holding.program());
      for (const one of [holding, plainly]) one.apply(after.slice(0, 10));
      assert.deepEqual(plain(holding.placement()), plain(plainly.placement()));
      held.release();
      for (const one of [holding, plainly]) one.apply(after.slice(10));
      assert.deepEqual(plain(holding.placement()), plain(plainly.placement()));
    });
    fc.assert(property, { numRuns: runs });
  }).timeout(120_000);
});

describe("a Program as a text", () => {
  it("comes back as it was", () => {
    const property = fc.property(changes, (all) => {
      const before = new World();
      before.apply(all);
      const program = before.program();
      const after = parseProgramText(programText(program));
      assert.equal(after.revision, program.revision);
      assert.equal(canonicalText(after), canonicalText(program));
      assert.deepEqual([...after.sets.values()], [...program.sets.values()]);
      assert.deepEqual([...after.rules], [...program.rules]);
      assert.deepEqual(after.notEnforced, program.notEnforced);
    });
    fc.assert(property, { numRuns: runs });
  }).timeout(120_000);

  it("is refused if any character of it was changed or cut off", () => {
    const text = programText(world().namespace("a").pod("a/web", { app: "web" }).world().program());
    const property = fc.property(fc.nat(text.length - 2), fc.boolean(), (at, cut) => {
      const damaged = cut
        ? text.slice(0, at)
        : `${text.slice(0, at)}${text[at] === "1" ? "2" : "1"}${text.slice(at + 1)}`;
      assert.throws(
        () => parseProgramText(damaged),
        (thrown: SluiceError) => thrown.code === "LAST_GOOD_INVALID",
      );
    });
    fc.assert(property, { numRuns: 500 });
  });
});

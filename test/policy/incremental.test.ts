import assert from "node:assert/strict";
import fc from "fast-check";
import { type KubeObject, keyOf } from "../../core/kube/objects.ts";
import type { Change } from "../../core/kube/watch.ts";
import { canonicalText, compile } from "../../policy/compile.ts";
import { type Fact, readFact } from "../../policy/kinds/read.ts";
import { place } from "../../policy/place.ts";
import type { Placement } from "../../policy/placement.ts";
import type { Program } from "../../policy/program.ts";
import { revisionOf } from "../../policy/revision.ts";
import { World } from "../../policy/world.ts";
import { arbitraryChange } from "../support/arbitrary-changes.ts";
import { type NamedBackend, naivePlace, plain } from "../support/naive-place.ts";
import { world } from "../support/world.ts";

const runs = Number(process.env["PROPERTY_RUNS"] ?? 50);
// fast-check goes on for ever after a number that is not whole.
const few = Math.ceil(runs / 4);

/** The objects whose last good state a world has after these changes: the naive way. */
function finalObjects(changes: readonly Change[]): readonly KubeObject[] {
  const objects = new Map<string, KubeObject>();
  for (const change of changes) {
    if (change.type === "synced") continue;
    if (change.type === "delete") objects.delete(keyOf(change.object));
    else if ("value" in readFact(change.object)) objects.set(keyOf(change.object), change.object);
  }
  return [...objects.values()];
}

const upserts = (objects: readonly KubeObject[]): readonly Change[] =>
  objects.map((object) => ({ type: "upsert", object }));

/** Applies batch by batch and asks for everything after each, as an engine does. */
function worldAfter(batches: readonly (readonly Change[])[]): World {
  const world = new World();
  for (const batch of batches) {
    world.apply(batch);
    told(world);
  }
  return world;
}

function told(world: World): unknown {
  const pending = world.pending();
  return {
    inForce: outcome(world.program(), world.placement()),
    pending: outcome(pending.program, pending.placement),
    nodes: [...world.nodes()].sort(),
    missingTiers: world.missingTiers(),
  };
}

function outcome(program: Program, placement: Placement): unknown {
  return {
    revision: program.revision,
    text: canonicalText(program),
    rules: [...program.rules].sort(),
    notEnforced: program.notEnforced,
    placement: plain(placement),
  };
}

function factOf(object: KubeObject): Fact {
  const read = readFact(object);
  return "value" in read ? read.value : { type: "none" };
}

function backendsOf(objects: readonly KubeObject[]): readonly NamedBackend[] {
  return objects.map(factOf).flatMap((fact) => {
    if (fact.type !== "endpointSlice") return [];
    const { service, backends } = fact.endpointSlice;
    return service === null ? [] : backends.map((backend) => ({ ...backend, service }));
  });
}

// At fast-check's own size most sequences would be too short for anything to happen twice.
const changes = fc.array(arbitraryChange, { maxLength: 60, size: "max" });
const batches = fc.array(fc.array(arbitraryChange, { maxLength: 8, size: "max" }), { maxLength: 12, size: "max" });

describe("a world after any changes", () => {
  it("is what it would be from scratch, however the changes came in batches", () => {
    const property = fc.property(batches, (split) => {
      const all = split.flat();
      const scratch = told(worldAfter([upserts(finalObjects(all))]));
      assert.deepEqual(told(worldAfter(split)), scratch);
      assert.deepEqual(told(worldAfter([all])), scratch, "squashed");
    });
    fc.assert(property, { numRuns: runs });
  }).timeout(120_000);

  it("is the same in whatever order the objects came", () => {
    const property = fc.property(changes, (all) => {
      const objects = finalObjects(all);
      const reversed = upserts(objects.toReversed());
      const scratch = told(worldAfter([upserts(objects)]));
      assert.deepEqual(told(worldAfter([reversed])), scratch);
      assert.deepEqual(told(worldAfter(reversed.map((change) => [change]))), scratch, "one by one");
    });
    fc.assert(property, { numRuns: runs });
  }).timeout(120_000);

  it("has the program that its tiers and policies compile to", () => {
    const property = fc.property(changes, (all) => {
      const facts = finalObjects(all).map(factOf);
      const tiers = facts.flatMap((fact) => (fact.type === "tier" ? [fact.tier] : []));
      const policies = facts.flatMap((fact) => (fact.type === "policy" ? [fact.policy] : []));
      assert.equal(canonicalText(worldAfter([all]).program()), canonicalText(compile(tiers, policies)));
    });
    fc.assert(property, { numRuns: runs });
  }).timeout(60_000);

  it("forgets everything when everything is deleted", () => {
    const property = fc.property(changes, (all) => {
      const gone = finalObjects(all).map((object): Change => ({ type: "delete", object }));
      assert.deepEqual(told(worldAfter([all, gone])), told(new World()));
    });
    fc.assert(property, { numRuns: few });
  }).timeout(60_000);

  it("places endpoints as asking every selector about every one of them does", () => {
    const property = fc.property(changes, (all) => {
      const world = worldAfter([all]);
      const endpoints = [...world.placement().endpoints.values()];
      const expected = naivePlace(world.program(), endpoints, backendsOf(finalObjects(all)));
      assert.deepEqual(plain(world.placement()), plain(expected));
      const services = Map.groupBy(backendsOf(finalObjects(all)), ({ service }) => service);
      assert.deepEqual(plain(place(world.program(), endpoints, services)), plain(expected), "place");
    });
    fc.assert(property, { numRuns: runs });
  }).timeout(120_000);

  it("does not change what it told before", () => {
    const property = fc.property(batches, (split) => {
      // Much is made when it is asked for, so one world is asked at once and the other at the end.
      const [world, asked] = [new World(), new World()];
      const kept = split.map((batch) => {
        for (const each of [world, asked]) each.apply(batch);
        return { program: world.program(), placement: world.placement(), now: told(asked) };
      });
      for (const { program, placement, now } of kept)
        assert.deepEqual(outcome(program, placement), (now as { readonly inForce: unknown }).inForce);
    });
    fc.assert(property, { numRuns: few });
  }).timeout(60_000);

  it("keeps the order of policies that come in between two, however many", () => {
    const builder = world().namespace("a").pod("a/web");
    const current = builder.world();
    for (let turn = 0; turn < 60; turn++) {
      const order = turn % 2 === 0 ? 2 ** -turn : 1 + 2 ** -turn;
      builder.global(`p${turn}`, { order, types: ["Ingress"], ingress: [{ action: "Deny" }] });
      current.apply(upserts(builder.objects.slice(-1)));
      assert.deepEqual(told(current), told(worldAfter([upserts(builder.objects)])));
    }
  }).timeout(20_000);

  it("has a revision that can be computed from its text", () => {
    const property = fc.property(changes, (all) => {
      const program = worldAfter([all]).program();
      const { applies } = JSON.parse(canonicalText(program)) as Pick<Program, "applies">;
      assert.equal(revisionOf(applies), program.revision);
    });
    fc.assert(property, { numRuns: few });
  }).timeout(60_000);
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { diff } from "../../enforcer/diff.ts";
import type { Element } from "../../enforcer/element.ts";
import { render } from "../../enforcer/render.ts";
import { type Command, emptyRuleset, type NamedSet, nameOf, type Ruleset } from "../../enforcer/ruleset.ts";
import { arbitraryProgram } from "../support/arbitrary-program.ts";
import { applied } from "../support/nft-memory.ts";
import { viewOf } from "../support/render-all.ts";

const arbitraryRuleset = arbitraryProgram.map((builder): Ruleset => {
  const placement = builder.placement();
  return render(builder.program(), placement, viewOf(placement, "a")).ruleset;
});

describe("a difference of rulesets", () => {
  it("turns any ruleset into any other, in an order that nft accepts", () => {
    fc.assert(
      fc.property(arbitraryRuleset, arbitraryRuleset, (a, b) => {
        assert.deepEqual(applied(a, diff(a, b)), b);
      }),
    );
  }).timeout(20_000);

  it("there and back again, also by way of nothing, ends where it began", () => {
    fc.assert(
      fc.property(arbitraryRuleset, arbitraryRuleset, (a, b) => {
        const steps = [a, b, a, emptyRuleset, b];
        let kernel = applied(undefined, diff(undefined, emptyRuleset));
        let before = emptyRuleset;
        for (const next of steps) {
          kernel = applied(kernel, diff(before, next));
          before = next;
        }
        assert.deepEqual(kernel, b);
      }),
    );
  }).timeout(20_000);

  it("is empty between equal rulesets", () => {
    fc.assert(
      fc.property(arbitraryRuleset, (a) => {
        assert.deepEqual(diff(a, structuredClone(a)), []);
      }),
    );
  }).timeout(20_000);

  it("replaces everything in one transaction when nothing is known", () => {
    fc.assert(
      fc.property(arbitraryRuleset, arbitraryRuleset, (a, b) => {
        assert.deepEqual(applied(a, diff(undefined, b)), b);
        assert.deepEqual(applied(undefined, diff(undefined, b)), b);
      }),
    );
  }).timeout(20_000);

  const friends = (...elements: string[]) => withSet({ elements: new Set(elements as Element[]) });
  const cases: readonly { title: string; before: Ruleset; after: Ruleset; verbs: readonly Command["verb"][] }[] = [
    {
      title: "a member that comes is one element",
      before: friends("a"),
      after: friends("a", "b"),
      verbs: ["add-elements"],
    },
    {
      title: "a member that goes is one element",
      before: friends("a", "b"),
      after: friends("b"),
      verbs: ["delete-elements"],
    },
    {
      title: "elements are deleted before others are added, since a grown interval overlaps its former self",
      before: friends("10.0.0.0/9"),
      after: friends("10.0.0.0/8"),
      verbs: ["delete-elements", "add-elements"],
    },
    {
      title: "a set of another type is beyond a change in place: everything is replaced",
      before: friends("a"),
      after: withSet({ type: ["ipv6_addr"] }),
      verbs: ["add-table", "delete-table", "add-table", "add-set"],
    },
    {
      title: "sets whose elements time out are left alone",
      before: withSet({ flag: "timeout", elements: new Set(["a" as Element]) }),
      after: withSet({ flag: "timeout" }),
      verbs: [],
    },
  ];
  for (const { title, before, after, verbs } of cases)
    it(title, () => {
      assert.deepEqual(
        diff(before, after).map(({ verb }) => verb),
        verbs,
      );
    });
});

function withSet(more: Partial<NamedSet>): Ruleset {
  const set: NamedSet = { name: nameOf("friends"), type: ["ipv4_addr"], flag: null, elements: new Set(), ...more };
  return { ...emptyRuleset, sets: new Map([[set.name, set]]) };
}

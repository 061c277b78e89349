import assert from "node:assert/strict";
import fc from "fast-check";
import { diff } from "../../enforcer/diff.ts";
import type { Element } from "../../enforcer/element.ts";
import { phasesOf } from "../../enforcer/phases.ts";
import { render } from "../../enforcer/render.ts";
import { type Command, type Name, nameOf, type Ruleset, type Transaction } from "../../enforcer/ruleset.ts";
import { arbitraryProgram } from "../support/arbitrary-program.ts";
import { applied } from "../support/nft-memory.ts";
import { viewOf } from "../support/render-all.ts";

const arbitraryRuleset = arbitraryProgram.map((builder): Ruleset => {
  const placement = builder.placement();
  return render(builder.program(), placement, viewOf(placement, "a")).ruleset;
});

/** Of any two rulesets of a node, which have the same base chains. */
function eachChange(
  check: (before: Ruleset, after: Ruleset, phases: NonNullable<ReturnType<typeof phasesOf>>) => void,
) {
  fc.assert(
    fc.property(arbitraryRuleset, arbitraryRuleset, (a, b) => {
      const phases = phasesOf(diff(a, b));
      assert.ok(phases !== undefined);
      check(a, b, phases);
    }),
  );
}

describe("a transaction in two steps", () => {
  it("ends where the one step ends", () => {
    eachChange((a, b, { dark, visible }) => assert.deepEqual(applied(applied(a, dark), visible), b));
  }).timeout(20_000);

  it("changes nothing that a packet meets by its first step", () => {
    eachChange((a, _, { dark }) => assert.deepEqual(met(applied(a, dark)), met(a)));
  }).timeout(20_000);

  it("changes something by its first step, else these tests would show nothing", () => {
    const some = fc.sample(fc.tuple(arbitraryRuleset, arbitraryRuleset), { numRuns: 20, seed: 1 });
    assert.ok(some.some(([a, b]) => (phasesOf(diff(a, b))?.dark.length ?? 0) > 0));
  });

  it("is as before if the first step is taken back", () => {
    eachChange((a, _, { dark, undo }) => assert.deepEqual(applied(applied(a, dark), undo), a));
  }).timeout(20_000);

  const [set, map, chain, base] = [nameOf("pods"), nameOf("way"), nameOf("work"), nameOf("start")];
  const addChain: Command = { verb: "add-chain", chain: { name: chain, base: null } };
  const addRules: Command = { verb: "add-rules", chain, rules: [{ when: [], statements: [{ do: "accept" }] }] };
  const addSet: Command = { verb: "add-set", set: { name: set, type: ["ipv4_addr"], flag: null } };
  const member: Command = { verb: "add-elements", set, elements: ["10.0.0.1" as Element] };
  const entry: Command = { verb: "delete-entries", map, keys: ["10.0.0.1" as Element] };
  const cases: readonly { title: string; transaction: Transaction; steps: readonly [number, number] | undefined }[] = [
    { title: "members alone are one step", transaction: [member, entry], steps: [0, 2] },
    {
      title: "new chains and sets come first",
      transaction: [member, addSet, addChain, addRules, entry],
      steps: [3, 2],
    },
    {
      title: "rules of a chain that is there already need one step",
      transaction: [addRules, member],
      steps: undefined,
    },
    {
      title: "a base chain needs one step",
      transaction: [{ verb: "add-chain", chain: { name: base, base: { hook: "forward", priority: -5 } } }, member],
      steps: undefined,
    },
    {
      title: "a set made anew needs one step",
      transaction: [{ verb: "delete-set", name: set }, addSet],
      steps: undefined,
    },
    { title: "a whole table needs one step", transaction: [{ verb: "add-table" }, addSet, member], steps: undefined },
  ];
  for (const { title, transaction, steps } of cases)
    it(title, () => {
      const phases = phasesOf(transaction);
      assert.deepEqual(phases && [phases.dark.length, phases.visible.length], steps);
    });
});

/** What packets can come to from the base chains. */
function met(ruleset: Ruleset | undefined): unknown {
  assert.ok(ruleset !== undefined);
  const { sets, maps, chains } = ruleset;
  const seen = new Map<Name, unknown>();
  const visit = (name: Name): void => {
    const object = chains.get(name) ?? maps.get(name) ?? sets.get(name);
    if (seen.has(name) || object === undefined) return;
    seen.set(name, object);
    if ("rules" in object)
      for (const { when, statements } of object.rules) {
        for (const condition of when) if (condition.if === "member") visit(condition.set);
        for (const statement of statements)
          if (statement.do === "jump") visit(statement.to);
          else if (statement.do === "dispatch") visit(statement.map);
      }
    if ("entries" in object)
      for (const verdict of object.entries.values()) if (verdict.verdict === "jump") visit(verdict.to);
  };
  for (const { name, base } of chains.values()) if (base !== null) visit(name);
  return [...seen].sort(([a], [b]) => (a < b ? -1 : 1));
}

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Endpoint, EndpointId } from "../../policy/placement.ts";
import { type EndpointChanges, Roster } from "../../policy/roster.ts";
import { canonical, type Labels, matches, type Selector } from "../../policy/selector/syntax.ts";

const label = fc.constantFrom("a", "b", "constructor");
const value = fc.constantFrom("", "x", "y", "xy");
const labels: fc.Arbitrary<Labels> = fc.dictionary(label, value);
const selector = fc.letrec<{ tree: Selector }>((tie) => ({
  tree: fc.oneof(
    { depthSize: "small" },
    fc.constant<Selector>({ op: "all" }),
    fc.record({ op: fc.constantFrom("==" as const, "!=" as const, "contains" as const), label, value }),
    fc.record({ op: fc.constantFrom("in" as const, "not in" as const), label, values: fc.array(value) }),
    fc.record({ op: fc.constant("has" as const), label }),
    fc.record({ op: fc.constant("not" as const), term: tie("tree") }),
    fc.record({
      op: fc.constantFrom("and" as const, "or" as const),
      terms: fc.array(tie("tree"), { minLength: 1, maxLength: 3 }),
    }),
  ),
})).tree;

function endpoint(labels: Labels, index: number): Endpoint {
  const id = `pod:test/${index}` as EndpointId;
  const rest = { namespace: "test", name: String(index), node: null, addresses: [], ports: [], hostNetwork: false };
  const host = { nets: [], interfaceName: null };
  return { id, kind: "pod", labels, ...rest, ...host };
}

const changed = (endpoints: readonly Endpoint[], gone: readonly EndpointId[] = []): EndpointChanges => {
  const byId = new Map<EndpointId, Endpoint | undefined>(endpoints.map((one) => [one.id, one]));
  const keys = [...byId.keys(), ...gone].sort();
  return { keys, values: keys.map((id) => byId.get(id)) };
};

function selectedBy(roster: Roster, text: string): readonly string[] {
  roster.ask(text);
  return [...roster.selected(text).keys()];
}

describe("a roster", () => {
  it("knows whom asking every endpoint finds, whether the selector was there first or they were", () => {
    const property = fc.property(
      fc.array(labels),
      fc.array(labels),
      fc.array(selector, { minLength: 1 }),
      (before, after, selectors) => {
        const [early, late] = [new Roster(), new Roster()];
        const [first, second] = [before, after].map((all) => all.map(endpoint)) as [Endpoint[], Endpoint[]];
        const gone = first.slice(second.length).map(({ id }) => id);
        for (const one of selectors) early.ask(canonical(one));
        early.update(changed(first));
        early.update(changed(second, gone));
        late.update(changed(second));
        for (const one of selectors) {
          const expected = second.filter((each) => matches(one, each.labels)).map(({ id }) => id);
          assert.deepEqual(selectedBy(early, canonical(one)), expected.sort());
          assert.deepEqual(selectedBy(late, canonical(one)), expected.sort());
        }
      },
    );
    fc.assert(property, { numRuns: 300 });
  }).timeout(10_000);

  it("tells which selectors select others than before, and who is selected by others", () => {
    const roster = new Roster();
    for (const text of ["has(a)", "has(b)", "all()"]) roster.ask(text);
    const [one, two] = [endpoint({ a: "x" }, 1), endpoint({ b: "x" }, 2)];
    roster.update(changed([one, two]));
    const { endpoints, selectors } = roster.update(changed([{ ...one, labels: { b: "y" } }]));
    assert.deepEqual([...endpoints], [one.id]);
    assert.deepEqual([...selectors].sort(), ["has(a)", "has(b)"]);
  });

  it("knows labels that are longer than a person may write, as the prefix of inherited ones makes them", () => {
    const label = `pcns.${"x".repeat(512)}`;
    const roster = new Roster();
    roster.update(changed([endpoint({ [label]: "1" }, 0), endpoint({}, 1)]));
    assert.deepEqual(selectedBy(roster, `has(${label})`), ["pod:test/0"]);
  });
});

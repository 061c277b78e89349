import assert from "node:assert/strict";
import fc from "fast-check";
import type { Endpoint, EndpointId } from "../../policy/placement.ts";
import { Selection } from "../../policy/selection.ts";
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

describe("a selection", () => {
  it("is what asking every endpoint gives, in the same order", () => {
    const property = fc.property(fc.array(labels), selector, (all, selector) => {
      const endpoints = all.map(endpoint);
      const expected = endpoints.filter(({ labels }) => matches(selector, labels));
      assert.deepEqual(new Selection(endpoints).endpoints(canonical(selector)), expected);
    });
    fc.assert(property, { numRuns: 500 });
  });

  it("knows labels that are longer than a person may write, as the prefix of inherited ones makes them", () => {
    const label = `pcns.${"x".repeat(512)}`;
    const endpoints = [endpoint({ [label]: "1" }, 0), endpoint({}, 1)];
    assert.deepEqual(new Selection(endpoints).endpoints(`has(${label})`), [endpoints[0]]);
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { parseAddress } from "../../core/address.ts";
import { addressElement, concatenation, type Element, interfaceElement } from "../../enforcer/element.ts";
import { packed, unpacked } from "../../enforcer/packed-transaction.ts";
import { type Command, type MapVerdict, nameOf, type Rule } from "../../enforcer/ruleset.ts";

const name = fc.stringMatching(/^[a-z]{1,8}$/).map(nameOf);
const element = fc.oneof(
  fc.ipV4().map((text) => addressElement(parseAddress(text))),
  fc.ipV6().map((text) => addressElement(parseAddress(text))),
  fc.constant(concatenation(interfaceElement("eth0"), addressElement(parseAddress("10.0.0.1")))),
);
const elements: fc.Arbitrary<readonly Element[]> = fc.array(element);
const verdict: fc.Arbitrary<MapVerdict> = fc.oneof(
  fc.constant<MapVerdict>({ verdict: "accept" }),
  name.map((to): MapVerdict => ({ verdict: "jump", to })),
);
const rule: fc.Arbitrary<Rule> = fc.record({
  when: fc.array(fc.record({ if: fc.constant("family" as const), is: fc.constantFrom(4 as const, 6 as const) })),
  statements: fc.array(
    fc.oneof(fc.constant({ do: "accept" as const }), fc.record({ do: fc.constant("jump" as const), to: name })),
  ),
});
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ verb: fc.constantFrom("add-elements" as const, "delete-elements" as const), set: name, elements }),
  fc.record({ verb: fc.constant("delete-entries" as const), map: name, keys: elements }),
  fc.record({
    verb: fc.constant("add-entries" as const),
    map: name,
    entries: fc.array(fc.tuple(element, verdict)).map((entries) => new Map(entries)),
  }),
  fc.record({ verb: fc.constant("add-rules" as const), chain: name, rules: fc.array(rule) }),
  fc.record({ verb: fc.constant("add-counter" as const), name }),
);

describe("a packed transaction", () => {
  it("is unpacked as it was, after a journey between threads", () => {
    const property = fc.property(fc.array(command), (transaction) => {
      const arrived = unpacked(structuredClone(packed(transaction)));
      assert.deepEqual(
        arrived.map((one) => ({ ...one })),
        // What fast-check makes may have no prototype.
        structuredClone(transaction),
      );
    });
    fc.assert(property, { numRuns: 200 });
  });
});

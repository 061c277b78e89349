import assert from "node:assert/strict";
import fc from "fast-check";
import { fitsPattern, parseValuePattern, regexOf } from "../../../policy/taxonomy/pattern.ts";

const character = fc.constantFrom(..."ab19_-.");
const atom = fc.constantFrom("a", "b", "1", "_", "-", "\\.", ".", "\\d", "[a-z]", "[^a1]", "[a-b1.-]", "[_\\.]");
const repeat = fc.constantFrom("", "?", "*", "+", "{2}", "{0,1}", "{1,}", "{0}");
const sequence = fc.array(fc.tuple(atom, repeat), { minLength: 1, maxLength: 5 }).map((parts) => parts.flat().join(""));
const pattern = fc.array(sequence, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("|"));
const value = fc.array(character, { maxLength: 8 }).map((parts) => parts.join(""));

describe("patterns of label values", () => {
  for (const { text, fits, fitsNot } of [
    { text: "cc-[0-9]{4}", fits: ["cc-1234"], fitsNot: ["cc-123", "cc-12345", "xcc-1234", "cc-1234x", ""] },
    { text: "dev|prod", fits: ["dev", "prod"], fitsNot: ["devprod", "de", "dev|prod"] },
    { text: "a\\.b", fits: ["a.b"], fitsNot: ["axb"] },
    { text: "[a-z0-9-]*", fits: ["", "a-1"], fitsNot: ["A"] },
  ])
    it(`as ${text} fit the whole value or not at all`, () => {
      for (const one of fits) assert.ok(fitsPattern(parseValuePattern(text), one), one);
      for (const one of fitsNot) assert.ok(!fitsPattern(parseValuePattern(text), one), one);
    });

  it("mean what they mean as regular expressions, also as they are written for the API server", () => {
    fc.assert(
      fc.property(pattern, value, (text, one) => {
        const parsed = parseValuePattern(text);
        const expected = new RegExp(`^(?:${text})$`).test(one);
        assert.equal(fitsPattern(parsed, one), expected, text);
        assert.equal(new RegExp(regexOf(parsed)).test(one), expected, regexOf(parsed));
      }),
    );
  });

  it("take no time, whatever they are", () => {
    const slow = parseValuePattern(`${"a*".repeat(100)}b`);
    assert.equal(fitsPattern(slow, "a".repeat(63)), false);
  });

  for (const { text, says } of [
    { text: "(a|b)", says: /at "\(a"; there are letters/ },
    { text: "^a", says: /leave out \^ and \$/ },
    { text: "a$", says: /leave out/ },
    { text: "", says: /an alternative is empty/ },
    { text: "a||b", says: /an alternative is empty/ },
    { text: "a**", says: /at "\*"/ },
    { text: "[]", says: /at "\[\]"/ },
    { text: "[z-a]", says: /ends before it begins/ },
    { text: "a{3,2}", says: /ends before it begins/ },
    { text: "a{100}", says: /at "\{100\}"/ },
    { text: "\\w", says: /at "\\w"/ },
    { text: "a b", says: /at " b"/ },
    { text: "ü", says: /at "ü"/ },
  ])
    it(`refuse ${JSON.stringify(text)} and say where`, () => assert.throws(() => parseValuePattern(text), says));

  it("are refused with an error, not otherwise, whatever is written", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          new RegExp(regexOf(parseValuePattern(text)), "u");
        } catch (thrown) {
          assert.match((thrown as Error).message, /no pattern of values|leave out/);
        }
      }),
    );
  });
});

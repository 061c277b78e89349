import assert from "node:assert/strict";
import fc from "fast-check";
import { SluiceError } from "../../core/errors.ts";
import { parseSelector } from "../../policy/selector/parse.ts";
import { canonical, matches } from "../../policy/selector/syntax.ts";
import { arbitrarySelector } from "../support/arbitrary-selector.ts";

const label = fc.constantFrom("a", "b", "in", "contains", "calico/k8s_NS-.1/role");
const value = fc.constantFrom("", "x", "xyz", '"', "'", "ü");
const tree = arbitrarySelector(label, value);
const labels = fc.dictionary(label, value, { maxKeys: 4 });

describe("selector", () => {
  const holding = [
    {
      title: "words are labels where no operator can stand",
      selector: 'contains contains "in"',
      labels: { contains: "win" },
    },
    { title: "startswith may be written as one word", selector: 'a startswith "x"', labels: { a: "xy" } },
    { title: "blanks between starts and with do not matter", selector: 'a starts \t with "x"', labels: { a: "x" } },
    { title: "an operator may touch its value", selector: 'a contains"x"', labels: { a: "axb" } },
    { title: "not in holds for an absent label", selector: 'a notin{"x"}&&!has(foo)', labels: {} },
    { title: "not in an empty set always holds", selector: "a not in {}", labels: { a: "x" } },
    { title: "a trailing comma in a set is allowed", selector: 'a in {"x",}', labels: { a: "x" } },
    { title: "an exclamation mark negates the whole comparison", selector: '!a == "x"', labels: { a: "y" } },
    { title: "|| binds weaker than &&", selector: 'a == "x" || b == "x" && c == "x"', labels: { a: "x" } },
    { title: "a blank selector selects everybody", selector: " \t", labels: {} },
    {
      title: "a label of 512 characters is allowed",
      selector: `has(${"a".repeat(512)})`,
      labels: { ["a".repeat(512)]: "" },
    },
    {
      title: "names of Object.prototype are ordinary labels",
      selector: "!has(constructor) && toString != 'x'",
      labels: {},
    },
  ];
  for (const { title, selector, labels } of holding)
    it(title, () => assert.equal(matches(parseSelector(selector), labels as Record<string, string>), true));

  const refused = [
    { title: "a label of 513 characters", selector: `${"a".repeat(513)} == "v"`, message: /513 characters/ },
    { title: "a value without quotes", selector: "a == b", message: /found "b" where a value in quotes/ },
    { title: "a newline", selector: 'a == "b"\n', message: /unexpected "\\n" at character 9/ },
    { title: "an operator that only begins like one", selector: 'a inf "x"', message: /operator after label a/ },
    { title: "a blank between has and its parenthesis", selector: "has (a)", message: /operator after label has/ },
    { title: "an unclosed parenthesis", selector: "(has(a)", message: /the selector ends where \) was expected/ },
    { title: "a dangling &&", selector: "has(a) &&", message: /the selector ends/ },
    { title: "an unclosed set", selector: 'a in {"x"', message: /where } was expected/ },
    { title: "a lone label", selector: "a", message: /operator after label a/ },
    { title: "thousands of nested parentheses", selector: "(".repeat(5000), message: /nested parentheses/ },
  ];
  for (const { title, selector, message } of refused)
    it(`refuses ${title}`, () =>
      assert.throws(
        () => parseSelector(selector),
        (error) => error instanceof SluiceError && error.code === "SELECTOR_INVALID" && message.test(error.message),
      ));

  it("prints every selector in a form that parses to the same meaning and prints the same again", () => {
    const writable = tree.filter((selector) => !canonical(selector).includes("'\"'\"'"));
    fc.assert(
      fc.property(writable, labels, (selector, labels) => {
        const text = canonical(selector);
        const again = parseSelector(text);
        assert.equal(canonical(again), text);
        assert.equal(matches(again, labels), matches(selector, labels));
      }),
    );
  });

  it("parses any text to a selector or SELECTOR_INVALID, and nothing else", () => {
    const pieces = fc.constantFrom(
      "a",
      "has(",
      ")",
      "==",
      '"x"',
      "'",
      "in",
      "{",
      "}",
      ",",
      "&&",
      "||",
      "!",
      " ",
      "all()",
      "global(",
      "%",
      "\n",
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(pieces).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(text, (text) => {
        try {
          parseSelector(text);
        } catch (error) {
          assert.ok(error instanceof SluiceError && error.code === "SELECTOR_INVALID", String(error));
        }
      }),
      { numRuns: 500 },
    );
  });
});

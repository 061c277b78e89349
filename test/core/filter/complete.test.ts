import assert from "node:assert/strict";
import { completeFilter } from "../../../core/filter/complete.ts";

/** `|` is the cursor. `first`: some of what is offered. */
const cases: readonly { title: string; text: string; offers: readonly string[]; from: number }[] = [
  { title: "fields at the start", text: "|", offers: ["time", "verdict", "src.ns", "not", "("], from: 0 },
  {
    title: "fields by what is written",
    text: "src.n|",
    offers: ["src.ns", "src.namespace", "src.node", "src.name"],
    from: 0,
  },
  { title: "comparators after a field", text: "verdict |", offers: ["=", "!=", "~", "in", "not in"], from: 8 },
  { title: "values after a comparator", text: "verdict = |", offers: ["allow", "deny", "unknown"], from: 10 },
  { title: "values by what is written", text: "verdict = d|", offers: ["deny"], from: 10 },
  { title: "values in a set", text: "verdict in (allow, |", offers: ["deny"], from: 19 },
  { title: "values in an open quote", text: 'verdict = "de|', offers: ["deny"], from: 10 },
  { title: "true and false", text: "authoritative = |", offers: ["true", "false"], from: 16 },
  { title: "and, or after a test", text: "verdict = deny |", offers: ["and", "or"], from: 15 },
  { title: "the parenthesis where one is open", text: "(verdict = deny |", offers: ["and", "or", ")"], from: 16 },
  { title: "a comma or the end in a set", text: "verdict in (deny |", offers: [",", ")"], from: 17 },
  { title: "fields after and", text: "verdict = deny and dst.p|", offers: ["dst.port", "dst.pod"], from: 19 },
  { title: "no heed to what stands behind", text: "verdict = d| and and and", offers: ["deny"], from: 10 },
];

describe("core/filter/complete", () => {
  for (const { title, text, offers, from } of cases)
    it(`offers ${title}: ${text}`, () => {
      const cursor = text.indexOf("|");
      const completion = completeFilter(text.replace("|", ""), cursor);
      const offered = completion.options.map((option) => option.text);
      for (const offer of offers) assert.ok(offered.includes(offer), `${offer} in ${offered.join(" ")}`);
      assert.deepEqual([completion.from, completion.to], [from, cursor]);
    });

  it("tells of which field a value is expected, so that a store can offer more", () => {
    assert.equal(completeFilter("dst.ns = pay", 12).field, "dst.ns");
  });

  it("offers nothing behind what does not parse", () => {
    assert.deepEqual(completeFilter("nonsense = 1 and ", 17).options, []);
  });
});

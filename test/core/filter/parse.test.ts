import assert from "node:assert/strict";
import fc from "fast-check";
import { FilterError } from "../../../core/filter/filter-error.ts";
import { parseFilter } from "../../../core/filter/parse.ts";
import { printFilter } from "../../../core/filter/print.ts";
import { anyFilter } from "./arbitrary-filter.ts";
import { nowMs } from "./cases.ts";

/** What is wrong, and the part of the filter that is underlined. */
const refused: readonly (readonly [filter: string, complaint: string, underlined: string])[] = [
  ["", 'it ends where a field\'s name or "not" or "(" or "exists(" is expected', ""],
  ["verdict = dny", "did you mean deny?", "dny"],
  ["dst.por = 1", 'there is no field "dst.por"; did you mean dst.port?', "dst.por"],
  ["dst.port = 65536", "is no port", "65536"],
  ["dst.port = -1", "is no port", "-1"],
  ["dst.port = 80k", "is no port", "80k"],
  ["bytes > lots", "written as 1500, 10k, 5M or 2Gi", "lots"],
  ["src.ip = 10.0.0.0/33", "longer than 32 bits", "10.0.0.0/33"],
  ["src.ip = web", '"web" is no CIDR', "web"],
  ["time > yesterday", "is no time", "yesterday"],
  ["time > 2026-02-30T10:00:00Z", "is no time", "2026-02-30T10:00:00Z"],
  ["authoritative = maybe", "neither true nor false", "maybe"],
  ["protocol = tpc", "did you mean tcp?", "tpc"],
  ["protocol = 256", "is no protocol", "256"],
  ["verdict ~ x*", "no value of verdict is like", "x*"],
  ["verdict < deny", "verdict is a text and has no", "<"],
  ["src.ip ~ 10.*", "src.ip is an address and has no", "~"],
  ["bytes > (1, 2)", "compares with one value", "("],
  ["src.labels = web", "write the label too, as src.labels.app", "src.labels"],
  ["src.ns", "it ends where", ""],
  ["src.ns =", "a value of src.ns is expected", ""],
  ["src.ns = web and", "it ends where", ""],
  ["(src.ns = web", '"and" or "or" or ")" is expected', ""],
  ["src.ns = web)", '")" stands where "and" or "or" is expected', ")"],
  ["src.ns in web", '"web" stands where "(" is expected', "web"],
  ["src.ns in ()", "a value of src.ns is expected", ")"],
  ["src.ns in (a b)", '"," or ")" is expected', "b"],
  ["src.ns not a", '"in" is expected', "a"],
  ['src.ns = "web', "a quote is not closed", '"web'],
  ["src.ns = web adn dst.ns = db", "did you mean and?", "adn"],
  ["src.ns = web\nand dst.por = 1", "did you mean dst.port?", "dst.por"],
];

/** Several ways to write one filter. */
const same: readonly (readonly string[])[] = [
  [
    "src.ns = a and dst.ns = b",
    "src.ns == a AND dst.ns = b",
    "src.namespace=a&&dst.namespace=b",
    '"src.ns" = "a" and dst.ns = \'b\'',
  ],
  ["src.ns != a", "not src.ns = a", "!src.ns = a", "NOT (src.ns = a)"],
  ["src.ns not in (a, b)", "src.ns NOTIN {a, b}", "not src.ns in (a,b)", "src.ns != (a, b)"],
  ["exists(src.ns)", "has(src.ns)", "src.ns exists", "EXISTS (src.ns)"],
  [
    "src.labels.app = web",
    'src.labels["app"] = web',
    "src.labels[app] = web",
    '"src.labels.app" = web',
    "src.label.app = web",
  ],
  ["src.ns !~ a*", "not src.ns ~ a*"],
  ["bytes > 10000", "bytes > 10k", "bytes > 10kB", "bytes > 0.01M"],
  ["time > 2023-11-14T22:14:20Z", "time > now", "time > now-0s"],
  ["dst.ip = 10.0.0.0/8", "dst.ip = 10.1.2.3/8", "dst.ip = ::ffff:10.0.0.0/104"],
];

describe("core/filter/parse", () => {
  for (const [filter, complaint, underlined] of refused)
    it(`refuses ${JSON.stringify(filter)}: ${complaint}`, () => {
      assert.throws(
        () => parseFilter(filter, nowMs),
        (thrown: unknown) => {
          assert.ok(thrown instanceof FilterError);
          assert.equal(thrown.code, "FILTER_INVALID");
          assert.ok(thrown.message.includes(complaint), thrown.message);
          assert.equal(filter.slice(thrown.place.start, thrown.place.end), underlined);
          return true;
        },
      );
    });

  it("shows the line with the place underlined", () => {
    assert.throws(() => parseFilter("src.ns = web\nand dst.por = 1", nowMs), {
      message: /\n {2}and dst.por = 1\n {6}\^{7}$/,
    });
  });

  for (const [first = "", ...others] of same)
    for (const other of others)
      it(`takes ${other} for ${first}`, () => {
        assert.deepEqual(parseFilter(other, nowMs), parseFilter(first, nowMs));
      });

  it("refuses a filter nested too deep, and one too long, in a sentence", () => {
    assert.throws(() => parseFilter("(".repeat(5000), nowMs), {
      code: "FILTER_INVALID",
      message: /nested deeper than 100/,
    });
    assert.throws(() => parseFilter("x".repeat(30_000), nowMs), {
      code: "FILTER_INVALID",
      message: /longer than 20000/,
    });
  });

  it("prints what parses to the same filter", () => {
    fc.assert(
      fc.property(anyFilter, (filter) => {
        assert.deepEqual(parseFilter(printFilter(filter), nowMs), filter);
      }),
    );
  });

  it("takes any text for a filter or says FILTER_INVALID, nothing else", () => {
    const pieces = fc.constantFrom(
      "src.ns",
      "=",
      "in",
      "(",
      ")",
      "{",
      ",",
      "not",
      "and",
      '"',
      "'",
      "\\",
      "~",
      "a*",
      "[",
      "-1h",
      "\n",
      "ip",
    );
    const texts = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(pieces).map((all) => all.join(" ")),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          parseFilter(text, nowMs);
        } catch (thrown) {
          assert.ok(thrown instanceof FilterError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

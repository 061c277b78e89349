import assert from "node:assert/strict";
import fc from "fast-check";
import { flagsListing, type ListedItem, type Listing, listingOf, sizeOf } from "../../enforcer/listing.ts";
import { compareListings } from "../../enforcer/listing-diff.ts";

const of = { family: "inet", table: "sluice" };
const json = (...objects: readonly object[]) => JSON.stringify({ nftables: [{ metainfo: {} }, ...objects] });
const set = (elem: readonly unknown[], over: object = {}) => ({
  set: { ...of, name: "s", type: "ipv4_addr", handle: 1, elem, ...over },
});
const rule = (handle: number, ...expr: readonly object[]) => ({ rule: { ...of, chain: "c", handle, expr } });

const same: readonly { title: string; one: string; other: string }[] = [
  {
    title: "in whatever order elements come",
    one: json(set(["1.1.1.1", "2.2.2.2"])),
    other: json(set(["2.2.2.2", "1.1.1.1"])),
  },
  {
    title: "whatever handles are",
    one: json(set([]), rule(3, { drop: null })),
    other: json(set([], { handle: 9 }), rule(8, { drop: null })),
  },
  {
    title: "whatever counters of rules have counted",
    one: json(rule(1, { counter: { packets: 1, bytes: 2 } })),
    other: json(rule(1, { counter: { packets: 7, bytes: 9 } })),
  },
  {
    title: "whatever named counters have counted",
    one: json({ counter: { ...of, name: "x", handle: 1, packets: 0, bytes: 0 } }),
    other: json({ counter: { ...of, name: "x", handle: 4, packets: 3, bytes: 9 } }),
  },
  {
    title: "whatever is in a set whose elements time out",
    one: json(set([], { flags: ["timeout"] })),
    other: json(set([{ elem: { val: "1.1.1.1", timeout: 9, expires: 3 } }], { flags: ["timeout"] })),
  },
];

const different: readonly { title: string; one: string; other: string; lines: readonly string[] }[] = [
  {
    title: "an element",
    one: json(set(["1.1.1.1"])),
    other: json(set(["1.1.1.2"])),
    lines: ["- 1.1.1.2", "+ 1.1.1.1"],
  },
  {
    title: "an element's comment",
    one: json(set(["1.1.1.1"])),
    other: json(set([{ elem: { val: "1.1.1.1", comment: "x" } }])),
    lines: ['- 1.1.1.1 comment "x"', "+ 1.1.1.1"],
  },
  {
    title: "the name of a rule's counter",
    one: json(rule(1, { counter: "a" })),
    other: json(rule(1, { counter: "b" })),
    lines: ['- {"expr":[{"counter":"b"}]}', '+ {"expr":[{"counter":"a"}]}'],
  },
  {
    title: "the order of rules",
    one: json(rule(1, { drop: null }), rule(2, { accept: null })),
    other: json(rule(1, { accept: null }), rule(2, { drop: null })),
    lines: ['- {"expr":[{"accept":null}]}', '+ {"expr":[{"accept":null}]}'],
  },
  { title: "the flags of a set", one: json(set([])), other: json(set([], { flags: ["interval"] })), lines: [] },
];

describe("enforcer/listing", () => {
  for (const { title, one, other } of same)
    it(`is the same ${title}`, () => assert.deepEqual(compareListings(listingOf(one), listingOf(other)), []));

  for (const { title, one, other, lines } of different)
    it(`tells apart ${title}`, () => {
      const [difference, ...more] = compareListings(listingOf(one), listingOf(other));
      assert.equal(more.length, 0);
      assert.deepEqual(
        difference?.lines.map(({ sign, words }) => `${sign} ${words}`),
        lines,
      );
    });

  it("takes the words for a rule by its handle, whatever a comment says", () => {
    const text = 'table inet sluice {\n\tchain c {\n\t\tdrop comment "x # handle 9" # handle 7\n\t}\n}';
    const [item] = listingOf(json(rule(7, { drop: null })), text).get("chain c")?.items ?? [];
    assert.equal(item?.words, 'drop comment "x # handle 9"');
  });

  it("counts rules, sets, elements and counters", () => {
    const map = { map: { ...of, name: "m", elem: [["1.1.1.1", { jump: { target: "c" } }]] } };
    const all = listingOf(json(set(["1.1.1.1", "2.2.2.2"]), map, rule(1, { drop: null }), { counter: { name: "x" } }));
    assert.deepEqual(sizeOf(all), { rules: 1, sets: 2, elements: 3, counters: 1 });
  });

  it("knows a table that sleeps by its flags where nft prints broken data", () => {
    assert.throws(() => listingOf('{"nftables": [{"table": {"flags": '), /no JSON/);
    assert.match(flagsListing("table inet sluice {\n\tflags dormant\n}")?.get("table")?.header ?? "", /dormant/);
    assert.equal(flagsListing("table inet sluice {\n}"), undefined);
  });

  it("gives lines by which the one chain becomes the other", () => {
    const items = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 12 });
    fc.assert(
      fc.property(items, items, (wanted, found) => {
        const [difference] = compareListings(chainOf(wanted), chainOf(found));
        const rules: string[] = [...found];
        // From behind, so that places stay what they are.
        for (const { sign, at } of (difference?.lines ?? []).toReversed())
          if (sign === "-") rules.splice(at as number, 1);
        for (const { sign, at, words } of difference?.lines ?? [])
          if (sign === "+") rules.splice(at as number, 0, words);
        assert.deepEqual(rules, wanted);
      }),
    );
  });
});

function chainOf(rules: readonly string[]): Listing {
  const items = rules.map((text): ListedItem => ({ text, words: text }));
  return new Map([["chain c", { key: "chain c", header: "", items }]]);
}

import assert from "node:assert/strict";
import fc from "fast-check";
import type { FieldName } from "../../../core/filter/fields.ts";
import { fields } from "../../../core/filter/fields.ts";
import { parseFilter } from "../../../core/filter/parse.ts";
import { predicateOf } from "../../../core/filter/predicate.ts";
import { fieldsOf } from "../../../sinks/elasticsearch/documents/data-sets.ts";
import { type Place, places } from "../../../sinks/elasticsearch/filter-places.ts";
import { labelPatternsOf, queryOf } from "../../../sinks/elasticsearch/filter-query.ts";
import { possible } from "../../../sinks/elasticsearch/merged-flows.ts";
import { filtersMatching } from "../../core/filter/matching-filter.ts";
import { flows as anyFlows } from "../../core/records/arbitrary.ts";

// What the server makes of queries is tested with flow-reader.test.ts; here what they are made of.

const types: Readonly<Record<Place["at"], string>> = {
  ...{ text: "keyword", number: "long", port: "long", boolean: "boolean", address: "ip", time: "date_nanos" },
  ...{ labels: "flattened", service: "keyword" },
};

const fieldsIn = (place: Place): readonly string[] => {
  if (place.at === "service") return [place.namespace, place.name];
  return place.at === "time" ? [place.of] : place.of;
};

describe("queryOf", () => {
  const known = new Map(fieldsOf("flow").map(({ name, type }) => [name, type as string]));

  for (const name of Object.keys(fields) as FieldName[])
    it(`asks for ${name} in fields that documents have, of the type it takes them for`, () => {
      for (const field of fieldsIn(places[name])) assert.equal(known.get(field), types[places[name].at], field);
    });

  for (const { filter, query } of [
    { filter: "src.ns = a or (dst.ns = b or verdict = deny)", query: '{"bool":{"should":[' },
    { filter: "src.pod ~ web-*", query: '{"prefix":{"sluice.source.name":{"value":"web-"}}}' },
    { filter: "src.pod ~ **", query: '{"exists":{"field":"sluice.source.name"}}' },
    { filter: "src.pod ~ a?*?b", query: '{"wildcard":{"sluice.source.name":{"value":"a??*b"}}}' },
    { filter: 'src.pod ~ "a\\\\*b"', query: '{"wildcard":{"sluice.source.name":{"value":"a\\\\\\\\*b"}}}' },
    { filter: "dst.ip = 10.0.0.0/8", query: '{"range":{"destination.ip":{"gte":"10.0.0.0","lte":"10.255.255.255"}}}' },
    { filter: "dst.ip = 10.0.0.7", query: '{"term":{"destination.ip":"10.0.0.7"}}' },
    { filter: "not not verdict = deny", query: '{"term":{"event.action":"deny"}}' },
    { filter: "src.ns = a and not src.pod = b and not src.pod = c", query: '{"bool":{"filter":[{"term":' },
  ])
    it(`is plain: ${filter}`, () => {
      const text = JSON.stringify(queryOf(parseFilter(filter, 0)));
      assert.equal(text.slice(0, query.length), query);
      assert.equal(text.match(/"bool"/g)?.length ?? 0, query.startsWith('{"bool"') ? 1 : 0);
    });

  it("holds no script, whatever is asked", () => {
    const [flows = []] = fc.sample(fc.array(anyFlows, { minLength: 20, maxLength: 20 }), { numRuns: 1, seed: 3 });
    const words = new Set([
      ...[
        "bool",
        "filter",
        "should",
        "must_not",
        "match_all",
        "match_none",
        "exists",
        "term",
        "terms",
        "range",
        "prefix",
      ],
      ...["wildcard"],
    ]);
    fc.assert(
      fc.property(filtersMatching(flows, ["app", "script"]), (filter) => {
        for (const word of wordsIn(queryOf(filter))) assert.ok(words.has(word), word);
      }),
    );
  });

  it("looks up what labels are like only where it must", () => {
    const filter = "labels.app ~ (w*, web, w?b) or not src.labels.team ~ *x and dst.labels.a = b* and labels.b ~ *";
    assert.deepEqual(
      labelPatternsOf(parseFilter(filter, 0)).map(({ field, key, pattern }) => `${field} ${key} ${pattern}`),
      ["sluice.source.labels app w?b", "sluice.destination.labels app w?b", "sluice.source.labels team *x"],
    );
  });
});

describe("what merged flows may hold", () => {
  it("is at least what they hold: all that a filter chooses, and what it cannot tell", () => {
    const [flows = []] = fc.sample(fc.array(anyFlows, { minLength: 20, maxLength: 20 }), { numRuns: 1, seed: 5 });
    fc.assert(
      fc.property(filtersMatching(flows, ["app"]), (filter) => {
        const [chosen, may] = [predicateOf(filter), predicateOf(possible(filter, false))];
        for (const one of flows) assert.ok(!chosen(one) || may(one));
      }),
    );
  });

  for (const { filter, holds } of [
    { filter: "src.pod = a", holds: true },
    { filter: "not src.pod = a", holds: true },
    { filter: "src.pod = a and verdict = deny", holds: false },
    { filter: "not (src.pod = a or verdict = allow)", holds: false },
    { filter: "src.pod = a or verdict = deny", holds: true },
  ])
    it(`${filter}: ${holds ? "an allowed flow may be one" : "no allowed flow is one"}`, () => {
      const [one] = fc.sample(anyFlows, { numRuns: 1, seed: 5 });
      assert.ok(one !== undefined);
      assert.equal(predicateOf(possible(parseFilter(filter, 0), false))({ ...one, action: "allow" }), holds);
    });
});

function wordsIn(query: unknown): readonly string[] {
  if (Array.isArray(query)) return query.flatMap(wordsIn);
  const [entry] = Object.entries(query as object);
  if (entry === undefined) return [];
  const [word, value] = entry;
  if (word !== "bool") return [word];
  return [word, ...Object.entries(value as object).flatMap(([key, terms]) => [key, ...wordsIn(terms)])];
}

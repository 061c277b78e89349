import assert from "node:assert/strict";
import fc from "fast-check";
import { type Address, type Cidr, cidrContains, parseAddress, parseCidr } from "../../../core/address.ts";
import { type FieldName, fields } from "../../../core/filter/fields.ts";
import type { Filter, Test } from "../../../core/filter/filter.ts";
import { valuesOf } from "../../../core/filter/values.ts";
import type { Flow } from "../../../core/records/flow.ts";
import { ArchiveStore } from "../../../sinks/archive/archive-store.ts";
import { flow, network, pod, seconds } from "../../support/flows.ts";
import { archiveIn, everything, never, store, withFolder } from "./folder.ts";

// The SQL of a filter finds the records of which valuesOf says that they match: for every field, over records that have
// values, several, and none.

const v6 = parseAddress("fd00::5");
const steps = ["0|security|gnp:zones|pass|1", "1|app|np:prod/api|allow|0", "0|platform|gnp:dns|deny|2"];
const texts = ["a b", "100%", "under_score", 'quo"te', "sta*r", "que?ry", "back\\slash", "straße", "日本", "a/b~c"];
const flows: readonly Flow[] = [
  flow(),
  flow({ state: "denied", denied: "egress", reason: "spoofed", reporter: "src", enforced: steps }),
  flow({
    sourceAddress: v6,
    destinationAddress: parseAddress("::1"),
    source: null,
    destination: network,
    protocol: 58,
  }),
  flow({ protocol: 47, sourcePort: 0, destinationPort: 0, authoritative: false, programRevision: null }),
  flow({
    service: { namespace: "prod", name: "api", port: null },
    nat: {
      destinationAddress: parseAddress("10.96.0.1"),
      destinationPort: 80,
      sourceAddress: parseAddress("10.1.0.5"),
      sourcePort: 1,
    },
    enforced: [
      ...steps.slice(1, 2).map((step) => `0${step.slice(1)}`),
      "no step",
      "1|__PROFILE__|pro:kns.prod|allow|0",
    ],
    bytes: 2 ** 40,
  }),
  ...texts.map((text) =>
    flow({ node: text, source: pod(`ns/${text.replace("/", "-")}`, { [text]: text, app: text }), reason: text }),
  ),
].map((each, seq) => ({ ...each, seq, start: seconds(seq) }));

const names = Object.keys(fields) as FieldName[];
const seen = (field: FieldName, key: string | null) => [
  ...new Set(flows.flatMap((each) => valuesOf(each, field, key))),
];

const anyTest: fc.Arbitrary<Test> = fc.constantFrom(...names).chain((field) => {
  const { type } = fields[field];
  const keys = type === "labels" ? fc.constantFrom("app", ...texts) : fc.constant(null);
  return keys.chain((key): fc.Arbitrary<Test> => {
    const values = seen(field, key);
    const value = values.length === 0 ? fc.constant("none") : fc.constantFrom(...values);
    const some = fc.array(value, { minLength: 1, maxLength: 3 });
    const exists = fc.constant<Test>({ op: "test", field, key, comparator: "exists", values: [] });
    const test =
      (comparator: Test["comparator"]) =>
      (list: Test["values"]): Test => ({ op: "test", field, key, comparator, values: list });
    const prefixes = fc.constantFrom(
      "10.0.0.0/8",
      "fd00::/8",
      "::/0",
      "0.0.0.0/0",
      "::/96",
      "10.96.0.0/31",
      "::ffff:0:0/90",
    );
    if (type === "address")
      return fc.oneof(
        fc.array(prefixes.map(parseCidr), { minLength: 1, maxLength: 2 }).map(test("=")),
        some.map(test("=")),
        exists,
      );
    if (type === "number" || type === "time") {
      const order = fc.constantFrom<Test["comparator"]>("=", "<", "<=", ">", ">=");
      return values.length === 0 ? exists : fc.tuple(order, some).map(([comparator, list]) => test(comparator)(list));
    }
    if (type === "boolean") return fc.oneof(some.map(test("=")), exists);
    const patterns = some.map((list) => list.map((text) => String(text).replace(/.$/u, "*").replace(/^./u, "?")));
    return fc.oneof(some.map(test("=")), patterns.map(test("~")), some.map(test("~")), exists);
  });
});

const { filter: anyFilter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    anyTest,
    fc.record({ op: fc.constant("not" as const), term: tie("filter") }),
    fc.record({ op: fc.constantFrom("and" as const, "or" as const), terms: fc.array(tie("filter"), { maxLength: 3 }) }),
  ),
}));

describe("conditionOf", function () {
  this.timeout(120_000);

  it("finds the records whose values match, of any filter", () =>
    withStore(async (found) => {
      const property = fc.asyncProperty(anyFilter, async (filter) => {
        assert.deepEqual(
          await found(filter),
          flows.filter((each) => holds(filter, each)).map(({ seq }) => seq),
        );
      });
      await fc.assert(property, { numRuns: 80 });
    }));

  for (const { title, test } of [
    { title: "a pattern on a number", test: { field: "bytes", comparator: "~", values: ["1*"] } },
    { title: "an order of texts", test: { field: "node", comparator: "<", values: ["a"] } },
    { title: "a text as a number", test: { field: "port", comparator: "=", values: ["a"] } },
    { title: "no address", test: { field: "ip", comparator: "=", values: [5] } },
  ] as const)
    it(`refuses ${title}`, () =>
      withStore(async (found) => {
        await assert.rejects(found({ op: "test", key: null, ...test }), { code: "FILTER_INVALID" });
      }));
});

/** Numbers of the records that a filter finds, among `flows` in files and in memory. */
function withStore(work: (found: (filter: Filter) => Promise<readonly number[]>) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const archive = archiveIn(folder);
    await archive.open();
    await store(archive, flows.slice(0, 8));
    const rest = archive.sink("flow").write(flows.slice(8), never);
    const reader = new ArchiveStore({ folder, memoryMb: 256, archive });
    await work(async (filter) => (await reader.search({ ...everything, filter }, never)).items.map(({ seq }) => seq));
    await Promise.all([archive.close(), rest]);
  });
}

/** What filter.ts says, as plainly as it can be written. */
function holds(filter: Filter, each: Flow): boolean {
  switch (filter.op) {
    case "and":
      return filter.terms.every((term) => holds(term, each));
    case "or":
      return filter.terms.some((term) => holds(term, each));
    case "not":
      return !holds(filter.term, each);
    case "test": {
      const values = valuesOf(each, filter.field, filter.key);
      if (filter.comparator === "exists") return values.length > 0;
      return values.some((value) => filter.values.some((wanted) => compares(filter, value, wanted)));
    }
  }
}

function compares(
  { field, comparator }: Test,
  value: string | number | boolean,
  wanted: Test["values"][number],
): boolean {
  if (fields[field].type === "address") {
    const cidr = typeof wanted === "object" ? wanted : parseCidr(String(wanted));
    return cidrContains(cidr as Cidr, value as Address);
  }
  switch (comparator) {
    case "=":
      return value === wanted;
    case "<":
      return value < wanted;
    case "<=":
      return value <= wanted;
    case ">":
      return value > wanted;
    case ">=":
      return value >= wanted;
    case "~":
      return new RegExp(
        `^${String(wanted)
          .replace(/[.+^${}()|[\]\\]/g, "\\$&")
          .replaceAll("*", ".*")
          .replaceAll("?", ".")}$`,
        "su",
      ).test(String(value));
    case "exists":
      return true;
  }
}

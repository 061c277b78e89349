import assert from "node:assert/strict";
import fc from "fast-check";
import { aggregate, type Level } from "../../../../sinks/elasticsearch/aggregation.ts";
import {
  aggregatedFlows,
  type DataSet,
  type DataSetName,
  dataSetNames,
  dataSets,
  fieldsOf,
  mappingOfSet,
} from "../../../../sinks/elasticsearch/documents/data-sets.ts";
import { JsonBytes } from "../../../../sinks/elasticsearch/documents/json-bytes.ts";
import type { Properties } from "../../../../sinks/elasticsearch/documents/mapping.ts";
import { changes, dnsRecords, flows, heartbeats, losses } from "../../../core/records/arbitrary.ts";

const arbitraries: { readonly [N in DataSetName]: fc.Arbitrary<object> } = {
  flow: flows,
  dns: dnsRecords,
  change: changes,
  loss: losses,
  heartbeat: heartbeats,
};

type AnySet = DataSet<object>;

function textOf<R>(set: DataSet<R>): (record: R) => string {
  const [write, out] = [set.writer(), new JsonBytes()];
  return (record) => {
    write(record, out);
    return out.take().toString();
  };
}

describe("documents of Elasticsearch", () => {
  for (const name of dataSetNames) {
    const set = dataSets[name] as unknown as AnySet;
    const write = textOf(set);

    it(`of ${name} give back the record they were made of`, () => {
      fc.assert(
        fc.property(arbitraries[name], (record) => {
          assert.deepEqual(set.read(JSON.parse(write(record))), record);
        }),
      );
    });

    it(`of ${name} have only fields that the template knows, each of its type`, () => {
      fc.assert(
        fc.property(arbitraries[name], (record) => {
          assert.deepEqual(strangers(JSON.parse(write(record)), mappingOfSet(name).properties), []);
        }),
      );
    });

    it(`of ${name} that a later version wrote give back what this one knows`, () => {
      fc.assert(
        fc.property(arbitraries[name], (record) => {
          const source = { ...JSON.parse(write(record)), later: { field: 1 } };
          assert.deepEqual(set.read(source), record);
        }),
        { numRuns: 10 },
      );
    });

    it(`of ${name} have one type for each field`, () => {
      const names = fieldsOf(name).map((field) => field.name);
      assert.deepEqual(names, [...new Set(names)]);
      for (const field of names)
        assert.equal(
          names.find((other) => other.startsWith(`${field}.`)),
          undefined,
          `${field} is a field and has fields`,
        );
    });
  }

  it("of merged flows have only fields that the template of flows knows, each of its type", () => {
    const write = textOf(aggregatedFlows);
    const levels = fc.constantFrom<Level>(1, 2, 3);
    fc.assert(
      fc.property(fc.array(flows, { minLength: 1, maxLength: 5 }), levels, (batch, level) => {
        for (const merged of aggregate(batch, { allowed: level, denied: level }, 15_000))
          assert.deepEqual(strangers(JSON.parse(write(merged)), mappingOfSet("flow").properties), []);
      }),
    );
  });

  it("know a share of a record again by its object, and not by what is equal to it", () => {
    const write = textOf(dataSets.flow);
    fc.assert(
      fc.property(flows, flows, (one, other) => {
        const second = { ...other, source: one.source, service: one.service };
        write(one);
        assert.deepEqual(dataSets.flow.read(JSON.parse(write(second))), second);
      }),
    );
  });
});

/** Paths that the mapping has not, or whose value is none of its type. */
function strangers(value: unknown, properties: Properties | undefined, path = ""): readonly string[] {
  if (properties === undefined) return [path];
  return Object.entries(value as object).flatMap(([key, inner]) => {
    const [at, known] = [`${path}${key}`, Object.hasOwn(properties, key) ? properties[key] : undefined];
    if (known === undefined) return [at];
    if (known.properties !== undefined) return strangers(inner, known.properties, `${at}.`);
    return [inner].flat().every((one) => isOf(known.type as string, one)) ? [] : [`${at}: ${JSON.stringify(inner)}`];
  });
}

function isOf(type: string, value: unknown): boolean {
  switch (type) {
    case "keyword":
    case "text":
      return typeof value === "string";
    case "ip":
      return typeof value === "string" && /^[0-9a-f:.]+$/.test(value);
    case "long":
      return Number.isInteger(value);
    case "boolean":
      return typeof value === "boolean";
    case "date_nanos":
      return typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(value);
    case "flattened":
      return typeof value === "object" && value !== null;
    default:
      return type === "object";
  }
}

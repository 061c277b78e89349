import assert from "node:assert/strict";
import { parseTime } from "../../../core/clock.ts";
import { type Bucket, indexNames, parseIndexName } from "../../../sinks/elasticsearch/index-name.ts";
import { expired } from "../../../sinks/elasticsearch/retention.ts";

const at = (text: string) => parseTime(text) as number;
const day = 86_400_000;

describe("names of indices", () => {
  const cases: readonly (readonly [Bucket, string, string, string, string])[] = [
    [
      "day",
      "2026-11-23T23:59:59.999Z",
      "sluice-flow-default-2026.11.23",
      "2026-11-23T00:00:00Z",
      "2026-11-24T00:00:00Z",
    ],
    ["day", "2026-11-24T00:00:00Z", "sluice-flow-default-2026.11.24", "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"],
    [
      "hour",
      "2026-12-31T23:30:00Z",
      "sluice-flow-default-2026.12.31.23",
      "2026-12-31T23:00:00Z",
      "2027-01-01T00:00:00Z",
    ],
    ["month", "2026-02-28T12:00:00Z", "sluice-flow-default-2026.02", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"],
    ["month", "2026-12-01T00:00:00Z", "sluice-flow-default-2026.12", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"],
  ];
  for (const [bucket, time, name, since, until] of cases)
    it(`of ${time} by the ${bucket} is ${name}, and is read back`, () => {
      assert.equal(indexNames("flow", "default", bucket)(at(time) * 1000), name);
      assert.deepEqual(parseIndexName(name), {
        ...{ name, set: "flow", namespace: "default" },
        ...{ since: at(since), until: at(until) },
      });
    });

  it("follow the time from record to record", () => {
    const nameOf = indexNames("dns", "prod", "hour");
    const names = ["2026-11-23T10:59:59Z", "2026-11-23T11:00:00Z", "2026-11-23T10:00:00Z"].map((time) =>
      nameOf(at(time) * 1000),
    );
    assert.deepEqual(
      names.map((name) => name.slice(-2)),
      ["10", "11", "10"],
    );
  });

  for (const name of ["logs-flow-default-2026.11.23", "sluice-flow-2026.11.23", "sluice-flow-a-2026.13.01", "sluice-x"])
    it(`${name} is none of ours`, () => assert.equal(parseIndexName(name), undefined));
});

describe("indices whose time is over", () => {
  const names = [
    "sluice-flow-a-2026.11.20",
    "sluice-flow-a-2026.11.21",
    "sluice-change-a-2026.01.01",
    "other-2020.01.01",
  ];
  const retention = (set: string) => (set === "change" ? 0 : 2 * day);
  for (const [now, gone] of [
    ["2026-11-22T23:59:59Z", []],
    ["2026-11-23T00:00:00Z", ["sluice-flow-a-2026.11.20"]],
    ["2026-11-24T00:00:00Z", ["sluice-flow-a-2026.11.20", "sluice-flow-a-2026.11.21"]],
  ] as const)
    it(`are ${gone.length} at ${now}`, () =>
      assert.deepEqual(
        expired(names, retention, at(now)).map(({ name }) => name),
        gone,
      ));
});

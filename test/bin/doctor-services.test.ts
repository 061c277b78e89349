import assert from "node:assert/strict";
import { type AskedElastic, examineElastic, examineKafka } from "../../bin/doctor/services.ts";
import type { PartitionLag } from "../../core/bus-kafka/lag.ts";
import type { TopicState } from "../../core/bus-kafka/topics.ts";

const plan = { name: "sluice.flows", partitions: 3, replicas: 1, settings: {} };
const { name: _, ...asPlanned } = plan;
const lag = (seconds: number | null): PartitionLag => ({
  ...{ group: "sluice.archive.flows", topic: "sluice.flows", partition: 0 },
  ...{ messages: seconds === null ? 0 : 7, seconds },
});

const kafkaCases: readonly {
  title: string;
  state: TopicState["now"];
  seconds: number | null;
  status: string;
  says: RegExp;
}[] = [
  { title: "all is well", state: asPlanned, seconds: null, status: "ok", says: /1 topics are as they should be/ },
  { title: "a topic is missing", state: undefined, seconds: null, status: "warn", says: /sluice\.flows: new/ },
  {
    title: "partitions are missing",
    state: { ...asPlanned, partitions: 1 },
    seconds: null,
    status: "warn",
    says: /1 -> 3/,
  },
  { title: "a reader is behind", state: asPlanned, seconds: 300, status: "warn", says: /7 messages and 300 s behind/ },
  { title: "a reader is a little behind", state: asPlanned, seconds: 3, status: "ok", says: /3 s behind/ },
];

const now = 1_700_000_000_000;
const stats = (timestamp: number, available: number) => ({
  nodes: { a: { name: "es-0", timestamp, fs: { total: { total_in_bytes: 100e9, available_in_bytes: available } } } },
});
const well: Readonly<Record<string, unknown>> = {
  "/": { version: { number: "9.5.3" } },
  "/_cluster/health": { status: "green" },
  "/_nodes/stats/fs": stats(now, 50e9),
};

const elasticCases: readonly { title: string; answers: object; step?: string; status: string; says: RegExp }[] = [
  {
    title: "it is of an older version",
    answers: { "/": { version: { number: "7.17.0" } } },
    status: "fail",
    says: /7\.17\.0/,
  },
  {
    title: "copies are missing",
    answers: { "/_cluster/health": { status: "yellow" } },
    status: "warn",
    says: /yellow/,
  },
  { title: "shards are missing", answers: { "/_cluster/health": { status: "red" } }, status: "fail", says: /red/ },
  {
    title: "its disk is nearly full",
    answers: { "/_nodes/stats/fs": stats(now, 12e9) },
    status: "warn",
    says: /12.* free/,
  },
  { title: "its disk is full", answers: { "/_nodes/stats/fs": stats(now, 5e9) }, status: "fail", says: /free/ },
  {
    title: "its clock is behind",
    answers: { "/_nodes/stats/fs": stats(now - 5_000, 50e9) },
    status: "warn",
    says: /5\.0 s behind/,
  },
  {
    title: "its clock is ahead",
    answers: { "/_nodes/stats/fs": stats(now + 9_000, 50e9) },
    status: "warn",
    says: /9\.0 s ahead/,
  },
  { title: "a template is missing", answers: {}, step: "create", status: "warn", says: /sluice-flow: not there/ },
  { title: "a template was changed", answers: {}, step: "changed", status: "warn", says: /changed by somebody/ },
  { title: "a template is newer", answers: {}, step: "newer", status: "warn", says: /later Sluice/ },
];

const asked = (answers: object, step = "keep"): AskedElastic => ({
  get: (path) => Promise.resolve({ ...well, ...answers }[path]),
  templates: () => Promise.resolve([{ name: "sluice-flow", step }]),
  nowMs: () => now,
});

describe("bin/doctor, of services", () => {
  for (const { title, state, seconds, status, says } of kafkaCases)
    it(`${status}: ${title}`, async () => {
      const topics = () => Promise.resolve([{ plan, now: state }]);
      const found = await examineKafka({ topics, lags: () => Promise.resolve([lag(seconds)]) });
      assert.ok(
        found.some((one) => one.status === status && says.test(one.text)),
        JSON.stringify(found),
      );
      for (const one of found) assert.equal(one.fix !== undefined, one.status !== "ok");
    });
  it("tells why Kafka cannot be asked", async () => {
    const refuse = () => Promise.reject(new Error("the right Describe is missing"));
    const found = await examineKafka({ topics: refuse, lags: refuse });
    assert.deepEqual(
      found.map(({ status, subject }) => `${status} ${subject}`),
      ["fail topics", "fail lag"],
    );
  });
  it("finds nothing wrong with Elasticsearch where all is well", async () => {
    assert.deepEqual(
      (await examineElastic(asked({}))).filter(({ status }) => status !== "ok"),
      [],
    );
  });
  for (const { title, answers, step, status, says } of elasticCases)
    it(`${status}: ${title}`, async () => {
      const found = await examineElastic(asked(answers, step));
      assert.ok(
        found.some((one) => one.status === status && says.test(one.text)),
        JSON.stringify(found),
      );
    });
});

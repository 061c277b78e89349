import assert from "node:assert/strict";
import type { Json } from "../../controls/log/json-diff.ts";
import { masked } from "../../controls/log/masked.ts";

const cases: readonly { title: string; value: Json; shown: Json }[] = [
  {
    title: "an environment variable",
    value: {
      env: [
        { name: "SLUICE_BUS_PASSWORD", value: "x" },
        { name: "NODE", value: "n" },
      ],
    },
    shown: {
      env: [
        { name: "SLUICE_BUS_PASSWORD", value: "***" },
        { name: "NODE", value: "n" },
      ],
    },
  },
  {
    title: "one that is taken from a Secret, which is no secret",
    value: { env: [{ name: "TOKEN", valueFrom: { secretKeyRef: { name: "s", key: "token" } } }] },
    shown: { env: [{ name: "TOKEN", valueFrom: { secretKeyRef: { name: "s", key: "token" } } }] },
  },
  {
    title: "an argument",
    value: { args: ["--bus.password=x", "--node.name=n"], command: ["--api-key=x"] },
    shown: { args: ["--bus.password=***", "--node.name=n"], command: ["--api-key=***"] },
  },
  {
    title: "the argument after one that says so",
    value: { args: ["--password", "x", "--verbose", "y"], command: ["mc", "--bus.secret", "x", "--token-file", "f"] },
    shown: {
      args: ["--password", "***", "--verbose", "y"],
      command: ["mc", "--bus.secret", "***", "--token-file", "f"],
    },
  },
  {
    title: "a pair of a name and a value, wherever it stands, of whatever type",
    value: [
      { name: "AWS_SECRET_ACCESS_KEY", value: "x" },
      { a: { name: "DJANGO_SECRET_KEY", value: 5 } },
      { name: "AWS_ACCESS_KEY_ID", value: "y" },
    ],
    shown: [
      { name: "AWS_SECRET_ACCESS_KEY", value: "***" },
      { a: { name: "DJANGO_SECRET_KEY", value: "***" } },
      { name: "AWS_ACCESS_KEY_ID", value: "y" },
    ],
  },
  {
    title: "lines of a ConfigMap",
    value: { data: { "sluice.yaml": "bus:\n  password: x\n  brokers: [a]\n  secretName: s\n", password: "x" } },
    shown: { data: { "sluice.yaml": "bus:\n  password: ***\n  brokers: [a]\n  secretName: s\n", password: "***" } },
  },
  {
    title: "JSON in a ConfigMap, line by line",
    value: { data: { j: '{\n  "token": "x",\n  "a": 1\n}' } },
    shown: { data: { j: '{\n  "token": ***\n  "a": 1\n}' } },
  },
  {
    title: "nothing of what policies say",
    value: {
      spec: { selector: "has(token)", ingress: [{ action: "Allow" }] },
      metadata: { labels: { password: "x" } },
    },
    shown: {
      spec: { selector: "has(token)", ingress: [{ action: "Allow" }] },
      metadata: { labels: { password: "x" } },
    },
  },
];

describe("controls/log/masked", () => {
  for (const { title, value, shown } of cases)
    it(`hides what is secret: ${title}`, () => assert.deepEqual(masked(value), shown));
});

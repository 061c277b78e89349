import assert from "node:assert/strict";
import { slim } from "../../../../core/kube/api/slim.ts";

describe("core/kube/api/slim", () => {
  for (const { title, fields, value, kept } of [
    {
      title: "keeps a field with all that is below it",
      fields: { spec: true },
      value: { spec: { a: [1, { b: 2 }] }, status: 3 },
      kept: { spec: { a: [1, { b: 2 }] } },
    },
    {
      title: "keeps of each element of a list what is named",
      fields: { ips: { ip: true } },
      value: { ips: [{ ip: "10.0.0.1", zone: "a" }, { zone: "b" }] },
      kept: { ips: [{ ip: "10.0.0.1" }, {}] },
    },
    {
      title: "makes up no field that is not there",
      fields: { spec: { a: true } },
      value: { spec: {} },
      kept: { spec: {} },
    },
    {
      title: "leaves what has another shape to whoever validates",
      fields: { spec: { node: true }, ips: { ip: true } },
      value: { spec: "text", ips: [null, 7] },
      kept: { spec: "text", ips: [null, 7] },
    },
    {
      title: "takes no field from what all objects inherit",
      fields: { toString: true, constructor: true },
      value: {},
      kept: {},
    },
  ] as const)
    it(title, () => assert.deepEqual(slim(value, fields), kept));
});

import assert from "node:assert/strict";
import { parseAddress } from "../../../core/address.ts";
import type { KubeObject } from "../../../core/kube/objects.ts";
import { minimal } from "./minimal.ts";

const pod = (name: string, spec: object): KubeObject => ({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec });

describe("a minimal contest", () => {
  it("keeps what it takes to fail, and nothing else", async () => {
    const objects = [
      pod("bystander", {}),
      pod("culprit", { noise: 1, rules: [{ a: 1 }, { b: 2, c: [3, 4] }, { d: 5 }] }),
      pod("witness", { more: {} }),
    ];
    const fails = (text: string) => text.includes('"b":2') && text.includes("4") && text.includes("witness");
    const beyondSecond = [parseAddress("8.8.8.8")];
    const smallest = await minimal({ objects, beyondSecond, deny: "reject", podToHost: "deny" }, (each) =>
      Promise.resolve(fails(JSON.stringify(each.objects))),
    );
    assert.deepEqual(smallest, {
      objects: [pod("culprit", { rules: [{ b: 2, c: [4] }] }), pod("witness", {})],
      beyondSecond: [],
      deny: "drop",
      podToHost: "policy",
    });
  });
});

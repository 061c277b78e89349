import assert from "node:assert/strict";
import { evaluatorOf } from "../../policy/evaluate.ts";
import { decide, packet, reasonOf, world } from "../support/world.ts";

const denyAll = { selector: "all()", types: ["Ingress"] };

describe("world", () => {
  it("keeps the last good state of an object that becomes invalid, and tells", () => {
    const builder = world().namespace("a").pod("a/web").pod("a/api").policy("a/p", denyAll);
    const current = builder.world();
    const broken = { ...builder.objects.at(-1), spec: { selector: "((" } } as (typeof builder.objects)[number];
    const faults = current.apply([{ type: "upsert", object: broken }]);
    assert.equal(faults.length, 1);
    assert.equal(faults[0]?.problems[0]?.field, "spec.selector");
    assert.equal(
      evaluatorOf(current.program(), current.placement())(packet(builder, "a/api -> a/web tcp/80")).action,
      "deny",
    );
  });

  it("forgets an object that is deleted", () => {
    const builder = world().namespace("a").pod("a/web").pod("a/api").policy("a/p", denyAll);
    const current = builder.world();
    const policy = builder.objects.at(-1) as (typeof builder.objects)[number];
    current.apply([{ type: "delete", object: policy }]);
    assert.equal(
      evaluatorOf(current.program(), current.placement())(packet(builder, "a/api -> a/web tcp/80")).action,
      "allow",
    );
  });

  it("knows a pod from when it is sent to a node until it has ended, whether it has an address or not", () => {
    const pod = (spec: object, status: object) => ({
      ...{ apiVersion: "v1", kind: "Pod", metadata: { namespace: "a", name: "web" }, spec, status },
    });
    const [node, podIP] = [{ nodeName: "n1" }, "10.0.0.1"];
    const current = world().namespace("a").world();
    const steps = [
      { object: pod({}, { phase: "Pending" }), addresses: undefined },
      { object: pod(node, { phase: "Pending" }), addresses: [] },
      { object: pod(node, { phase: "Running", podIP }), addresses: [podIP] },
      { object: pod(node, { phase: "Succeeded", podIP }), addresses: undefined },
      { object: pod({ ...node, hostNetwork: true }, { phase: "Pending" }), addresses: undefined },
    ];
    for (const { object, addresses } of steps) {
      current.apply([{ type: "upsert", object }]);
      const { endpoints, classOf } = current.placement();
      assert.deepEqual(endpoints.get("pod:a/web" as never)?.addresses, addresses);
      assert.equal(classOf.has("pod:a/web" as never), addresses !== undefined);
    }
  });

  it("computes nothing anew when nothing of interest changed", () => {
    const current = world().namespace("a").pod("a/web").world();
    const [program, placement] = [current.program(), current.placement()];
    current.apply([{ type: "upsert", object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" } } }]);
    assert.equal(current.program(), program);
    assert.equal(current.placement(), placement);
  });

  it("keeps the program when only a pod changes", () => {
    const current = world().namespace("a").pod("a/web").world();
    const program = current.program();
    current.apply(
      world()
        .pod("a/api", {}, { ips: ["10.244.1.9"] })
        .objects.map((object) => ({ type: "upsert", object })),
    );
    assert.equal(current.program(), program);
    assert.equal(current.placement().endpoints.size, 2);
  });

  it("names tiers that policies use and nobody made", () => {
    const current = world().global("lost.x", { tier: "lost" }).policy("a/p", denyAll).world();
    assert.deepEqual(current.missingTiers(), ["lost"]);
  });

  it("takes the addresses from a pod that has ended", () => {
    const builder = world().namespace("a").pod("a/web").pod("a/api").policy("a/p", denyAll);
    const ended = builder.objects.map((object) =>
      object.metadata.name === "web"
        ? { ...object, status: { ...(object["status"] as object), phase: "Succeeded" } }
        : object,
    );
    const current = builder.world();
    current.apply(ended.map((object) => ({ type: "upsert", object })));
    assert.equal(current.placement().endpoints.has("pod:a/web" as never), false);
  });

  it("shares one class among pods to which the same applies", () => {
    const placement = world()
      .namespace("a")
      .pod("a/x", { app: "one" })
      .pod("a/y", { app: "two" })
      .policy("a/p", denyAll)
      .world()
      .placement();
    assert.equal(new Set(placement.classOf.values()).size, 1);
    assert.equal(placement.classes.size, 1);
  });

  it("sees namespace labels change", () => {
    const builder = world()
      .namespace("a", { env: "prod" })
      .pod("a/web")
      .pod("a/api")
      .global("p", { namespaceSelector: "env == 'prod'", ingress: [] });
    assert.equal(reasonOf(builder, decide(builder, "a/api -> a/web tcp/80")), "deny default|gnp:p|-1");
    builder.namespace("a", { env: "dev" });
    assert.equal(reasonOf(builder, decide(builder, "a/api -> a/web tcp/80")), "allow __PROFILE__|pro:kns|0");
  });
});

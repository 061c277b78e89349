import assert from "node:assert/strict";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Change } from "../../core/kube/watch.ts";
import { AutomaticHosts } from "../../policy/automatic-hosts.ts";
import { problemsOf } from "../../policy/kinds/read.ts";
import type { EndpointId } from "../../policy/placement.ts";
import { World } from "../../policy/world.ts";
import { nodeObject, podObject, remove, synced, upsert } from "../support/objects.ts";
import { world as builder } from "../support/world.ts";

const node = nodeObject("node-1", ["192.0.2.1", "2001:db8::1"]);
const made = (spec: object = { node: "node-1", interfaceName: "eth0" }): KubeObject => ({
  apiVersion: "projectcalico.org/v3",
  kind: "HostEndpoint",
  metadata: { name: "node-1-auto-hep" },
  spec,
});

const wordsOf = (changes: readonly Change[]) =>
  changes.map((change) => {
    if (change.type === "synced") return change.type;
    const { kind, metadata, spec } = change.object;
    return `${change.type} ${kind} ${metadata.name} ${(spec as { interfaceName?: string }).interfaceName ?? ""}`.trim();
  });

describe("policy/automatic-hosts", () => {
  it("is all of a node: its interfaces, addresses and labels, open where nothing selects it", () => {
    const [, change] = new AutomaticHosts().after([upsert(node)]);
    assert.ok(change?.type === "upsert");
    assert.deepEqual(change.object, {
      apiVersion: "projectcalico.org/v3",
      kind: "HostEndpoint",
      metadata: {
        name: "node-1-auto-hep",
        labels: { "kubernetes.io/hostname": "node-1", "projectcalico.org/created-by": "calico-kube-controllers" },
      },
      spec: {
        node: "node-1",
        interfaceName: "*",
        profiles: ["projectcalico-default-allow"],
        expectedIPs: ["192.0.2.1", "2001:db8::1"],
      },
    });
    assert.deepEqual(problemsOf(change.object), []);
  });

  it("is accepted of a node without addresses as well", () => {
    const [, change] = new AutomaticHosts().after([upsert(nodeObject("bare", []))]);
    assert.deepEqual(change?.type === "upsert" && problemsOf(change.object), []);
  });

  const auto = "HostEndpoint node-1-auto-hep *";
  const own = "HostEndpoint node-1-auto-hep eth0";
  for (const { title, steps, words } of [
    {
      title: "comes and goes with its node",
      steps: [upsert(node), remove(node)],
      words: [`upsert ${auto}`, `delete ${auto}`],
    },
    {
      title: "gives way to one that somebody made",
      steps: [upsert(node), upsert(made())],
      words: [`upsert ${auto}`, `upsert ${own}`],
    },
    {
      title: "stays away while there is one that somebody made",
      steps: [upsert(made()), upsert(node)],
      words: [`upsert ${own}`],
    },
    {
      title: "comes when the one that somebody made goes",
      steps: [upsert(made()), upsert(node), remove(made())],
      words: [`upsert ${own}`, `delete ${own}`, `upsert ${auto}`],
    },
    {
      title: "does not come when the node went before",
      steps: [upsert(made()), upsert(node), remove(node), remove(made())],
      words: [`upsert ${own}`, `delete ${own}`],
    },
  ])
    it(title, () => {
      const hosts = new AutomaticHosts();
      const told = steps.flatMap((step) => wordsOf(hosts.after([step])));
      assert.deepEqual(
        told.filter((text) => text.includes("HostEndpoint")),
        words,
      );
    });

  it("leaves everything else as it is", () => {
    const changes = [upsert(podObject("a/b")), synced];
    assert.deepEqual(new AutomaticHosts().after(changes), changes);
  });

  it("is an endpoint that policies apply to", () => {
    const world = new World();
    const lock = { selector: "has(kubernetes.io/hostname)", ingress: [{ action: "Allow" }] };
    const policies = builder().global("lock", lock).objects.map(upsert);
    assert.deepEqual(world.apply(new AutomaticHosts().after([upsert(node), ...policies])), []);
    const id = "host:node-1-auto-hep" as EndpointId;
    assert.deepEqual(world.placement().endpoints.get(id)?.addresses, ["192.0.2.1", "2001:db8::1"]);
    assert.ok(world.placement().classOf.has(id));
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { resources } from "../../../bin/objects/resources.ts";
import { PodStarts } from "../../../bin/pod-starts.ts";
import { backendsOf } from "../../../bin/service-backends.ts";
import { parseTime } from "../../../core/clock.ts";
import { slim } from "../../../core/kube/api/slim.ts";
import type { KubeObject } from "../../../core/kube/objects.ts";
import { nodeFactsOf } from "../../../enrichers/node-facts.ts";
import { podFactsOf } from "../../../enrichers/pod-facts.ts";
import { Services } from "../../../enrichers/services.ts";
import { controllerOf } from "../../../enrichers/workload.ts";
import { readFact } from "../../../policy/kinds/read.ts";
import { arbitraryChange } from "../../support/arbitrary-changes.ts";
import { arbitraryObjects } from "../../support/arbitrary-objects.ts";
import { upsert } from "../../support/objects.ts";

/** As it is read of an API server. */
function slimmed(object: KubeObject): KubeObject {
  const resource = resources.find(({ apiVersion, kind }) => apiVersion === object.apiVersion && kind === object.kind);
  if (resource === undefined) throw new Error(`${object.apiVersion}/${object.kind} is not read`);
  const { apiVersion, kind } = object;
  return { ...(slim(object, resource.fields) as KubeObject), apiVersion, kind };
}

const managed = {
  managedFields: [{ manager: "kubelet", operation: "Update", fieldsV1: { "f:status": {} } }],
  annotations: { "kubernetes.io/config.seen": "2026-01-01T00:00:00Z" },
  generateName: "web-",
  resourceVersion: "4711",
  uid: "0c5e",
  creationTimestamp: "2026-01-01T00:00:00Z",
};

/** Shortened from what a kubelet and a scheduler write. */
const pod: KubeObject = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    ...{ namespace: "shop", name: "web-6b8f-x2x9z", labels: { app: "web", "pod-template-hash": "6b8f" }, ...managed },
    deletionTimestamp: "2026-01-02T00:00:00Z",
    ownerReferences: [
      {
        apiVersion: "apps/v1",
        kind: "ReplicaSet",
        name: "web-6b8f",
        controller: true,
        blockOwnerDeletion: true,
        uid: "1",
      },
    ] as KubeObject["metadata"]["ownerReferences"] & object,
  },
  spec: {
    nodeName: "node-1",
    serviceAccountName: "web",
    initContainers: [{ name: "proxy", image: "proxy", ports: [{ name: "admin", containerPort: 9901, hostPort: 0 }] }],
    containers: [
      {
        name: "web",
        image: "web",
        env: [{ name: "A", value: "1" }],
        ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }],
      },
      { name: "none", image: "none" },
    ],
    tolerations: [{ key: "node.kubernetes.io/not-ready", operator: "Exists" }],
    volumes: [{ name: "token" }],
  },
  status: {
    phase: "Running",
    podIP: "10.0.0.1",
    podIPs: [{ ip: "10.0.0.1" }, { ip: "fd00::1" }],
    hostIP: "192.0.2.1",
    startTime: "2026-01-01T00:00:01Z",
    conditions: [{ type: "Ready", status: "True", lastProbeTime: null }],
    containerStatuses: [
      { name: "web", ready: true, state: { terminated: { finishedAt: "2026-01-01T00:01:00Z", exitCode: 0 } } },
      { name: "none", ready: true, state: { terminated: { finishedAt: "2026-01-01T00:02:00Z", exitCode: 0 } } },
    ],
  },
};

const node: KubeObject = {
  apiVersion: "v1",
  kind: "Node",
  metadata: {
    ...managed,
    name: "node-1",
    labels: { zone: "a" },
    annotations: { "projectcalico.org/IPv4VXLANTunnelAddr": "10.0.0.0" },
  },
  spec: { podCIDR: "10.0.0.0/24", podCIDRs: ["10.0.0.0/24", "fd00::/64"], providerID: "x" },
  status: {
    addresses: [
      { type: "InternalIP", address: "192.0.2.1" },
      { type: "Hostname", address: "node-1" },
    ],
    images: [{ names: ["a"], sizeBytes: 1 }],
    conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: "2026-01-01T00:00:00Z" }],
  },
};

const service: KubeObject = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { namespace: "shop", name: "web", ...managed },
  spec: {
    clusterIP: "10.96.0.1",
    clusterIPs: ["10.96.0.1"],
    externalIPs: ["203.0.113.1"],
    selector: { app: "web" },
    ports: [{ name: "http", port: 80, targetPort: "http", nodePort: 30080, protocol: "TCP" }],
    sessionAffinity: "None",
  },
  status: { loadBalancer: { ingress: [{ ip: "198.51.100.1", ipMode: "VIP" }] } },
};

const slice: KubeObject = {
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { namespace: "shop", name: "web-1", labels: { "kubernetes.io/service-name": "web" }, ...managed },
  addressType: "IPv4",
  endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready: true }, targetRef: { kind: "Pod", name: "web" } }],
  ports: [{ name: "http", port: 8080, protocol: "TCP" }],
};

describe("what is read of the objects of a cluster", () => {
  for (const object of [pod, node, slice])
    it(`is all that policy looks at in a ${object.kind}`, () =>
      assert.deepEqual(readFact(slimmed(object)), readFact(object)));

  it("is all that policy looks at in any object", () => {
    const objects = fc.oneof(
      arbitraryObjects,
      fc.array(arbitraryChange).map((changes) => changes.flatMap((one) => (one.type === "upsert" ? [one.object] : []))),
    );
    fc.assert(
      fc.property(objects, (all) => {
        for (const object of all) assert.deepEqual(readFact(slimmed(object)), readFact(object));
      }),
    );
  });

  it("is all that tells who has which address, since when, and for whom", () => {
    assert.deepEqual(podFactsOf(slimmed(pod)), podFactsOf(pod));
    assert.deepEqual(nodeFactsOf(slimmed(node)), nodeFactsOf(node));
    assert.deepEqual(controllerOf(slimmed(pod)), { kind: "ReplicaSet", name: "web-6b8f" });
    const starts = new PodStarts(["node-1"]);
    starts.follow([upsert(slimmed(pod))]);
    assert.equal(starts.startOf(podFactsOf(pod).addresses[0] ?? assert.fail()), parseTime("2026-01-01T00:00:01Z"));
  });

  for (const { title, address, port } of [
    { title: "cluster address", address: "10.96.0.1", port: 80 },
    { title: "external address", address: "203.0.113.1", port: 80 },
    { title: "load balancer", address: "198.51.100.1", port: 80 },
    { title: "node port", address: "192.0.2.1", port: 30080 },
  ])
    it(`is all that tells a Service by its ${title}`, () => {
      const services = new Services();
      services.update([upsert(slimmed(service))]);
      assert.equal(services.serviceOf({ address: address as never, protocol: 6, port }, () => true)?.name, "web");
    });

  it("is all that tells the pods behind a Service", () => {
    const objects = [pod, service];
    const asked = { port: 80, protocol: 6 };
    assert.deepEqual(backendsOf("shop/web", asked, objects.map(slimmed)), backendsOf("shop/web", asked, objects));
  });

  it("is nothing of what only others write and read", () => {
    assert.equal((slimmed(pod).metadata as { managedFields?: unknown }).managedFields, undefined);
    assert.ok(JSON.stringify(slimmed(pod)).length < JSON.stringify(pod).length);
  });

  it("is of each kind once", () => {
    const names = resources.map(({ apiVersion, kind }) => `${apiVersion}/${kind}`);
    assert.deepEqual([...new Set(names)], names);
  });
});

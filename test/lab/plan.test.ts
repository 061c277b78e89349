import assert from "node:assert/strict";
import { SluiceError } from "../../core/errors.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { type External, planCluster } from "../../lab/plan.ts";
import { node, pod, service } from "./objects.ts";

const web = pod("shop/web", { ips: ["10.244.1.2", "fd00:10:244:1::2"] });
const host = (spec: object) => ({ ...node(1), ...spec });

describe("planning a cluster", () => {
  it("gives a node, a pod and an external host a namespace each, with the lab's name in it", () => {
    const plan = planCluster([node(1), web], { name: "a", externals: [{ name: "bank", addresses: ["203.0.113.1"] }] });
    const names = [plan.fabric, ...[...plan.nodes, ...plan.pods, ...plan.externals].map(({ namespace }) => namespace)];
    assert.deepEqual(names, [
      "sluice-a-fabric",
      "sluice-a-node-node-1",
      "sluice-a-pod-shop.web",
      "sluice-a-external-bank",
    ]);
  });

  it("names interfaces within the kernel's 15 characters, whatever the pod's name", () => {
    const long = pod(`shop/${"x".repeat(200)}`, { ips: ["10.244.1.2"] });
    const [planned] = planCluster([node(1), long], { name: "a" }).pods;
    assert.match(planned?.link ?? "", /^slp[0-9a-f]{11}$/);
    assert.ok((planned?.namespace.length ?? 0) <= 255);
  });

  it("puts a pod on the host network into its node's namespace with the node's addresses", () => {
    const [planned] = planCluster([node(1), pod("shop/web", { spec: { hostNetwork: true } })], { name: "a" }).pods;
    assert.deepEqual(
      { namespace: planned?.namespace, link: planned?.link, addresses: planned?.addresses },
      { namespace: "sluice-a-node-node-1", link: null, addresses: ["172.30.0.11", "fd00:172:30::11"] },
    );
  });

  it("leaves out pods that have ended, so that their address may be given again", () => {
    const ended = pod("shop/old", { ips: ["10.244.1.2"], status: { phase: "Succeeded" } });
    assert.deepEqual(
      planCluster([node(1), ended, web], { name: "a" }).pods.map(({ id }) => id),
      ["shop/web"],
    );
  });

  it("notes addresses outside the node's pod CIDRs", () => {
    const far = pod("shop/far", { ips: ["10.99.0.1", "fd00:10:244:1::9"] });
    assert.deepEqual(planCluster([node(1), far], { name: "a" }).pods[0]?.strays, ["10.99.0.1"]);
  });

  it("ignores kinds that move no packets", () => {
    const other: KubeObject = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" } };
    assert.equal(planCluster([node(1), other], { name: "a" }).pods.length, 0);
  });

  const faults: readonly {
    readonly title: string;
    readonly objects: readonly KubeObject[];
    readonly externals?: readonly External[];
    readonly message: RegExp;
  }[] = [
    { title: "no node", objects: [web], message: /hold no Node/ },
    {
      title: "a node without InternalIP",
      objects: [host({ status: { addresses: [] } })],
      message: /^Node node-1: status\.addresses has no InternalIP/,
    },
    {
      title: "a node without status",
      objects: [host({ status: undefined })],
      message: /^Node node-1: status is not accepted/,
    },
    {
      title: "a node with a bad pod CIDR",
      objects: [host({ spec: { podCIDRs: ["10.0.0.0/40"] } })],
      message: /^Node node-1: spec\.podCIDRs\.0 is not accepted: is no CIDR/,
    },
    {
      title: "a pod without node",
      objects: [node(1), pod("shop/web", { ips: ["10.244.1.2"], spec: { nodeName: "" } })],
      message: /^Pod shop\/web: spec\.nodeName/,
    },
    {
      title: "a pod on an unknown node",
      objects: [node(1), pod("shop/web", { on: 7, ips: ["10.244.1.2"] })],
      message: /^Pod shop\/web: spec\.nodeName names no Node of these manifests: node-7/,
    },
    {
      title: "a pod without address",
      objects: [node(1), pod("shop/web", { status: { podIPs: undefined } })],
      message: /^Pod shop\/web: status\.podIP is missing/,
    },
    {
      title: "a pod with a bad address",
      objects: [node(1), pod("shop/web", { ips: ["10.244.1.256"] })],
      message: /^Pod shop\/web: status\.podIPs is not accepted: "10\.244\.1\.256"/,
    },
    {
      title: "a pod with two addresses of a family",
      objects: [node(1), pod("shop/web", { ips: ["10.244.1.2", "10.244.1.3"] })],
      message: /^Pod shop\/web: status\.podIPs names two addresses of one family/,
    },
    {
      title: "a pod with a port out of range",
      objects: [node(1), pod("shop/web", { ips: ["10.244.1.2"], ports: [{ containerPort: 65536 }] })],
      message: /^Pod shop\/web: spec\.containers\.0\.ports\.0\.containerPort/,
    },
    {
      title: "two pods with one address",
      objects: [node(1), web, pod("shop/twin", { ips: ["fd00:10:244:1:0::2"] })],
      message: /^Pod shop\/twin: status\.podIPs has fd00:10:244:1::2, which belongs to pod shop\/web/,
    },
    {
      title: "a pod with a node's address",
      objects: [node(1), pod("shop/web", { ips: ["172.30.0.11"] })],
      message: /belongs to node node-1/,
    },
    {
      title: "a Service with a pod's address",
      objects: [node(1), web, service("shop/web", { clusterIP: "10.244.1.2" })],
      message: /^Service shop\/web: spec\.clusterIPs has 10\.244\.1\.2/,
    },
    {
      title: "an external host with a pod's address",
      objects: [node(1), web],
      externals: [{ name: "x", addresses: ["10.244.1.2"] }],
      message: /^External x: addresses has 10\.244\.1\.2/,
    },
    {
      title: "an IPv6 pod on a node without IPv6",
      objects: [host({ status: { addresses: [{ type: "InternalIP", address: "172.30.0.11" }] } }), web],
      message: /^Pod shop\/web: status\.podIPs has fd00:10:244:1::2, but node node-1 has no IPv6 InternalIP/,
    },
  ];
  for (const { title, objects, externals = [], message } of faults)
    it(`refuses ${title}, naming object and field`, () =>
      assert.throws(
        () => planCluster(objects, { name: "a", externals }),
        (error: unknown) =>
          error instanceof SluiceError && error.code === "MANIFEST_INVALID" && message.test(error.message),
      ));

  for (const name of ["", "a-b", "A", "x".repeat(21), "a/b", "a b"])
    it(`refuses the lab name "${name}"`, () =>
      assert.throws(() => planCluster([node(1)], { name }), { name: "SluiceError", code: "USAGE" }));
});

import assert from "node:assert/strict";
import { planCluster } from "../../lab/plan.ts";
import { node, pod, service } from "./objects.ts";

const http = [{ name: "http", containerPort: 8080 }];
const one = pod("shop/one", { ips: ["10.244.1.2", "fd00:10:244:1::2"], labels: { app: "web" }, ports: http });
const two = pod("shop/two", {
  ips: ["10.244.1.3"],
  labels: { app: "web", tier: "x" },
  ports: [{ name: "http", containerPort: 9090 }],
});
const spec = { clusterIPs: ["10.96.0.1"], selector: { app: "web" }, ports: [{ port: 80, targetPort: "http" }] };

/** `address:port -> backend, backend` per frontend. */
function frontends(objects: Parameters<typeof planCluster>[0]): string[] {
  return planCluster([node(1), ...objects], { name: "a" }).frontends.map(({ address, port, protocol, backends }) => {
    const behind = backends.map((backend) => `${backend.address} ${backend.port}`);
    return `${address} ${port}/${protocol} -> ${behind.join(", ") || "nobody"}`;
  });
}

describe("backends of Services", () => {
  const cases = [
    {
      title: "a named port is looked up in each pod",
      objects: [one, two, service("shop/s", spec)],
      expected: ["10.96.0.1 80/TCP -> 10.244.1.2 8080, 10.244.1.3 9090"],
    },
    {
      title: "an address gets backends of its own family",
      objects: [one, two, service("shop/s", { ...spec, clusterIPs: ["fd00:10:96::1"] })],
      expected: ["fd00:10:96::1 80/TCP -> fd00:10:244:1::2 8080"],
    },
    {
      title: "a numeric target is taken as it is",
      objects: [two, service("shop/s", { ...spec, ports: [{ port: 80, targetPort: 7 }] })],
      expected: ["10.96.0.1 80/TCP -> 10.244.1.3 7"],
    },
    {
      title: "without target the port is the same",
      objects: [two, service("shop/s", { ...spec, ports: [{ port: 80 }] })],
      expected: ["10.96.0.1 80/TCP -> 10.244.1.3 80"],
    },
    {
      title: "a named port of another protocol is another port",
      objects: [two, service("shop/s", { ...spec, ports: [{ port: 80, protocol: "UDP", targetPort: "http" }] })],
      expected: ["10.96.0.1 80/UDP -> nobody"],
    },
    {
      title: "all labels of the selector must match",
      objects: [one, two, service("shop/s", { ...spec, selector: { app: "web", tier: "x" } })],
      expected: ["10.96.0.1 80/TCP -> 10.244.1.3 9090"],
    },
    {
      title: "pods of other namespaces are not behind it",
      objects: [one, service("bar/s", spec)],
      expected: ["10.96.0.1 80/TCP -> nobody"],
    },
    {
      title: "a Service without selector has nobody",
      objects: [one, service("shop/s", { ...spec, selector: undefined })],
      expected: ["10.96.0.1 80/TCP -> nobody"],
    },
    {
      title: "a headless Service has no address to serve",
      objects: [one, service("shop/s", { ...spec, clusterIPs: undefined, clusterIP: "None" })],
      expected: [],
    },
    {
      title: "a pod that is not ready gets no traffic",
      objects: [
        pod("shop/three", {
          ips: ["10.244.1.4"],
          labels: { app: "web" },
          ports: http,
          status: { conditions: [{ type: "Ready", status: "False" }] },
        }),
        service("shop/s", spec),
      ],
      expected: ["10.96.0.1 80/TCP -> nobody"],
    },
    {
      title: "a pod that is being deleted gets no traffic",
      objects: [
        pod("shop/three", {
          ips: ["10.244.1.4"],
          labels: { app: "web" },
          ports: http,
          metadata: { labels: { app: "web" }, deletionTimestamp: "2026-11-02T08:00:00Z" },
        }),
        service("shop/s", spec),
      ],
      expected: ["10.96.0.1 80/TCP -> nobody"],
    },
  ];
  for (const { title, objects, expected } of cases) it(title, () => assert.deepEqual(frontends(objects), expected));
});

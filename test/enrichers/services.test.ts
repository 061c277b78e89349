import assert from "node:assert/strict";
import { parseAddress } from "../../core/address.ts";
import { Services } from "../../enrichers/services.ts";
import { remove, serviceObject, upsert } from "../support/objects.ts";

const web = serviceObject(
  "shop/web",
  {
    clusterIP: "10.96.0.10",
    clusterIPs: ["10.96.0.10", "fd00:96::a"],
    externalIPs: ["203.0.113.7"],
    ports: [
      { name: "http", port: 80, targetPort: 8080, nodePort: 30080 },
      { name: "dns", port: 53, protocol: "UDP" },
    ],
  },
  { loadBalancer: { ingress: [{ ip: "198.51.100.1" }, { hostname: "lb.example" }] } },
);
const unnamed = serviceObject("shop/plain", { clusterIP: "10.96.0.11", ports: [{ port: 80 }] });
const headless = serviceObject("shop/headless", { clusterIP: "None", clusterIPs: ["None"], ports: [{ port: 80 }] });
const broken = serviceObject("shop/broken", { clusterIP: 7, externalIPs: "x", ports: [null, { port: "80" }, 3] });
const rival = serviceObject("shop/rival", { externalIPs: ["203.0.113.7"], ports: [{ port: 80 }] });

const cases = [
  { title: "the cluster address", address: "10.96.0.10", port: 80, service: "shop/web:http" },
  { title: "the second family's cluster address", address: "fd00:96::a", port: 80, service: "shop/web:http" },
  { title: "an external address", address: "203.0.113.7", port: 80, service: "shop/rival:null" },
  { title: "a load balancer's address", address: "198.51.100.1", port: 80, service: "shop/web:http" },
  { title: "the protocol counts", address: "10.96.0.10", port: 53, protocol: 17, service: "shop/web:dns" },
  { title: "another protocol is not it", address: "10.96.0.10", port: 53, service: undefined },
  { title: "another port is not it", address: "10.96.0.10", port: 8080, service: undefined },
  { title: "a port without name", address: "10.96.0.11", port: 80, service: "shop/plain:null" },
  { title: "a node port on a node", address: "192.168.0.1", port: 30080, node: true, service: "shop/web:http" },
  { title: "a node port on another address is none", address: "192.168.0.9", port: 30080, service: undefined },
];

describe("enrichers/services", () => {
  for (const { title, address, port, protocol = 6, node = false, service } of cases) {
    it(title, () => {
      const services = new Services();
      services.update([web, unnamed, headless, broken, rival].map(upsert));
      const found = services.serviceOf({ address: parseAddress(address), protocol, port }, () => node);
      assert.equal(found && `${found.namespace}/${found.name}:${found.port}`, service);
    });
  }

  it("a Service that changed answers at its new address only", () => {
    const services = new Services();
    const moved = serviceObject("shop/plain", { clusterIP: "10.96.0.12", ports: [{ name: "new", port: 80 }] });
    services.update([upsert(unnamed), upsert(moved)]);
    const at = (text: string) =>
      services.serviceOf({ address: parseAddress(text), protocol: 6, port: 80 }, () => false)?.port ?? null;
    assert.deepEqual([at("10.96.0.11"), at("10.96.0.12")], [null, "new"]);
    assert.deepEqual(
      ["10.96.0.11", "10.96.0.12"].map((text) => services.has(parseAddress(text))),
      [false, true],
    );
  });

  it("what a deleted Service shared stays with the other", () => {
    const services = new Services();
    services.update([upsert(web), upsert(rival), remove(rival)]);
    const target = { address: parseAddress("203.0.113.7"), protocol: 6, port: 80 };
    assert.equal(services.serviceOf(target, () => false)?.name, "web");
    assert.equal(services.has(target.address), true);
  });
});

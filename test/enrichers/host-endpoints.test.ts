import assert from "node:assert/strict";
import { parseAddress } from "../../core/address.ts";
import { HostEndpoints, namedByHost } from "../../enrichers/host-endpoints.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import { nodeEndpoint, pod } from "../support/flows.ts";
import { world } from "../support/world.ts";

const allow = { profiles: ["projectcalico-default-allow"] };
const at = (node: string, more: object) => ({ node, ...allow, ...more });
const cluster = world()
  .node("node-1", "192.0.2.1", "198.51.100.1")
  .node("node-2", "192.0.2.2")
  .node("node-3", "192.0.2.3")
  .host("one-eth0", at("node-1", { interfaceName: "eth0", expectedIPs: ["192.0.2.1"] }), { env: "prod" })
  .host("one-eth1", at("node-1", { interfaceName: "eth1", expectedIPs: ["198.51.100.1"] }))
  .host("one-rest", at("node-1", { interfaceName: "*" }), { env: "any" })
  .host("two", at("node-2", { interfaceName: "eth0" }));
const known = cluster.world();
const evaluate = evaluatorOf(known.program(), known.placement());

const cases = [
  { title: "by its address", node: "node-1", address: "198.51.100.1", name: "one-eth1" },
  {
    title: "by the interface that the packet came in by",
    node: "node-1",
    address: "192.0.2.1",
    in: "eth1",
    name: "one-eth1",
  },
  {
    title: "of all interfaces, where no other has it",
    node: "node-1",
    address: "192.0.2.1",
    in: "slp1",
    name: "one-rest",
  },
  { title: "that is the only one", node: "node-2", address: "192.0.2.2", name: "two" },
  { title: "not at all, on a node that has none", node: "node-3", address: "192.0.2.3", name: "node-3" },
];

describe("enrichers/host-endpoints", () => {
  for (const { title, node, address, name, in: link } of cases)
    it(`a node is named by its host endpoint: ${title}`, () => {
      const destination = parseAddress(address);
      const packet = {
        source: parseAddress("8.8.8.8"),
        destination,
        protocol: 6,
        sourcePort: 1,
        destinationPort: 2,
        icmp: null,
      };
      const interfaces = link === undefined ? {} : { interfaces: new Map([[node, { in: link }]]) };
      const verdict = evaluate({ ...packet, ...interfaces });
      const hosts = HostEndpoints.of(known.placement());
      const end = namedByHost(nodeEndpoint(node), { direction: "ingress", address: destination }, hosts, verdict);
      assert.deepEqual([end.name, end.node], [name, node]);
      assert.equal(end.kind, name === node ? "node" : "host");
    });

  it("its labels are those that its author gave it", () => {
    const where = { direction: "ingress", address: parseAddress("192.0.2.1") } as const;
    const hosts = HostEndpoints.of(known.placement());
    assert.deepEqual(namedByHost(nodeEndpoint("node-1"), where, hosts, undefined).labels, { env: "prod" });
  });

  it("pods are not named by host endpoints", () => {
    const web = pod("shop/web", {}, "node-1");
    const where = { direction: "egress", address: parseAddress("10.0.0.1") } as const;
    assert.equal(namedByHost(web, where, HostEndpoints.of(known.placement()), undefined), web);
  });
});

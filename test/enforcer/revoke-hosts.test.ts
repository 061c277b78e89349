import assert from "node:assert/strict";
import fc from "fast-check";
import { parseAddress, parseCidr } from "../../core/address.ts";
import { probeInterface } from "../../core/probe.ts";
import { concernOf } from "../../enforcer/concern.ts";
import type { Connection } from "../../enforcer/conntrack.ts";
import type { Enforced, Seat } from "../../enforcer/enforced.ts";
import { judgeOf } from "../../enforcer/revoke.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import type { ProgramSettings } from "../../policy/program-settings.ts";
import { arbitraryPacket, arbitraryProgram, nodes } from "../support/arbitrary-program.ts";
import { connection, connectionOf } from "../support/connections.ts";
import { interfacesOf } from "../support/journey.ts";
import { arbitraryListedHosts, withHosts } from "../support/with-hosts.ts";
import { type WorldBuilder, world } from "../support/world.ts";

// Node a has the host endpoint `edge` and pod web behind veth1; of its address 10.1.0.254 no object tells.
const node = "192.0.2.1";
const bridge = "10.1.0.254";
const web = "10.1.0.3";
const peer = "198.51.100.7";
const beyond = "198.18.0.2";
const service = "10.96.0.1";

type Given = (edge: (name: string, spec: object) => WorldBuilder) => WorldBuilder;

function enforced(given: Given, host: object = {}, own: Enforced["links"]["own"] = eth0(node)): Enforced {
  const builder = world()
    .node("a", node)
    .node("b", "192.0.2.2")
    .namespace("shop")
    .pod("shop/web", { app: "web" }, { node: "a", ips: [web] })
    .host("edge", { node: "a", interfaceName: "eth0", expectedIPs: [node], ...profiles, ...host }, { role: "edge" });
  const current = given((name, spec) => builder.global(name, { selector: "role == 'edge'", ...spec })).world();
  return { program: current.program(), placement: current.placement(), podCidrs: [], links: { own } };
}

const profiles = { profiles: ["projectcalico-default-allow"] };
const eth0 = (...addresses: readonly string[]) => new Map(addresses.map((address) => [parseAddress(address), "eth0"]));
const allow = (...ports: readonly number[]) => ({ action: "Allow", protocol: "TCP", destination: { ports } });
const deny = (...ports: readonly number[]) => ({ ...allow(...ports), action: "Deny" });
const normalIn: Given = (edge) => edge("own", { ingress: [allow(80)] });
const normalOut: Given = (edge) => edge("own", { types: ["Egress"], egress: [allow(443)] });
const forwardIn: Given = (edge) => edge("fwd", { applyOnForward: true, ingress: [allow(8080)] });
const forwardOut: Given = (edge) => edge("fwd", { applyOnForward: true, types: ["Egress"], egress: [allow(443)] });
const preDnat = (...ingress: readonly object[]) => ({ preDNAT: true, applyOnForward: true, ingress });
const all = { interfaceName: "*" };
const byAddress = { interfaceName: undefined };

interface Case {
  readonly title: string;
  readonly given: Given;
  readonly host?: object;
  /** `FROM[@INTERFACE] -> TO[@INTERFACE] PORT`, and `behind ADDRESS PORT` where its destination is translated. */
  readonly of: string;
  readonly podToHost?: ProgramSettings["podToHost"];
  readonly deniedBy: "ingress" | "egress" | null;
}

const cases: readonly Case[] = [
  ...[
    { title: "to a process is denied by its ingress policy", of: `${peer}@eth0 -> ${node} 8080`, deniedBy: "ingress" },
    { title: "to a process is allowed by it", of: `${peer}@eth0 -> ${node} 80`, deniedBy: null },
    { title: "at a failsafe port is allowed", of: `${peer}@eth0 -> ${node} 6443`, deniedBy: null },
    { title: "by an interface that nobody governs is allowed", of: `${peer}@eth1 -> ${node} 8080`, deniedBy: null },
    { title: "by an interface that is not told is let alone", of: `${peer} -> ${node} 8080`, deniedBy: null },
    {
      title: "to an address that only the node knows is denied",
      of: `${peer}@eth0 -> ${bridge} 81`,
      deniedBy: "ingress",
    },
    { title: "of a process is not asked about", of: `${node} -> ${peer}@eth0 8080`, deniedBy: null },
    { title: "to a pod is not asked about", of: `${peer}@eth0 -> ${web}@veth1 8080`, deniedBy: null },
  ].map((one) => ({ ...one, given: normalIn }) as Case),
  ...[
    { title: "of a process is denied by its egress policy", of: `${node} -> ${peer}@eth0 80`, deniedBy: "egress" },
    { title: "of a process is allowed by it", of: `${node} -> ${peer}@eth0 443`, deniedBy: null },
    { title: "of a process by another interface is allowed", of: `${node} -> ${peer}@eth1 80`, deniedBy: null },
    {
      title: "of a process to a Service is judged by whom it came to",
      of: `${node} -> ${service}@eth0 80 behind ${peer} 443`,
      deniedBy: null,
    },
    {
      title: "of a process to a pod of the node is allowed",
      of: `${node} -> ${web}@veth1 80`,
      deniedBy: null,
      host: all,
    },
    { title: "of the node to itself is allowed", of: `${node} -> ${bridge} 80`, deniedBy: null, host: all },
  ].map((one) => ({ ...one, given: normalOut }) as Case),
  ...[
    {
      title: "the endpoint of all interfaces denies at any",
      host: all,
      of: `${peer}@eth7 -> ${node} 81`,
      deniedBy: "ingress",
    },
    {
      title: "the one of an address denies at its interface",
      host: byAddress,
      of: `${peer}@eth0 -> ${node} 81`,
      deniedBy: "ingress",
    },
    {
      title: "the one of an address asks nothing at others",
      host: byAddress,
      of: `${peer}@eth1 -> ${node} 81`,
      deniedBy: null,
    },
    {
      title: "one whose interface is not there asks nothing",
      host: { ...byAddress, expectedIPs: ["192.0.2.99"] },
      of: `${peer}@eth0 -> ${node} 81`,
      deniedBy: null,
    },
    {
      title: "of a pod to its node is denied by the endpoint of all",
      host: all,
      of: `${web}@veth1 -> ${node} 81`,
      deniedBy: "ingress",
    },
    {
      title: "or let alone, by setting",
      host: all,
      podToHost: "allow",
      of: `${web}@veth1 -> ${node} 81`,
      deniedBy: null,
    },
    { title: "or denied by setting", podToHost: "deny", of: `${web}@veth1 -> ${node} 80`, deniedBy: "ingress" },
    {
      title: "or denied by setting, at an address that only the node knows",
      podToHost: "deny",
      of: `${web}@veth1 -> ${bridge} 80`,
      deniedBy: "ingress",
    },
    {
      title: "to another node is no matter of that setting",
      podToHost: "deny",
      of: `${web}@veth1 -> 192.0.2.2@eth0 80`,
      deniedBy: null,
    },
  ].map((one) => ({ ...one, given: normalIn }) as Case),
  ...[
    { title: "to a pod is denied where it comes in", of: `${peer}@eth0 -> ${web}@veth1 80`, deniedBy: "ingress" },
    { title: "to a pod is allowed where it comes in", of: `${peer}@eth0 -> ${web}@veth1 8080`, deniedBy: null },
    {
      title: "through the node is denied where it comes in",
      of: `${peer}@eth0 -> ${beyond}@eth1 80`,
      deniedBy: "ingress",
    },
    {
      title: "through the node by other interfaces is allowed",
      of: `${peer}@eth2 -> ${beyond}@eth1 80`,
      deniedBy: null,
    },
    { title: "through the node the other way is allowed", of: `${beyond}@eth1 -> ${peer}@eth0 80`, deniedBy: null },
    {
      title: "of a probe is let alone",
      host: all,
      of: `198.18.254.2@${probeInterface} -> 198.18.254.3@${probeInterface} 80`,
      deniedBy: null,
    },
  ].map((one) => ({ ...one, given: forwardIn }) as Case),
  {
    title: "of a pod is denied where it goes out",
    given: forwardOut,
    of: `${web}@veth1 -> ${peer}@eth0 80`,
    deniedBy: "egress",
  },
  {
    title: "to a Service is denied by preDNAT, which sees the Service's port",
    given: (edge) => edge("pre", preDnat(deny(30_080))),
    of: `${peer}@eth0 -> ${node}@veth1 30080 behind ${web} 80`,
    deniedBy: "ingress",
  },
  {
    title: "to a pod's port is not denied by preDNAT that is about another",
    given: (edge) => edge("pre", preDnat(deny(80))),
    of: `${peer}@eth0 -> ${node}@veth1 30080 behind ${web} 80`,
    deniedBy: null,
  },
  {
    title: "that preDNAT allows is not asked about where it is forwarded",
    given: (edge) => {
      edge("pre", preDnat(allow(30_080)));
      return edge("fwd", { applyOnForward: true, ingress: [deny()] });
    },
    of: `${peer}@eth0 -> ${node}@veth1 30080 behind ${web} 80`,
    deniedBy: null,
  },
];

function parse(text: string): Connection {
  const [, from = "", enters, to = "", leaves, port, behind] =
    /^([\d.]+)(?:@(\S+))? -> ([\d.]+)(?:@(\S+))? (\d+)(?: behind (.+))?$/.exec(text) ?? [];
  return connection({
    from: `${from} 1000`,
    to: `${to} ${port}`,
    ...(behind === undefined ? {} : { dnat: behind }),
    links: [enters ?? null, leaves ?? null],
  });
}

const seat: Seat = {
  node: "a",
  localAddresses: new Set([node, bridge].map(parseAddress)),
  unknownEndpoints: "deny",
};

describe("of a node with a host endpoint, a connection", () => {
  for (const { title, given, host, of, podToHost = "policy", deniedBy } of cases)
    it(title, () => {
      const set: Given = (edge) => given(edge).settings({ podToHost });
      assert.equal(judgeOf(enforced(set, host), seat)(parse(of)), deniedBy);
    });

  it("to an address of the node that no object tells is not to one of the nodes that rules mean", () => {
    const notToNodes: Given = (edge) => {
      const builder = edge("own", {});
      builder.objects.push({
        ...{
          apiVersion: "policy.networking.k8s.io/v1alpha2",
          kind: "ClusterNetworkPolicy",
          metadata: { name: "nodes" },
        },
        spec: {
          ...{ tier: "Admin", priority: 1, subject: { namespaces: {} } },
          egress: [{ action: "Deny", to: [{ nodes: {} }] }],
        },
      });
      return builder;
    };
    const open = { interfaceName: "eth9", expectedIPs: [] };
    const judge = judgeOf(enforced(notToNodes, open), seat);
    assert.equal(judge(parse(`${web}@veth1 -> ${node} 80`)), "egress");
    assert.equal(judge(parse(`${web}@veth1 -> ${bridge} 80`)), null);
  });

  it("that another one announced goes on with that one", () => {
    const expected = { ...parse(`${peer}@eth0 -> ${node} 8080`), isExpected: true };
    assert.equal(judgeOf(enforced(normalIn), seat)(expected), null);
  });

  it("is revoked on some node exactly if the evaluator, and so the rulesets, would not let it begin", () => {
    const packets = fc.array(arbitraryPacket, { minLength: 10, maxLength: 30 });
    const property = fc.property(arbitraryProgram, arbitraryListedHosts, packets, (builder, hosts, packets) => {
      const [program, placement] = [builder.program(), withHosts(builder.placement(), hosts)];
      const judges = nodes.map(({ name, addresses, podCidrs }) => {
        const ofNode = { ...seat, node: name, localAddresses: new Set(addresses.map(parseAddress)) };
        const links = { own: eth0(...addresses) };
        return { name, judge: judgeOf({ program, placement, podCidrs: podCidrs.map(parseCidr), links }, ofNode) };
      });
      const evaluate = evaluatorOf(program, placement);
      for (const bare of packets) {
        const interfaces = interfacesOf(placement, bare);
        const isRevoked = judges.some(({ name, judge }) => {
          const { in: sourceLink = null, out: destinationLink = null } = interfaces.get(name) ?? {};
          return judge({ ...connectionOf(bare), sourceLink, destinationLink }) !== null;
        });
        const { action } = evaluate({ ...bare, interfaces });
        assert.equal(isRevoked, action === "deny", JSON.stringify([bare, [...interfaces]]));
      }
    });
    fc.assert(property, { numRuns: Number(process.env["FUZZ_RUNS"] ?? 100) });
  }).timeout(60_000);
});

describe("a change of what governs an interface", () => {
  const before = enforced(normalIn);

  it("concerns everybody on its node, and on others whom it names", () => {
    const after = { ...before, placement: enforced(normalIn, { node: "b" }).placement };
    assert.equal(concernOf(before, after, "a"), "all");
    assert.equal(concernOf(before, after, "b"), "all");
    const elsewhere = concernOf(before, after, "c");
    assert.ok(elsewhere !== "all" && elsewhere.has(parseAddress(node)));
  });

  it("concerns everybody if an interface gets or loses the address that names the endpoint", () => {
    const named = enforced(normalIn, byAddress);
    assert.equal(concernOf(named, { ...named, links: { own: new Map() } }, "a"), "all");
    assert.deepEqual(concernOf(before, { ...before, links: { own: new Map() } }, "a"), new Set());
  });
});

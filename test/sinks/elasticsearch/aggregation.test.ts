import assert from "node:assert/strict";
import fc from "fast-check";
import { parseAddress } from "../../../core/address.ts";
import type { Flow } from "../../../core/records/flow.ts";
import { type AggregatedFlow, aggregate, type Level, levelOf } from "../../../sinks/elasticsearch/aggregation.ts";
import { flow, network, pod, seconds } from "../../support/flows.ts";

const windowMs = 15_000;
const levels = [0, 1, 2, 3] as const;
const at = (level: Level) => ({ allowed: level, denied: level });
const merged = (flows: readonly Flow[], level: Level) => aggregate(flows, at(level), windowMs);

/** Pods of two Deployments' ReplicaSets, as their controllers name them. */
const client = (name: string) => ({ ...pod(`shop/${name}`, { app: "client", pod: name }), workload: "client" });
const server = (name: string) => ({ ...pod(`shop/${name}`, { app: "server" }), workload: "server" });
const from = (name: string, ip: string, sourcePort: number, parts: Partial<Flow> = {}): Flow =>
  flow({
    ...{ source: client(name), sourceAddress: parseAddress(ip), sourcePort, seq: sourcePort },
    ...{ destination: server("server-5d4f7c9b8-x2k4p"), packets: 1, replyPackets: 2 },
    ...parts,
  });

// The example of Calico's documents ("Flow log aggregation"): two pods of a Deployment to one server, on two ports.
const example = [
  from("client-8d4f7c9b8-aaaaa", "10.1.0.1", 1000, { packets: 1, replyPackets: 2 }),
  from("client-8d4f7c9b8-aaaaa", "10.1.0.1", 1001, { packets: 2, replyPackets: 2 }),
  from("client-8d4f7c9b8-bbbbb", "10.1.0.2", 1002, { packets: 2, replyPackets: 3 }),
  from("client-8d4f7c9b8-aaaaa", "10.1.0.1", 1003, { packets: 2, replyPackets: 4, destinationPort: 9090 }),
];

describe("aggregated flows", () => {
  for (const [level, rows] of [4, 3, 2, 1].entries())
    it(`of the four connections of Calico's example are ${rows} at level ${level}`, () => {
      const groups = merged(example, level as Level);
      assert.equal(groups.length, rows);
      assert.deepEqual([total(groups, "packets"), total(groups, "replyPackets"), total(groups, "flows")], [7, 11, 4]);
    });

  it("tell what is left, and what all have in common", () => {
    const [group] = merged(example, 3) as [AggregatedFlow];
    assert.deepEqual(group.source, {
      ...{ kind: "pod", address: null, port: null, namespace: "shop", name: null },
      ...{ nameAggregated: "client-8d4f7c9b8-*", labels: { app: "client" } },
    });
    assert.deepEqual([group.destination.port, group.seq, group.level], [null, 1000, 3]);
    const [kept] = merged(example.slice(0, 1), 0) as [AggregatedFlow];
    assert.deepEqual(
      [kept.source.address, kept.source.port, kept.source.name],
      ["10.1.0.1", 1000, "client-8d4f7c9b8-aaaaa"],
    );
  });

  const names = [
    {
      title: "a Deployment's pod",
      end: { ...client("web-6c7d8f9b5c-tm3fx"), workloadKind: "Deployment" },
      is: "web-6c7d8f9b5c-*",
    },
    { title: "a StatefulSet's pod", end: { ...client("db-12"), workloadKind: "StatefulSet" }, is: "db-*" },
    { title: "a pod that nobody made", end: { ...client("debug-abcde"), workloadKind: "Pod" }, is: "debug-abcde" },
    { title: "a node", end: { ...network, kind: "node" as const, name: "node-1" }, is: "node-1" },
    { title: "an address of the internet", end: network, ip: "93.184.216.34", is: "pub" },
    { title: "an address of a private network", end: network, ip: "172.20.1.1", is: "pvt" },
    { title: "an address of a private network of IPv6", end: network, ip: "fd00::1", is: "pvt" },
  ] as const;
  for (const { title, end, is, ...rest } of names)
    it(`call ${title} ${is}`, () => {
      const source = { source: end, sourceAddress: parseAddress("ip" in rest ? rest.ip : "10.1.0.1") };
      assert.equal(merged([flow(source)], 2)[0]?.source.nameAggregated, is);
    });

  const denied = "0|app|np:shop/app.x|deny|0";
  const staged = "0|app|snp:shop/app.x|deny|0";
  const sides = [
    { title: "allowed", parts: {}, level: 2 },
    { title: "denied", parts: { state: "denied", action: "deny" }, level: 1 },
    { title: "allowed on a path with a denial", parts: { enforced: [denied] }, level: 1 },
    { title: "allowed, that a staged policy would deny", parts: { pending: [staged] }, level: 1 },
  ] as const;
  for (const { title, parts, level } of sides)
    it(`have the level of ${level === 1 ? "denied" : "allowed"} ones where they are ${title}`, () => {
      assert.equal(levelOf(flow(parts), { allowed: 2, denied: 1 }), level);
    });

  it("count connections, those that began and those that ended, whatever the number of their records", () => {
    const again = { ...(example[0] as Flow), seq: 9_999, state: "closed", startedAt: seconds(0) } as const;
    const older = { ...(example[1] as Flow), startedAt: seconds(-60) };
    const [group] = merged([example[0] as Flow, again, older], 1) as [AggregatedFlow];
    assert.deepEqual([group.flows, group.flowsStarted, group.flowsCompleted, group.packets], [2, 1, 1, 4]);
  });

  it("name a few of the domains that were asked for, and of the ports that SNAT gave", () => {
    const many = Array.from({ length: 9 }, (_, i) =>
      from("client-8d4f7c9b8-aaaaa", "10.1.0.1", 1000 + i, {
        destinationDomain: `${9 - i}.example.com`,
        nat: {
          ...{ destinationAddress: parseAddress("10.2.0.7"), destinationPort: 8080 },
          ...{ sourceAddress: parseAddress("192.168.0.1"), sourcePort: 5000 + i },
        },
      }),
    );
    const [group] = merged(many, 1) as [AggregatedFlow];
    assert.deepEqual(
      group.destinationDomains,
      [1, 2, 3, 4, 5].map((i) => `${i}.example.com`),
    );
    assert.deepEqual(group.natSourcePorts, [5000, 5001, 5002]);
  });

  // Few values each, so that many flows are alike.
  const some = fc
    .record({
      startedAt: fc.constantFrom(seconds(-20), seconds(0), seconds(3)),
      start: fc.constantFrom(seconds(0), seconds(5), seconds(40)),
      state: fc.constantFrom("open", "closed", "denied"),
      node: fc.constantFrom("node-1", "node-2"),
      reporter: fc.constantFrom("src", "dst"),
      action: fc.constantFrom("allow", "deny"),
      protocol: fc.constantFrom(6, 17),
      sourceAddress: fc.constantFrom("10.1.0.1", "10.1.0.2").map(parseAddress),
      sourcePort: fc.constantFrom(1000, 1001),
      destinationPort: fc.constantFrom(80, 443),
      source: fc.constantFrom(client("a-11111-aaaaa"), client("a-11111-bbbbb"), client("b-22222-aaaaa"), network),
      service: fc.constantFrom(
        null,
        { namespace: "shop", name: "s", port: "http" },
        { namespace: "shop", name: "s", port: "https" },
      ),
      enforced: fc.constantFrom(["0|app|np:shop/app.x|allow|0"], [denied]),
      packets: fc.nat(100),
      bytes: fc.nat(100_000),
      replyPackets: fc.nat(100),
      replyBytes: fc.nat(100_000),
    })
    .map((parts) => flow(parts as Partial<Flow>));
  const batch = fc.array(some, { maxLength: 40 }).map((flows) => flows.map((one, seq) => ({ ...one, seq })));
  const level = fc.constantFrom(...levels);

  it("keep all sums, and each flow once", () => {
    fc.assert(
      fc.property(batch, level, level, (flows, allowed, whereDenied) => {
        const groups = aggregate(flows, { allowed, denied: whereDenied }, windowMs);
        for (const count of ["packets", "bytes", "replyPackets", "replyBytes"] as const)
          assert.equal(
            total(groups, count),
            flows.reduce((sum, one) => sum + one[count], 0),
          );
        assert.equal(new Set(groups.map(({ node, epoch, seq }) => `${node} ${epoch} ${seq}`)).size, groups.length);
        assert.ok(
          groups.every(
            ({ flows: of, flowsStarted, flowsCompleted }) => of >= 1 && flowsStarted <= of && flowsCompleted <= of,
          ),
        );
      }),
    );
  });

  it("are of one group if, and only if, they agree in what Calico keeps at their level", () => {
    fc.assert(
      fc.property(some, some, level, level, (a, b, allowed, whereDenied) => {
        const both = { allowed, denied: whereDenied };
        const groups = aggregate(
          [
            { ...a, seq: 0 },
            { ...b, seq: 1 },
          ],
          both,
          windowMs,
        );
        assert.equal(groups.length === 1, levelOf(a, both) === levelOf(b, both) && agree(a, b, levelOf(a, both)));
      }),
      { numRuns: 3000 },
    );
  });

  it("are parts of the groups of the next level", () => {
    fc.assert(
      fc.property(batch, fc.constantFrom(0, 1, 2), (flows, below) => {
        const groups = merged(flows, below);
        const coarser = merged(flows, (below + 1) as Level);
        assert.ok(coarser.length <= groups.length);
        assert.equal(total(coarser, "flows"), total(groups, "flows"));
      }),
    );
  });

  it("are the same whatever the order of the batch", () => {
    fc.assert(
      fc.property(batch, level, (flows, of) => {
        const sorted = (groups: readonly AggregatedFlow[]) => groups.map((group) => JSON.stringify(group)).sort();
        assert.deepEqual(sorted(merged(flows.toReversed(), of)), sorted(merged(flows, of)));
      }),
    );
  });
});

/** As the table of Calico's levels says it, field by field; and whose policy denied, which Calico has in its policies. */
function agree(a: Flow, b: Flow, level: Level): boolean {
  const window = ({ start }: Flow) => Math.floor(start / (windowMs * 1000));
  const aggregated = ({ source }: Flow) => source?.name?.replace(/-[a-z0-9]{5}$/, "") ?? "pvt";
  const never: readonly ((flow: Flow) => unknown)[] = [
    window,
    ...(["node", "action", "reporter", "protocol", "denied"] as const).map((name) => (one: Flow) => one[name]),
    ({ enforced }) => enforced.join(),
    ({ source }) => `${source?.kind} ${source?.namespace}`,
    ({ service }) => `${service?.namespace} ${service?.name}`,
    aggregated,
  ];
  const kept: readonly ((flow: Flow) => unknown)[] = [
    ...never,
    ...(level < 3 ? [({ destinationPort, service }: Flow) => `${destinationPort} ${service?.port}`] : []),
    ...(level < 2 ? [({ sourceAddress, source }: Flow) => `${sourceAddress} ${source?.name}`] : []),
    ...(level < 1 ? [({ sourcePort }: Flow) => sourcePort] : []),
  ];
  return kept.every((of) => of(a) === of(b));
}

function total(
  groups: readonly AggregatedFlow[],
  count: "packets" | "bytes" | "replyPackets" | "replyBytes" | "flows",
): number {
  return groups.reduce((sum, group) => sum + group[count], 0);
}

import assert from "node:assert/strict";
import { type Address, familyOf, parseAddress } from "../../core/address.ts";
import { systemClock } from "../../core/clock.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { silentLog } from "../../core/log.ts";
import { Enforcer } from "../../enforcer/enforcer.ts";
import { KernelInterfaces } from "../../enforcer/interfaces-kernel.ts";
import { type NftAccess, openNft } from "../../enforcer/nft-open.ts";
import { defaultSettings } from "../../enforcer/render.ts";
import { Lab } from "../../lab/lab.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import type { Evaluate } from "../../policy/verdict.ts";
import { World } from "../../policy/world.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { until } from "../support/until.ts";
import { type WorldBuilder, world } from "../support/world.ts";
import { scenes } from "./agreement-table.ts";

// On node-1: a/web, a/api, b/api. On node-2: a/db, b/web. external:out is in the nets that policies name, external:far is not.
const serving = [
  { name: "http", containerPort: 8080 },
  { containerPort: 8081 },
  { containerPort: 5353, protocol: "UDP" },
];

function cluster(): WorldBuilder {
  const on = (node: string, host: number) => {
    const number = node.slice(-1);
    return { node, ports: serving, ips: [`10.90.${number}.${host}`, `fd00:90:${number}::${host}`] };
  };
  return world()
    .namespace("a", { env: "prod" })
    .namespace("b", { env: "dev" })
    .pod("a/web", { app: "web" }, on("node-1", 11))
    .pod("a/api", { app: "api" }, on("node-1", 12))
    .pod("b/api", { app: "api", env: "dev" }, on("node-1", 13))
    .pod("a/db", { app: "db" }, on("node-2", 11))
    .pod("b/web", { app: "web" }, on("node-2", 12));
}

const nodes: readonly KubeObject[] = [1, 2].map((number) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: `node-${number}` },
  spec: { podCIDRs: [`10.90.${number}.0/24`, `fd00:90:${number}::/64`] },
  status: {
    addresses: [`172.30.0.${number}`, `fd00:172:30::${number}`].map((address) => ({ type: "InternalIP", address })),
  },
}));

const services: readonly KubeObject[] = ["web", "api", "db"].map((app, index) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { namespace: "a", name: app },
  spec: {
    clusterIPs: [`10.91.0.${index + 1}`, `fd00:91::${index + 1}`],
    selector: { app },
    ports: [{ port: 80, targetPort: 8080, protocol: "TCP" }],
  },
}));

const externals = [
  { name: "out", addresses: ["203.0.113.10", "2001:db8:113::10"], ports: [{ port: 443, protocol: "TCP" as const }] },
  { name: "far", addresses: ["203.0.113.70", "2001:db8:777::70"] },
];

/** Long enough for an answer on a busy machine; below a second, so that TCP sends one SYN. */
const patienceMs = 700;

interface Row {
  readonly text: string;
  readonly from: string;
  readonly to: string;
  readonly protocol: "tcp" | "udp" | "icmp";
  readonly family: 4 | 6;
  readonly port: number;
  readonly expect: "allow" | "deny";
}

function parseRow(text: string): Row {
  const [, from, to, protocol, six, port, expect] =
    /^(\S+) -> (\S+) (tcp|udp|icmp)(6?)\/(\d+) (allow|deny)$/.exec(text) ?? [];
  if (from === undefined || to === undefined) throw new Error(`no row: ${text}`);
  return {
    text,
    from,
    to,
    protocol: protocol as Row["protocol"],
    family: six === "6" ? 6 : 4,
    port: Number(port),
    expect: expect as Row["expect"],
  };
}

function addressIn(list: readonly string[], family: 4 | 6): Address {
  const found = list.map(parseAddress).find((address) => familyOf(address) === family);
  if (found === undefined) throw new Error(`no IPv${family} address in ${list.join(", ")}`);
  return found;
}

/** What is dialled, and where the packet goes after the cluster's proxy has translated it. */
function targetOf({ to, family, port }: Row): { dialled: Address; reached: Address; port: number } {
  if (!to.startsWith("service:")) {
    const address = addressOf(to, family);
    return { dialled: address, reached: address, port };
  }
  const path = to.slice("service:".length);
  const service = services.find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === path);
  const spec = service?.["spec"] as { clusterIPs: readonly string[] };
  return { dialled: addressIn(spec.clusterIPs, family), reached: cluster().address(path, family), port: 8080 };
}

function addressOf(end: string, family: 4 | 6): Address {
  const [kind, name] = end.split(":");
  if (kind === "external") return addressIn(externals.find((host) => host.name === name)?.addresses ?? [], family);
  if (kind !== "node") return cluster().address(end, family);
  const status = nodes.find(({ metadata }) => metadata.name === name)?.["status"] as {
    addresses: readonly { address: string }[];
  };
  return addressIn(
    status.addresses.map(({ address }) => address),
    family,
  );
}

function evaluated(row: Row, evaluate: Evaluate): "allow" | "deny" {
  const { reached, port } = targetOf(row);
  const isIcmp = row.protocol === "icmp";
  const protocol = { tcp: 6, udp: 17, icmp: row.family === 6 ? 58 : 1 }[row.protocol];
  return evaluate({
    source: addressOf(row.from, row.family),
    destination: reached,
    protocol,
    sourcePort: isIcmp ? 0 : 40_000,
    destinationPort: isIcmp ? 0 : port,
    icmp: isIcmp ? { type: row.port, code: 0 } : null,
  }).action;
}

describe("evaluator and kernel agree", function () {
  this.timeout(60_000);
  needsKernel("nft");
  const stop = new AbortController();
  const lab = new Lab({
    name: "agreement",
    objects: [...nodes, ...cluster().objects, ...services],
    externals,
    clock: systemClock,
    log: silentLog,
  });
  let nft: NftAccess;
  let interfaces: KernelInterfaces;
  let enforcers: readonly Enforcer[] = [];

  before(async () => {
    await lab.up();
    await lab.startAgents();
    for (const { name } of lab.nodes) await (await lab.agent(`node:${name}`)).serve([{ port: 9100, protocol: "TCP" }]);
    nft = await openNft();
    interfaces = new KernelInterfaces();
    enforcers = lab.nodes.map(
      ({ name, namespacePath }) =>
        new Enforcer({
          node: name,
          nft: nft.in(namespacePath),
          interfaces: interfaces.in(namespacePath),
          clock: systemClock,
          log: silentLog,
          settings: defaultSettings,
          random: () => 0.5,
        }),
    );
    for (const enforcer of enforcers) enforcer.run(stop.signal).catch(() => {});
  });

  after(async () => {
    stop.abort();
    for (const enforcer of enforcers) await enforcer.stop({ leaveRules: false });
    await interfaces?.close();
    await nft?.close();
    await lab.down();
  });

  for (const { title, given, rows } of scenes)
    describe(title, () => {
      const parsed = rows.map(parseRow);
      let evaluate: Evaluate;
      let results: ReadonlyMap<string, "allow" | "deny">;

      before(async () => {
        const current = new World();
        const faults = current.apply(
          [...nodes, ...given(cluster()).objects].map((object) => ({ type: "upsert", object })),
        );
        assert.deepEqual(faults, []);
        evaluate = evaluatorOf(current.program(), current.placement());
        await enforce(current);
        results = new Map(await Promise.all(parsed.map(async (row) => [row.text, await probe(row)] as const)));
      });

      for (const row of parsed)
        it(row.text, () => {
          assert.equal(evaluated(row, evaluate), row.expect, "the evaluator");
          assert.equal(results.get(row.text), row.expect, "the kernel");
        });
    });

  async function enforce(current: World): Promise<void> {
    const { revision } = current.program();
    for (const [index, enforcer] of enforcers.entries()) {
      const podCidrs = current.nodes().get(lab.nodes[index]?.name ?? "")?.podCidrs ?? [];
      enforcer.update(current.program(), current.placement(), { podCidrs });
    }
    await until("the rules to be in force", () => {
      const failing = enforcers.find(({ status }) => status.failure !== null);
      if (failing !== undefined) throw new Error(failing.status.failure ?? "");
      return enforcers.every(({ status }) => status.revision === revision);
    });
  }

  async function probe(row: Row): Promise<"allow" | "deny"> {
    const { dialled } = targetOf(row);
    const agent = await lab.agent(row.from);
    const result = await agent.probe({
      protocol: row.protocol,
      address: dialled,
      ...(row.protocol === "icmp" ? {} : { port: row.port }),
      timeoutMs: patienceMs,
    });
    if (!result.answered && result.error !== "timeout") throw new Error(`${row.text}: ${result.error}`);
    return result.answered ? "allow" : "deny";
  }
});

import { execFileSync } from "node:child_process";
import { type Address, type Family, familyOf, parseAddress } from "../../core/address.ts";
import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import type { RawFlow } from "../../core/records/flow.ts";
import { Lab } from "../../lab/lab.ts";
import type { Sending } from "../collectors/raw-traffic.ts";
import { type RunningCollector, startCollector } from "../collectors/running-collector.ts";
import { node, pod } from "../lab/objects.ts";

const rawProgram = new URL("../collectors/raw-traffic.ts", import.meta.url).pathname;

/** Who talks to whom, and how many nodes pass the packets on between them. */
export const distances = {
  0: { from: "node:node-1", to: "shop/api" },
  1: { from: "shop/web", to: "shop/api" },
  2: { from: "shop/web", to: "shop/db" },
} as const;
export type Distance = keyof typeof distances;

/** What node-1 does with what it passes on, or sends itself. */
export const natKinds = ["none", "destination", "source", "masquerade", "both", "hairpin"] as const;
export type NatKind = (typeof natKinds)[number];

const virtual = { 4: "10.96.9.9", 6: "fd00:96::9" } as const;
/** An address of node-1 that nothing else uses. */
const hiding = { 4: "172.30.0.111", 6: "fd00:172:30::111" } as const;
const nodeAddress = { 4: "172.30.0.11", 6: "fd00:172:30::11" } as const;

const ips = (number: number, host: number) => [`10.244.${number}.${host}`, `fd00:10:244:${number}::${host}`];
const objects = [
  node(1),
  node(2),
  pod("shop/web", { ips: ips(1, 2) }),
  pod("shop/api", { ips: ips(1, 3) }),
  pod("shop/db", { on: 2, ips: ips(2, 2) }),
];

/** A conversation's ends as each side knows them. */
export interface Ends {
  readonly from: string;
  readonly to: string;
  readonly client: Address;
  /** What the client writes as its destination. */
  readonly target: Address;
  readonly server: Address;
  /** Where the server sees the client. */
  readonly seen: Address;
}

// A segment that is answered late on a busy machine must not be sent twice: its payload would be counted twice, by all. No probes of the
// tail, and no timeout below five seconds (Linux 6.11; the setting is passed over where there is none).
const patience = ["net.ipv4.tcp_early_retrans=0", "net.ipv4.tcp_rto_min_us=5000000"] as const;

/** Two nodes, three pods and a collector on each node; what node-1 translates can be changed. */
export class AccountingLab {
  readonly #lab = new Lab({ name: "accounting", objects, clock: systemClock, log: silentLog });
  readonly #collectors = new Map<string, RunningCollector>();

  async up(): Promise<void> {
    await this.#lab.up();
    await this.#lab.startAgents();
    const [one, two] = [this.#namespaceOf("node:node-1"), this.#namespaceOf("node:node-2")];
    for (const family of [4, 6] as const) {
      const host = `${hiding[family]}/${family === 4 ? 32 : 128}`;
      // Deprecated, so that nobody chooses it who is not told to.
      const words = family === 6 ? ["nodad", "preferred_lft", "0"] : [];
      run("ip", "-n", one, "address", "add", host, "dev", "eth0", ...words);
      run("ip", "-n", two, "route", "add", host, "via", nodeAddress[family], "dev", "eth0", "onlink");
    }
    for (const { namespace } of [...this.#lab.plan.nodes, ...this.#lab.plan.pods])
      for (const setting of patience) run("ip", "netns", "exec", namespace, "sysctl", "-eqw", setting);
    for (const { name, namespacePath } of this.#lab.nodes) {
      // What raw packets have in the place of checksums.
      this.#in(`node:${name}`, "sysctl", "-qw", "net.netfilter.nf_conntrack_checksum=0");
      this.#collectors.set(name, await startCollector(namespacePath, { node: name }));
    }
  }

  async down(): Promise<void> {
    await Promise.all([...this.#collectors.values()].map(({ stop }) => stop()));
    await this.#lab.down();
  }

  /** What a node's collector has told since. */
  told(node: string, since: number): readonly RawFlow[] {
    return (this.#collectors.get(node)?.flows ?? []).filter(({ startedAt }) => startedAt >= since);
  }

  agent(of: string) {
    return this.#lab.agent(of);
  }

  endsOf(distance: Distance, kind: NatKind, family: Family): Ends {
    const { from } = distances[distance];
    const to = kind === "hairpin" ? from : distances[distance].to;
    const [client, server] = [this.#addressOf(from, family), this.#addressOf(to, family)];
    const isAimedElsewhere = kind === "destination" || kind === "both" || kind === "hairpin";
    const target = isAimedElsewhere ? parseAddress(virtual[family]) : server;
    return { from, to, client, target, server, seen: seenAs(kind, client, family) };
  }

  /** Node-1 translates so from now on, whatever the protocol. Connections of before are forgotten. */
  translate(kind: NatKind, { client, server }: Ends): void {
    const family = familyOf(server);
    const ip = family === 4 ? "ip" : "ip6";
    const dnat = `${ip} daddr ${virtual[family]} dnat ${ip} to ${server}`;
    const mine = `${ip} saddr ${client} ${ip} daddr ${server}`;
    const postrouting: Readonly<Record<NatKind, string>> = {
      none: "",
      destination: "",
      source: `${mine} snat ${ip} to ${hiding[family]}`,
      both: `${mine} snat ${ip} to ${hiding[family]}`,
      masquerade: `${mine} masquerade`,
      hairpin: `${mine} masquerade`,
    };
    const ruleset = `table inet translation
      delete table inet translation
      table inet translation {
        chain before { type nat hook prerouting priority dstnat; ${dnat}; }
        chain own { type nat hook output priority -100; ${dnat}; }
        chain after { type nat hook postrouting priority srcnat; ${postrouting[kind]}
        }
      }`;
    execFileSync("ip", ["netns", "exec", this.#namespaceOf("node:node-1"), "nft", "-f", "-"], { input: ruleset });
    for (const name of ["node:node-1", "node:node-2"]) this.#in(name, "conntrack", "-F");
  }

  /** Sends packets as they are from the namespace of somebody. */
  sendRaw(from: string, sendings: readonly Sending[]): void {
    this.#in(from, process.execPath, rawProgram, JSON.stringify(sendings));
  }

  /** Counts, in the namespace of somebody, packets of TCP to and from an address and port; the result tells them as `totalsOf` does. */
  countTcp(of: string, address: Address, port: number): () => string {
    const ip = familyOf(address) === 4 ? "ip" : "ip6";
    const ruleset = `table inet counting
      delete table inet counting
      table inet counting {
        counter sent { }
        counter received { }
        chain out { type filter hook output priority -300; ${ip} daddr ${address} tcp dport ${port} counter name sent; }
        chain in { type filter hook input priority 200; ${ip} saddr ${address} tcp sport ${port} counter name received; }
      }`;
    execFileSync("ip", ["netns", "exec", this.#namespaceOf(of), "nft", "-f", "-"], { input: ruleset });
    return () => {
      const listed = this.#in(of, "nft", "list", "counters", "table", "inet", "counting");
      const counted = (name: string) => {
        const [, packets, bytes] = new RegExp(`${name} \\{\\s*packets (\\d+) bytes (\\d+)`).exec(listed) ?? [];
        return `${packets}/${bytes}`;
      };
      return `${counted("sent")} ${counted("received")}`;
    };
  }

  #addressOf(of: string, family: Family): Address {
    if (of.startsWith("node:")) return parseAddress(nodeAddress[family]);
    const found = this.#lab.plan.pods.find(({ id }) => id === of)?.addresses.find((own) => familyOf(own) === family);
    if (found === undefined) throw new Error(`${of} has no IPv${family} address`);
    return found;
  }

  #namespaceOf(of: string): string {
    const { nodes, pods } = this.#lab.plan;
    const found = [...nodes.map((each) => ({ ...each, id: `node:${each.name}` })), ...pods].find(({ id }) => id === of);
    if (found === undefined) throw new Error(`there is no ${of}`);
    return found.namespace;
  }

  #in(of: string, ...command: readonly string[]): string {
    return run("ip", "netns", "exec", this.#namespaceOf(of), ...command);
  }
}

function seenAs(kind: NatKind, client: Address, family: Family): Address {
  if (kind === "source" || kind === "both") return parseAddress(hiding[family]);
  return kind === "masquerade" || kind === "hairpin" ? parseAddress(nodeAddress[family]) : client;
}

function run(program: string, ...words: readonly string[]): string {
  return execFileSync(program, words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

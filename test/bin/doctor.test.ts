import assert from "node:assert/strict";
import { doctorCommand } from "../../bin/commands/doctor.ts";
import { examine } from "../../bin/doctor/doctor.ts";
import type { Machine } from "../../bin/doctor/machine.ts";
import { parseConfig } from "../../core/config.ts";
import { FakeRim, run } from "./fake-rim.ts";

interface Parts {
  readonly files?: Readonly<Record<string, string>>;
  readonly folders?: Readonly<Record<string, readonly string[]>>;
  /** Output by `program argument...`; null: it does not start. */
  readonly programs?: Readonly<Record<string, string | null>>;
  readonly disk?: ReturnType<Machine["disk"]>;
  readonly library?: boolean;
  readonly nowMs?: number;
}

const sysctl = "/proc/sys/net/netfilter/nf_conntrack_";

/** A machine that has everything, but for the parts. */
function machine({
  files,
  folders = {},
  programs,
  disk,
  library = true,
  nowMs = 1_800_000_000_000,
}: Parts = {}): Machine {
  const there: Readonly<Record<string, string>> = {
    "/proc/self/status": "Name:\tnode\nCapEff:\t000001ffffffffff\n",
    "/proc/sys/kernel/osrelease": "6.18.0\n",
    [`${sysctl}acct`]: "1\n",
    [`${sysctl}timestamp`]: "1\n",
    [`${sysctl}events`]: "2\n",
    [`${sysctl}count`]: "10\n",
    [`${sysctl}max`]: "1000\n",
    ...files,
  };
  const outputs: Readonly<Record<string, string | null>> = {
    nft: "nftables v1.0.6\n",
    ip: "ip utility\n",
    conntrack: "conntrack v1.4.7\n",
    "nft list ruleset": 'table inet sluice {\n ct label set 1\n log prefix "x" group 5\n}\n',
    "nft -j -n list ruleset": '{"nftables":[]}',
    timedatectl: "yes\n",
    sh: "",
    ...programs,
  };
  return {
    read: (path) => there[path],
    list: (folder) => folders[folder] ?? (folder === "/dev/net" ? ["tun"] : []),
    run(program, args) {
      const output = outputs[[program, ...args].join(" ")] ?? outputs[program];
      return output === undefined || output === null
        ? undefined
        : { status: output.startsWith("setup: ") ? 1 : 0, output };
    },
    hasLibrary: () => library,
    disk: () => disk ?? { freeBytes: 1e12, writable: true },
    nowMs: () => nowMs,
  };
}

const interfaces = (...names: readonly string[]) => ({ "/sys/class/net": names });

const dropping = {
  ...{ family: "ip", table: "filter", name: "FORWARD", handle: 1 },
  ...{ type: "filter", hook: "forward", prio: 0, policy: "drop" },
};

const cases: readonly { title: string; parts: Parts; status: string; subject: string; says: RegExp }[] = [
  {
    title: "capabilities are missing",
    parts: { files: { "/proc/self/status": "CapEff:\t0000000000200000\n" } },
    status: "fail",
    subject: "rights",
    says: /CAP_NET_ADMIN is missing/,
  },
  {
    title: "no probe can be sent",
    parts: { folders: { "/dev/net": [] } },
    status: "warn",
    subject: "probes",
    says: /\/dev\/net\/tun is missing: .* not proven/,
  },
  {
    title: "another firewall drops what is forwarded",
    parts: { programs: { "nft -j -n list ruleset": JSON.stringify({ nftables: [{ chain: dropping }] }) } },
    status: "warn",
    subject: "rules",
    says: /^table ip filter, chain FORWARD: drops by policy/,
  },
  {
    title: "rules of others cannot be listed",
    parts: { programs: { "nft -j -n list ruleset": "nftables v1.0.6" } },
    status: "warn",
    subject: "rules",
    says: /could not be listed/,
  },
  {
    title: "there is no nft",
    parts: { programs: { nft: null } },
    status: "fail",
    subject: "program",
    says: /nft is not installed/,
  },
  {
    title: "there is no conntrack",
    parts: { programs: { conntrack: null } },
    status: "warn",
    subject: "program",
    says: /conntrack/,
  },
  {
    title: "the library does not load",
    parts: { library: false },
    status: "fail",
    subject: "library",
    says: /libnftables/,
  },
  {
    title: "the kernel lacks something",
    parts: { programs: { sh: "setup: the kernel lacks rate limits (CONFIG_NFT_LIMIT)\n" } },
    status: "fail",
    subject: "kernel",
    says: /CONFIG_NFT_LIMIT/,
  },
  {
    title: "connections are not counted",
    parts: { files: { [`${sysctl}acct`]: "0\n" } },
    status: "warn",
    subject: "sysctl",
    says: /nf_conntrack_acct = 0/,
  },
  {
    title: "the kernel's table is nearly full",
    parts: { files: { [`${sysctl}count`]: "900\n" } },
    status: "warn",
    subject: "conntrack",
    says: /900 of 1000/,
  },
  {
    title: "Calico is here",
    parts: { folders: interfaces("eth0", "cali12") },
    status: "ok",
    subject: "network",
    says: /looks like Calico/,
  },
  {
    title: "Cilium is here",
    parts: { folders: interfaces("cilium_host") },
    status: "fail",
    subject: "network",
    says: /looks like Cilium/,
  },
  {
    title: "a bridge passes netfilter by",
    parts: { folders: { ...interfaces("cni0"), "/sys/class/net/cni0/brif": ["veth0"] } },
    status: "warn",
    subject: "bridge",
    says: /does not cross/,
  },
  {
    title: "IPVS serves services",
    parts: { files: { "/proc/net/ip_vs": "IP\nProt\n ->\nTCP 0A60 rr\n" } },
    status: "fail",
    subject: "services",
    says: /IPVS/,
  },
  {
    title: "another table uses labels",
    parts: { programs: { "nft list ruleset": "table ip other {\n ct label set 3\n}\n" } },
    status: "fail",
    subject: "labels",
    says: /nftables table ip other/,
  },
  {
    title: "iptables uses labels",
    parts: { programs: { "iptables-save": "-m connlabel --label 1\n" } },
    status: "fail",
    subject: "labels",
    says: /iptables-save/,
  },
  {
    title: "another table logs to our group",
    parts: { programs: { "nft list ruleset": "table ip other {\n log group 5 accept\n}\n" } },
    status: "warn",
    subject: "nflog",
    says: /table ip other writes/,
  },
  {
    title: "a process reads our group",
    parts: {
      files: {
        "/proc/net/netfilter/nfnetlink_log": "    5   4711     0 2 65535    100  1\n",
        "/proc/4711/comm": "ulogd\n",
      },
    },
    status: "warn",
    subject: "nflog",
    says: /ulogd \(process 4711\)/,
  },
  {
    title: "the disk is nearly full",
    parts: { disk: { freeBytes: 5e8, writable: true } },
    status: "warn",
    subject: "disk",
    says: /500 MB free/,
  },
  {
    title: "the disk is full",
    parts: { disk: { freeBytes: 1e6, writable: true } },
    status: "fail",
    subject: "disk",
    says: /1.0 MB free/,
  },
  {
    title: "the data folder cannot be written",
    parts: { disk: { freeBytes: 1e12, writable: false } },
    status: "fail",
    subject: "disk",
    says: /cannot be written/,
  },
  { title: "the clock is wrong", parts: { nowMs: 1000 }, status: "fail", subject: "clock", says: /wrong by years/ },
  {
    title: "nobody keeps the clock",
    parts: { programs: { timedatectl: "no\n" } },
    status: "warn",
    subject: "clock",
    says: /nobody keeps it/,
  },
];

describe("bin/doctor", () => {
  const config = parseConfig({});
  it("finds nothing wrong where all is well", () => {
    assert.deepEqual(
      examine(machine(), config).filter(({ status }) => status !== "ok"),
      [],
    );
  });
  for (const { title, parts, status, subject, says } of cases)
    it(`${status}: ${title}`, () => {
      const findings = examine(machine(parts), config).filter(
        (one) => one.subject === subject && one.status === status,
      );
      assert.ok(
        findings.some(({ text }) => says.test(text)),
        JSON.stringify(findings),
      );
      if (status !== "ok") for (const { fix } of findings) assert.ok(fix);
    });
  for (const [parts, code] of [
    [{}, 0],
    [{ library: false }, 3],
    [{ programs: { conntrack: null } }, 0],
  ] as const)
    it(`exits with ${code} for ${JSON.stringify(parts)}`, async () => {
      const rim = new FakeRim();
      await run((real) => doctorCommand(real, machine(parts)), rim, "-o", "csv");
      assert.equal(rim.code, code);
    });
});

import { findingText } from "../../enforcer/tamper/finding.ts";
import { foreignFindings } from "../../enforcer/tamper/foreign-rules.ts";
import { type Check, fail, ok, warn } from "./check.ts";
import type { Machine } from "./machine.ts";

// Who else is here: the network of the cluster, and others who use what Sluice uses.

const networks = [
  { name: "Calico", interfaces: /^cali/, remark: null },
  { name: "Cilium", interfaces: /^(cilium_|lxc)/, remark: "with eBPF host routing its traffic passes netfilter by" },
  { name: "Flannel", interfaces: /^flannel/, remark: null },
  {
    name: "Antrea or OVN",
    interfaces: /^(antrea-|ovn-|ovs-system|br-int)/,
    remark: "Open vSwitch forwards, not netfilter",
  },
  { name: "Weave", interfaces: /^(weave|vethwe)/, remark: null },
  { name: "a bridge", interfaces: /^(cni0|cbr0)$/, remark: null },
] as const;

export const network: Check = (machine) => {
  const interfaces = machine.list("/sys/class/net");
  const files = machine.list("/etc/cni/net.d").filter((name) => /\.(conf|conflist)$/.test(name));
  const found = networks.filter(({ interfaces: ours }) => interfaces.some((name) => ours.test(name)));
  const configured = files.length === 0 ? "" : ` (/etc/cni/net.d: ${files.join(", ")})`;
  if (found.length === 0)
    return [ok("network", files.length === 0 ? "no cluster network here" : `of an unknown kind${configured}`)];
  return found.map(({ name, remark }) =>
    remark === null
      ? ok("network", `looks like ${name}${configured}`)
      : fail("network", `looks like ${name}: ${remark}`, "use a network whose pod traffic crosses netfilter"),
  );
};

/** Bridged traffic crosses netfilter only by br_netfilter (Documentation/networking/ip-sysctl.rst). */
export const bridges: Check = (machine) => {
  const bridged = machine
    .list("/sys/class/net")
    .filter((name) => machine.list(`/sys/class/net/${name}/brif`).length > 0);
  if (bridged.length === 0) return [];
  const isSet = machine.read("/proc/sys/net/bridge/bridge-nf-call-iptables")?.trim() === "1";
  if (isSet) return [ok("bridge", `what crosses ${bridged.join(", ")} crosses netfilter`)];
  const fix =
    "modprobe br_netfilter && sysctl -w net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1";
  return [warn("bridge", `what crosses ${bridged.join(", ")} does not cross netfilter`, fix)];
};

/** Services by IPVS: what a connection was sent to is not where conntrack says. The first three lines are a header. */
export const ipvs: Check = (machine) => {
  const services = (machine.read("/proc/net/ip_vs") ?? "").trim().split("\n").slice(3);
  if (services.length === 0) return [];
  return [
    fail("services", `IPVS serves ${services.length} lines of services`, "run kube-proxy in mode nftables or iptables"),
  ];
};

export const labels: Check = (machine) => {
  const users = [
    ...new Set([...nftUsers(machine, /\bct label\b/), ...iptablesUsers(machine), ...openVswitch(machine)]),
  ];
  if (users.length === 0) return [ok("labels", "nobody else uses connection labels")];
  const fix = "take these uses away: allowed connections carry the deciding rule in their label";
  return [fail("labels", `connection labels are used by ${users.join(", ")}`, fix)];
};

export const logGroup: Check = (machine, { collector }) => {
  const group = collector.nflogGroup;
  const fix = `choose another group: --collector.nflog-group, SLUICE_COLLECTOR_NFLOG_GROUP`;
  const writers = nftUsers(machine, new RegExp(`\\blog\\b.*\\bgroup ${group}\\b`));
  const [reader] = listeners(machine).filter((one) => one.group === group);
  const others = [
    ...writers.map((name) => `${name} writes to it`),
    ...(reader === undefined ? [] : [`${processName(machine, reader.port)} reads it`]),
  ];
  if (others.length === 0) return [ok("nflog", `group ${group} is free`)];
  return [warn("nflog", `group ${group} is in use: ${others.join(", ")}`, fix)];
};

export const foreignRules: Check = (machine) => {
  const found = foreignIn(machine.run("nft", ["-j", "-n", "list", "ruleset"])?.output ?? "");
  if (found === undefined)
    return [warn("rules", "rules of others could not be listed", "run as root, with nft installed")];
  if (found.length === 0) return [ok("rules", "no rules of others pre-empt ours, or let packets pass them by")];
  const fix = "take them away, or take them into account: docs/tamper.md";
  return found.map((finding) => warn("rules", findingText(finding), fix));
};

function foreignIn(listing: string): ReturnType<typeof foreignFindings> | undefined {
  try {
    return foreignFindings(listing);
  } catch {
    return undefined;
  }
}

/** Tables of nftables that are not ours and have a line like that. */
function nftUsers(machine: Machine, line: RegExp): readonly string[] {
  const ruleset = machine.run("nft", ["list", "ruleset"])?.output ?? "";
  const tables = ruleset.split(/^(?=table )/m).filter((text) => line.test(text));
  const names = tables.flatMap((text) => /^table (\S+ \S+)/.exec(text)?.[1] ?? []);
  return names.filter((name) => !/ sluice/.test(name)).map((name) => `nftables table ${name}`);
}

function iptablesUsers(machine: Machine): readonly string[] {
  return ["iptables-save", "ip6tables-save"].filter((program) =>
    /connlabel/.test(machine.run(program, [])?.output ?? ""),
  );
}

/** Its conntrack actions write labels (ovs-actions(7)). */
function openVswitch(machine: Machine): readonly string[] {
  return machine.list("/sys/class/net").includes("ovs-system") ? ["Open vSwitch"] : [];
}

// /proc/net/netfilter/nfnetlink_log => (group port queued copy_mode copy_range flush use "\n")*   net/netfilter/nfnetlink_log.c
function listeners(machine: Machine): readonly { readonly group: number; readonly port: number }[] {
  const lines = (machine.read("/proc/net/netfilter/nfnetlink_log") ?? "").trim().split("\n");
  return lines.flatMap((line) => {
    const [group, port] = line.trim().split(/\s+/).map(Number);
    return group === undefined || port === undefined || Number.isNaN(group) ? [] : [{ group, port }];
  });
}

/** The port of a process's first netlink socket is its id; those of others mean nothing. */
function processName(machine: Machine, port: number): string {
  const name = machine.read(`/proc/${port}/comm`)?.trim();
  return name === undefined ? "another process" : `${name} (process ${port})`;
}

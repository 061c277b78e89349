import { Worker } from "node:worker_threads";
import { SluiceError } from "../core/errors.ts";
import { namespacePath } from "../core/netlink/namespace.ts";
import { type ClusterPlan, type PodPlan, usesIPv6 } from "./plan.ts";

/** Kernel settings for one network namespace: files under /proc/sys/net and what to write to them. */
export interface Settings {
  /** Path of the namespace. */
  readonly namespace: string;
  readonly values: readonly Setting[];
}

export interface Setting {
  /** e.g. `ipv4/ip_forward` */
  readonly name: string;
  readonly value: string;
  /** A kernel without this file can do without the setting. */
  readonly optional: boolean;
}

const set = (name: string, value: number | string): Setting => ({ name, value: String(value), optional: false });
const ifPresent = (setting: Setting): Setting => ({ ...setting, optional: true });

/** Before any interface exists, so that those to come inherit `default`. */
const everywhere: readonly Setting[] = [
  // Spoofed packets must reach the product's own rules: reverse path filtering would drop them before.
  set("ipv4/conf/all/rp_filter", 0),
  set("ipv4/conf/default/rp_filter", 0),
  set("ipv6/conf/all/disable_ipv6", 0),
  set("ipv6/conf/default/disable_ipv6", 0),
  // Addresses work at once instead of after a second of duplicate address detection.
  set("ipv6/conf/default/accept_dad", 0),
  // Nobody advertises routes here, so nobody needs to ask.
  set("ipv6/conf/default/accept_ra", 0),
  set("ipv6/conf/default/router_solicitations", 0),
  // Opens ICMP sockets to the traffic agents (icmp(7)).
  set("ipv4/ping_group_range", "0 2147483647"),
];

const forwarding: readonly Setting[] = [
  set("ipv4/ip_forward", 1),
  set("ipv6/conf/all/forwarding", 1),
  set("ipv4/conf/all/send_redirects", 0),
  set("ipv4/conf/default/send_redirects", 0),
];

/** The switch only switches: with these on, its bridge would send frames through netfilter. */
const switching: readonly Setting[] = [
  "bridge-nf-call-iptables",
  "bridge-nf-call-ip6tables",
  "bridge-nf-call-arptables",
]
  .map((name) => set(`bridge/${name}`, 0))
  .map(ifPresent);

/** The settings of a whole cluster. A cluster without IPv6 addresses does with a kernel without IPv6. */
export function settingsOf(plan: ClusterPlan): Settings[] {
  const at = (namespace: string, ...values: readonly Setting[][]) => ({
    namespace: namespacePath(namespace),
    values: [...everywhere, ...values.flat()].map(usesIPv6(plan) ? asTheyAre : sixIfPresent),
  });
  return [
    at(plan.fabric, [...forwarding, ...switching]),
    ...plan.nodes.map((node) => at(node.namespace, [...forwarding])),
    ...plan.externals.map((external) => at(external.namespace)),
    ...plan.pods.filter(({ link }) => link !== null).map((pod) => at(pod.namespace)),
  ];
}

/** The settings of one pod that comes later. */
export function podSettings({ namespace }: PodPlan): Settings {
  return { namespace: namespacePath(namespace), values: everywhere.map(sixIfPresent) };
}

const asTheyAre = (setting: Setting): Setting => setting;
const sixIfPresent = (setting: Setting): Setting => (setting.name.startsWith("ipv6/") ? ifPresent(setting) : setting);

/**
 * Writes settings into network namespaces. One worker thread visits them all by setns(2): a process per namespace would take
 * longer than everything else the lab does.
 */
export function applySettings(settings: readonly Settings[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./sysctl-worker.ts", import.meta.url), { workerData: settings });
    let fault: Fault | undefined;
    worker.on("message", (message: Fault) => {
      fault = message;
    });
    worker.on("error", reject);
    worker.on("exit", () => (fault === undefined ? resolve() : reject(refused(fault))));
  });
}

/** What the worker reports when the kernel refuses. */
export interface Fault {
  readonly name: string;
  readonly code: string;
}

function refused({ name, code }: Fault): SluiceError {
  const context = { setting: name, errno: code };
  if (code !== "ENOENT") return new SluiceError("LAB_FAILED", `cannot set ${name}: ${code}`, { context });
  const option = name.startsWith("ipv6/") ? "IPv6 (CONFIG_IPV6, or it is switched off by ipv6.disable=1)" : name;
  return new SluiceError("DEPENDENCY_MISSING", `the kernel lacks ${option}`, { context });
}

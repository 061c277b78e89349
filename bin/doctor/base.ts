import { fileURLToPath } from "node:url";
import { capabilities, lacking } from "../../core/capabilities.ts";
import { type Check, fail, ok, warn } from "./check.ts";

// What Sluice stands on: rights, programs, libraries, the kernel.

export const rights: Check = (machine) => {
  const missing = lacking(machine.read("/proc/self/status") ?? "", capabilities);
  if (missing.length === 0) return [ok("rights", "CAP_NET_ADMIN and CAP_SYS_ADMIN are held")];
  const names = missing.join(" and ");
  return [fail("rights", `${names} is missing`, "run as root, or give the container these capabilities")];
};

const programs = [
  { name: "nft", args: ["--version"], package: "nftables", status: fail, why: "writes the rules" },
  { name: "ip", args: ["-V"], package: "iproute2", status: warn, why: "needed by the lab and the demo only" },
  {
    name: "conntrack",
    args: ["--version"],
    package: "conntrack",
    status: warn,
    why: "for people who look for themselves",
  },
] as const;

export const programsThere: Check = (machine) =>
  programs.map(({ name, args, package: from, status, why }) => {
    const found = machine.run(name, args);
    if (found === undefined) return status("program", `${name} is not installed (${why})`, `apt-get install ${from}`);
    return ok("program", found.output.split("\n")[0]?.trim() || name);
  });

export const libraries: Check = (machine) =>
  machine.hasLibrary("libnftables.so.1")
    ? [ok("library", "libnftables.so.1 loads")]
    : [fail("library", "libnftables.so.1 does not load", "apt-get install libnftables1")];

const kernelScript = fileURLToPath(new URL("../../scripts/check-kernel.sh", import.meta.url));

export const kernel: Check = (machine) => {
  const release = machine.read("/proc/sys/kernel/osrelease")?.trim() ?? "unknown";
  const tried = machine.run("sh", [kernelScript]);
  if (tried?.status === 0) return [ok("kernel", `${release} has every option that Sluice uses`)];
  const lacks = (tried?.output ?? "").split("\n").filter((line) => line.startsWith("setup: "));
  if (lacks.length === 0) return [warn("kernel", `${release}: its options could not be tried`, "run as root")];
  return lacks.map((line) => fail("kernel", line.slice("setup: ".length), "use a kernel that has it"));
};

/** Without it nobody proves that the rules are met (enforcer/probe.ts). */
export const probes: Check = (machine) =>
  machine.list("/dev/net").includes("tun")
    ? [ok("probes", "/dev/net/tun is there")]
    : [warn("probes", "/dev/net/tun is missing: whether rules are met is not proven", "modprobe tun, or mount it")];

/** Documentation/networking/nf_conntrack-sysctl.rst */
const folder = "/proc/sys/net/netfilter";
const wanted = [
  { name: "nf_conntrack_acct", accepted: ["1"], why: "packets and bytes of connections made before are not counted" },
  { name: "nf_conntrack_timestamp", accepted: ["1"], why: "connections made before have no start time" },
  { name: "nf_conntrack_events", accepted: ["1", "2"], why: "connections are not told" },
] as const;

export const sysctls: Check = (machine) =>
  wanted.map(({ name, accepted, why }) => {
    const value = machine.read(`${folder}/${name}`)?.trim();
    if (value === undefined)
      return warn(
        "sysctl",
        `net.netfilter.${name} is not there yet`,
        "modprobe nf_conntrack, or start Sluice: it loads it",
      );
    if (accepted.some((one) => one === value)) return ok("sysctl", `net.netfilter.${name} = ${value}`);
    const fix = `sysctl -w net.netfilter.${name}=${accepted[0]} (Sluice sets it when it starts)`;
    return warn("sysctl", `net.netfilter.${name} = ${value}: ${why}`, fix);
  });

/** Fuller than that, a burst makes the kernel drop connections early. */
const fullEnough = 0.8;

export const connectionTable: Check = (machine) => {
  const [count, most] = ["nf_conntrack_count", "nf_conntrack_max"].map((name) =>
    Number(machine.read(`${folder}/${name}`)),
  );
  if (!count || !most) return [];
  const text = `${count} of ${most} connections in the kernel's table`;
  const fix = `sysctl -w net.netfilter.nf_conntrack_max=${2 * most}`;
  return [count / most < fullEnough ? ok("conntrack", text) : warn("conntrack", text, fix)];
};

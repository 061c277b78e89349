import { readFileSync, writeFileSync } from "node:fs";
import { messageOf, SluiceError } from "../../core/errors.ts";
import { runNftScript } from "../nft-script.ts";

// All of Documentation/networking/nf_conntrack-sysctl.rst. /proc/sys/net is that of the calling thread's namespace.
const folder = "/proc/sys/net/netfilter";
const settings = [
  { name: "nf_conntrack_acct", accepted: ["1"], kernelOption: "CONFIG_NF_CONNTRACK" },
  { name: "nf_conntrack_timestamp", accepted: ["1"], kernelOption: "CONFIG_NF_CONNTRACK_TIMESTAMP" },
  // 2, the default, means: for connections made while somebody listens.
  { name: "nf_conntrack_events", accepted: ["1", "2"], kernelOption: "CONFIG_NF_CONNTRACK_EVENTS" },
] as const;

export interface ChangedSetting {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** Switches on what connections must carry; those made before carry it not. What was changed. */
export function applySettings(): readonly ChangedSetting[] {
  return settings.flatMap(({ name, accepted, kernelOption }) => {
    const from = readSetting(name, kernelOption);
    if (accepted.some((value) => value === from)) return [];
    writeSetting(name, accepted[0]);
    return [{ name, from, to: accepted[0] }];
  });
}

// Conntrack hooks itself into a namespace only while a loaded rule uses `ct` (nf_ct_netns_get, called when the rule is
// made: net/netfilter/nft_ct.c, nft_ct_get_init). A rule in an inet table does so for both families, and it need not
// stand where packets come by: this chain has no hook, so it costs nothing.
const table = "sluice_collector";
const remove = `table inet ${table}\ndelete table inet ${table}\n`;
const load = `${remove}
table inet ${table} {
  chain track {
    ct state new comment "makes the kernel track connections"
  }
}
`;

export function loadTrackingRule(): void {
  runNftScript(load, "the rule that makes the kernel track connections");
}

export function removeTrackingRule(): void {
  runNftScript(remove, "the end of that rule");
}

function readSetting(name: string, kernelOption: string): string {
  try {
    return readFileSync(`${folder}/${name}`, "utf8").trim();
  } catch (cause) {
    throw new SluiceError("DEPENDENCY_MISSING", `the kernel lacks ${kernelOption}: no sysctl net.netfilter.${name}`, {
      cause,
    });
  }
}

function writeSetting(name: string, value: string): void {
  try {
    writeFileSync(`${folder}/${name}`, value);
  } catch (cause) {
    const fix = `set it on the node, as root: sysctl -w net.netfilter.${name}=${value}`;
    const message = `sysctl net.netfilter.${name} cannot be set to ${value} (${messageOf(cause)}); ${fix}`;
    throw new SluiceError("PERMISSION_DENIED", message, { cause });
  }
}

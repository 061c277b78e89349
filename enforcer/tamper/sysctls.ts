import type { Finding } from "./finding.ts";

/** What the node is there for. */
export interface SysctlNeeds {
  /** Its pods have IPv6 addresses. */
  readonly ipv6: boolean;
}

interface Needed {
  readonly name: string;
  /** Null: whatever it was when watching began. */
  readonly accepted: readonly string[] | null;
  readonly why: string;
  readonly onlyIpv6?: boolean;
}

/** Documentation/networking/ip-sysctl.rst, nf_conntrack-sysctl.rst. Those of a module that is not loaded are not there. */
const needed: readonly Needed[] = [
  { name: "net.ipv4.ip_forward", accepted: ["1"], why: "this node forwards nothing for its pods" },
  {
    name: "net.ipv6.conf.all.forwarding",
    accepted: ["1"],
    why: "this node forwards no IPv6 for its pods",
    onlyIpv6: true,
  },
  {
    name: "net.netfilter.nf_conntrack_acct",
    accepted: ["1"],
    why: "packets and bytes of new connections are not counted",
  },
  {
    name: "net.netfilter.nf_conntrack_events",
    accepted: ["1", "2"],
    why: "the kernel does not tell of connections, so no flows are recorded",
  },
  {
    name: "net.netfilter.nf_conntrack_tcp_loose",
    accepted: null,
    why: "which connections are taken up in their middle changes with it: at 0 those from before are invalid and dropped, at 1 they are judged as new ones",
  },
  {
    name: "net.bridge.bridge-nf-call-iptables",
    accepted: ["1"],
    why: "what crosses a bridge between pods of this node passes our rules by",
  },
  {
    name: "net.bridge.bridge-nf-call-ip6tables",
    accepted: ["1"],
    why: "IPv6 that crosses a bridge between pods of this node passes our rules by",
    onlyIpv6: true,
  },
];

export const watchedSysctls: readonly string[] = needed.map(({ name }) => name);

type Values = Readonly<Record<string, string | null>>;

/** `first` are the values when watching began. */
export function sysctlFindings(first: Values, now: Values, { ipv6 }: SysctlNeeds): readonly Finding[] {
  return needed.flatMap(({ name, accepted, why, onlyIpv6 = false }) => {
    const [before, value] = [first[name] ?? null, now[name] ?? null];
    if (value === null || (onlyIpv6 && !ipv6)) return [];
    const fine = accepted ?? [before ?? value];
    if (fine.includes(value)) return [];
    const was = before === null || before === value ? "" : ` (it was ${before})`;
    return [{ kind: "sysctl", sentence: `${name} = ${value}${was}: ${why}`, table: null, chain: null, rule: null }];
  });
}

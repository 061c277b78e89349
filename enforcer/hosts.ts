import type { Endpoint } from "../policy/placement.ts";
import type { Problem } from "./draft.ts";
import { isInterfaceName } from "./element.ts";
import type { Governed, HostVerdicts } from "./host-chains.ts";
import type { Links } from "./interfaces.ts";
import { type RoleName, roles } from "./role.ts";
import type { MapVerdict } from "./ruleset.ts";

export interface HostGround {
  /** Host endpoints of the node, in order of ids. */
  readonly hosts: readonly Endpoint[];
  readonly links: Links;
  /** How the names of interfaces begin behind which there are pods. */
  readonly podInterfaces: readonly string[];
  /** How the names of the roles begin that are played: those of what is in force, or of what is staged. */
  readonly of: "host" | "stagedHost";
  /** Where packets of an endpoint go in a role; undefined: it asks nothing there. */
  readonly play: (role: RoleName, endpoint: Endpoint) => MapVerdict | undefined;
}

const accept: MapVerdict = { verdict: "accept" };

/** Which host endpoint governs which interface, and what it asks there. */
export function governedBy({ hosts, links, podInterfaces, of, play }: HostGround): {
  readonly verdicts: HostVerdicts;
  readonly problems: readonly Problem[];
} {
  const { named, problems } = namedInterfaces(hosts, links);
  const all = hosts.find(({ interfaceName }) => interfaceName === "*");
  const verdicts = new Map<RoleName, Governed>();
  for (const { name: role, needs } of roles.values()) {
    if (!role.startsWith(of)) continue;
    // What is not tracked is decided per interface only, and is no matter of pods: as in policy/route.ts.
    const isUntracked = needs === "untracked";
    const others = all === undefined || isUntracked ? undefined : play(role, all);
    const entries = [...named].flatMap(([name, host]) => {
      if (isUntracked && podInterfaces.some((prefix) => name.startsWith(prefix))) return [];
      const verdict = play(role, host) ?? (others === undefined ? undefined : accept);
      return verdict === undefined ? [] : [[name, verdict] as const];
    });
    if (entries.length > 0 || others !== undefined) verdicts.set(role, { named: new Map(entries), others });
  }
  return { verdicts, problems };
}

/** An interface that somebody named is his; others belong to the endpoint that has one of their addresses. */
export function namedInterfaces(hosts: readonly Endpoint[], { own }: Pick<Links, "own">) {
  const named = new Map<string, Endpoint>();
  const problems: Problem[] = [];
  const take = (name: string, host: Endpoint) => {
    if (!isInterfaceName(name))
      problems.push({
        subject: host.id,
        sentence: `is not enforced: nft may not see the interface name ${JSON.stringify(name)}`,
      });
    else if (!named.has(name)) named.set(name, host);
  };
  for (const host of hosts)
    if (host.interfaceName !== null && host.interfaceName !== "*") take(host.interfaceName, host);
  for (const host of hosts.filter(({ interfaceName }) => interfaceName === null)) {
    const found = new Set(host.addresses.flatMap((address) => own.get(address) ?? []));
    if (found.size === 0)
      problems.push({
        subject: host.id,
        sentence: `is not enforced: no interface of the node has one of its expectedIPs (${host.addresses.join(", ") || "none"})`,
      });
    for (const name of found) take(name, host);
  }
  return { named, problems };
}

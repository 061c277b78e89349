// The chains that the kernel calls, for host endpoints. Which of them governs a packet is the matter of the interface where it comes
// in or goes out: a map of the interfaces that somebody named, then the endpoint of all interfaces, if there is one.
import {
  accepted,
  type BaseSettings,
  destinationOf,
  established,
  families,
  loopback,
  member,
  neighbourDiscovery,
  shared,
  toItself,
} from "./base-chains.ts";
import type { RenderContext } from "./instruction.ts";
import { ownNodeRules } from "./own-node.ts";
import { ofProbe } from "./probe-rules.ts";
import { type RoleName, roleOf } from "./role.ts";
import { type Condition, type Hook, type MapVerdict, type Name, nameOf, type Rule } from "./ruleset.ts";

/** What the host endpoints of a node ask, role by role; roles that nobody plays are absent. */
export type HostVerdicts = ReadonlyMap<RoleName, Governed>;

export interface Governed {
  /** By name of the interface. `accept`: the endpoint of this interface asks nothing here. */
  readonly named: ReadonlyMap<string, MapVerdict>;
  /** Of all other interfaces. */
  readonly others: MapVerdict | undefined;
}

/** The map from interfaces to what is asked there. */
export function interfaceMap(role: RoleName): Name {
  return nameOf(role.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

// Before connection tracking (-200), and after it but before DNAT (-100): include/uapi/linux/netfilter_ipv4.h
export const rawPriority = -300;
export const manglePriority = -150;

/** What is asked at a node's host hooks, and of whom. */
export interface Asked {
  readonly hosts: HostVerdicts;
  /** Chains of what pods send to the node: own-node.ts. */
  readonly toNode: readonly Name[];
}

export interface HostChain {
  readonly role: RoleName;
  readonly hook: Hook;
  readonly priority: (settings: BaseSettings) => number;
  readonly field: "iifname" | "oifname";
  readonly before: (asked: Asked) => readonly Rule[];
}

export const toOwnPods: readonly Rule[] = families.map((family) =>
  accepted(member([destinationOf(family)], shared.localPods(family))),
);
const settled: Rule = accepted({ if: "settled", in: "force" });
export const notFromHere: Rule = accepted({ if: "localSource", not: true });

const chains: readonly HostChain[] = [
  {
    ...{ role: "hostRawIn", hook: "prerouting", field: "iifname", priority: () => rawPriority },
    before: () => [loopback("iifname"), ...neighbourDiscovery, ...toOwnPods],
  },
  {
    ...{ role: "hostRawOut", hook: "output", field: "oifname", priority: () => rawPriority },
    before: () => [loopback("oifname"), ...neighbourDiscovery, ...toOwnPods],
  },
  {
    ...{ role: "hostPreDnat", hook: "prerouting", field: "iifname", priority: () => manglePriority },
    before: ({ hosts }) => [
      ...[loopback("iifname"), ...neighbourDiscovery, ...families.map(toItself), established],
      ...untracked(hosts, "hostUntrackedIn", "iifname"),
    ],
  },
  {
    ...{ role: "hostInput", hook: "input", field: "iifname", priority: ({ priority }) => priority + 1 },
    before: ({ hosts, toNode }) => [
      ...[loopback("iifname"), ...neighbourDiscovery, established],
      ...ownNodeRules(toNode),
      ...untracked(hosts, "hostUntrackedIn", "iifname"),
      settled,
    ],
  },
  {
    ...{ role: "hostForwardIn", hook: "forward", field: "iifname", priority: ({ priority }) => priority + 1 },
    before: ({ hosts }) => [
      ...[...neighbourDiscovery, ...families.map(toItself), established],
      ...untracked(hosts, "hostUntrackedIn", "iifname"),
      settled,
    ],
  },
  {
    ...{ role: "hostForwardOut", hook: "forward", field: "oifname", priority: ({ priority }) => priority + 3 },
    before: () => [...neighbourDiscovery, ...families.map(toItself), established],
  },
  {
    ...{ role: "hostOutput", hook: "postrouting", field: "oifname", priority: ({ priority }) => priority },
    before: ({ hosts }) => [
      ...[loopback("oifname"), ...neighbourDiscovery, established, notFromHere, ...toOwnPods],
      ...untracked(hosts, "hostUntrackedOut", "oifname"),
    ],
  },
];

/** Declares the base chains that these hosts need, and no other. */
export function addHostChains(
  contextOf: (direction: "egress" | "ingress") => RenderContext,
  settings: BaseSettings,
  everything: Asked,
): void {
  const { hosts, toNode } = everything;
  for (const chain of chains) {
    const { role, hook, priority } = chain;
    const governed = hosts.get(role);
    const guardsHost = role === "hostInput" && toNode.length > 0;
    if (governed === undefined && !guardsHost) continue;
    const context = contextOf(roleOf(role).direction);
    context.draft.baseChain(nameOf(`${interfaceMap(role)}_${hook}`), { hook, priority: priority(settings) }, [
      // Probes are about the chains of pods (probe-rules.ts), whatever host endpoints there are.
      accepted(ofProbe(chain.field)),
      ...chain.before(everything),
      ...(governed === undefined ? [] : askedOf(role, chain.field, governed, [])),
    ]);
  }
}

/** Where packets go that come in, or go out, by an interface. */
export function askedOf(
  role: RoleName,
  field: "iifname" | "oifname",
  { named, others }: Governed,
  when: readonly Condition[],
): readonly Rule[] {
  const dispatch: Rule = { when, statements: [{ do: "dispatch", key: [field], map: interfaceMap(role) }] };
  const jump: readonly Rule[] =
    others?.verdict === "jump" ? [{ when, statements: [{ do: "jump", to: others.to }] }] : [];
  return [...(named.size === 0 ? [] : [dispatch]), ...jump];
}

/**
 * What an untracked list allowed, later lists do not see. That a packet is untracked may have another's rule as its cause, so the list
 * is asked again rather than the state believed.
 */
export function untracked(hosts: HostVerdicts, role: RoleName, field: "iifname" | "oifname"): readonly Rule[] {
  const governed = hosts.get(role);
  return governed === undefined ? [] : askedOf(role, field, governed, [{ if: "connection", state: "untracked" }]);
}

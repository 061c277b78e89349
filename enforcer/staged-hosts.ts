// What is staged about host endpoints, in the kernel: before each chain of host-chains.ts one in which every verdict is `accept`, so that it
// decides nothing, and in which the rules of staged policies count their hits. What an earlier staged list of the host settles is noted in
// a bit of the connection's label that nobody in force looks at: see docs/decisions/0047.
import {
  accepted,
  type BaseSettings,
  established,
  families,
  loopback,
  neighbourDiscovery,
  toItself,
} from "./base-chains.ts";
import type { Draft } from "./draft.ts";
import {
  type Asked,
  askedOf,
  type HostChain,
  interfaceMap,
  manglePriority,
  notFromHere,
  rawPriority,
  toOwnPods,
  untracked,
} from "./host-chains.ts";
import { askedOfOwnNode } from "./own-node.ts";
import { ofProbe } from "./probe-rules.ts";
import type { StagedHostRole } from "./role.ts";
import { nameOf, type Rule } from "./ruleset.ts";

interface StagedHostChain extends HostChain {
  readonly role: StagedHostRole;
}

const settled: Rule = accepted({ if: "settled", in: "pending" });
const raw = () => rawPriority - 1;
/** Where connections are known already, before what comes before the translation of destinations. */
const tracked = () => manglePriority - 2;
const mangle = () => manglePriority - 1;
const filter = ({ priority }: BaseSettings) => priority - 1;

const chains: readonly StagedHostChain[] = [
  {
    ...{ role: "stagedHostRawIn", hook: "prerouting", field: "iifname", priority: raw },
    before: () => [loopback("iifname"), ...neighbourDiscovery, ...toOwnPods],
  },
  {
    ...{ role: "stagedHostRawOut", hook: "output", field: "oifname", priority: raw },
    before: () => [loopback("oifname"), ...neighbourDiscovery, ...toOwnPods],
  },
  {
    ...{ role: "stagedHostTrackedIn", hook: "prerouting", field: "iifname", priority: tracked },
    before: () => [loopback("iifname"), ...neighbourDiscovery, established, ...toOwnPods],
  },
  {
    ...{ role: "stagedHostTrackedOut", hook: "output", field: "oifname", priority: tracked },
    before: () => [loopback("oifname"), ...neighbourDiscovery, established, ...toOwnPods],
  },
  {
    ...{ role: "stagedHostPreDnat", hook: "prerouting", field: "iifname", priority: mangle },
    before: ({ hosts }) => [
      ...[loopback("iifname"), ...neighbourDiscovery, ...families.map(toItself), established],
      ...[...untracked(hosts, "stagedHostUntrackedIn", "iifname"), settled],
    ],
  },
  {
    ...{ role: "stagedHostInput", hook: "input", field: "iifname", priority: filter },
    before: ({ hosts, toNode }) => [
      ...[loopback("iifname"), ...neighbourDiscovery, established],
      ...askedOfOwnNode(toNode),
      ...[...untracked(hosts, "stagedHostUntrackedIn", "iifname"), settled],
    ],
  },
  {
    ...{ role: "stagedHostForwardIn", hook: "forward", field: "iifname", priority: filter },
    before: ({ hosts }) => [
      ...[...neighbourDiscovery, ...families.map(toItself), established],
      ...[...untracked(hosts, "stagedHostUntrackedIn", "iifname"), settled],
    ],
  },
  {
    ...{ role: "stagedHostForwardOut", hook: "forward", field: "oifname", priority: filter },
    before: () => [...neighbourDiscovery, ...families.map(toItself), established],
  },
  {
    ...{ role: "stagedHostOutput", hook: "postrouting", field: "oifname", priority: filter },
    before: ({ hosts }) => [
      ...[loopback("oifname"), ...neighbourDiscovery, established, notFromHere, ...toOwnPods],
      ...[...untracked(hosts, "stagedHostUntrackedOut", "oifname"), settled],
    ],
  },
];

/** Declares the base chains that are needed, and no other. */
export function addStagedHostChains(draft: Draft, settings: BaseSettings, asked: Asked): void {
  for (const { role, hook, field, priority, before } of chains) {
    const governed = asked.hosts.get(role);
    if (governed === undefined) continue;
    draft.baseChain(nameOf(`${interfaceMap(role)}_${hook}`), { hook, priority: priority(settings) }, [
      accepted(ofProbe(field)),
      ...before(asked),
      ...askedOf(role, field, governed, []),
    ]);
  }
}

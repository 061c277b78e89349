// The chains that the kernel calls, for pods: egress policy at forward and input, ingress policy later at forward and
// output: `accept` ends only the chain it stands in, so both ends of a connection within one node are asked.
import type { Family } from "../core/address.ts";
import type { Direction } from "../policy/program.ts";
import { denied, type RenderContext } from "./instruction.ts";
import { probeRules } from "./probe-rules.ts";
import { revokedRule } from "./revoked-chain.ts";
import {
  type Condition,
  type DataType,
  type Field,
  type Hook,
  type Name,
  nameOf,
  type Reason,
  type Rule,
} from "./ruleset.ts";

export interface BaseSettings {
  /** Of the first chains at input, forward and output; those that follow have the next ones. */
  readonly priority: number;
  /** How the names of interfaces begin behind which there are pods. */
  readonly podInterfaces: readonly string[];
  /** Deny sources that do not belong to the interface they come from. */
  readonly antiSpoofing: boolean;
  /** What becomes of packets of pod interfaces and pod CIDRs whose endpoint nobody knows. */
  readonly unknownEndpoints: "deny" | "allow";
}

/** The sets and maps that the renderer fills; each exists once per family. */
export const shared = {
  /** Which address is behind which interface. */
  bindings: (family: Family) => nameOf(`bindings${family}`),
  /** Addresses that are behind a pod interface, whichever. */
  bound: (family: Family) => nameOf(`bound${family}`),
  /** Pairs of addresses of one and the same pod. */
  self: (family: Family) => nameOf(`self${family}`),
  podCidrs: (family: Family) => nameOf(`pod_cidrs${family}`),
  /** Addresses of the pods that run here. */
  localPods: (family: Family) => nameOf(`local_pods${family}`),
  multicast6: nameOf("multicast6"),
  dispatch: (direction: Direction, family: Family) => dispatchNames[direction][family],
} as const;

const dispatchNames = {
  egress: { 4: nameOf("egress4"), 6: nameOf("egress6") },
  ingress: { 4: nameOf("ingress4"), 6: nameOf("ingress6") },
} as const;

export const families: readonly Family[] = [4, 6];

export function addressType(family: Family): DataType {
  return family === 4 ? "ipv4_addr" : "ipv6_addr";
}

/** For pods that the dispatch maps do not know yet: newcomers.ts. */
export function newcomersChain(direction: Direction): Name {
  return nameOf(`newcomers_${direction}`);
}

/** Declares the base chains of one direction; that of newcomers, to which they jump, is not among them. */
export function addPodChains(context: RenderContext, settings: BaseSettings): void {
  const hooks: readonly Hook[] = context.direction === "egress" ? ["forward", "input"] : ["forward", "output"];
  for (const hook of hooks) addPodChain(context, settings, hook);
}

// At forward the lists of host endpoints are asked in between: host-chains.ts.
const later = { egress: { forward: 0, input: 0 }, ingress: { forward: 2, output: 1 } } as const;

function addPodChain(context: RenderContext, settings: BaseSettings, hook: Hook): void {
  const { draft, direction } = context;
  const offset = (later[direction] as Readonly<Record<string, number>>)[hook] ?? 0;
  const spoofing = direction === "egress" && settings.antiSpoofing;
  draft.baseChain(nameOf(`${direction}_${hook}`), { hook, priority: settings.priority + offset }, [
    ...(hook === "input" ? [loopback("iifname")] : []),
    ...(spoofing ? falseRouters(context, settings) : []),
    ...neighbourDiscovery,
    ...(spoofing ? antiSpoofing(context, settings) : []),
    ...(hook === "output" ? [ownReset] : []),
    ...families.flatMap((family) => [toItself(family), revokedRule(context, family)]),
    established,
    ...probeRules(draft, direction, hook),
    ...(hook === "output" ? [fromThisHost] : []),
    ...families.map((family) => dispatch(direction, family)),
    { when: [], statements: [{ do: "jump", to: newcomersChain(direction) }] },
    ...(settings.unknownEndpoints === "deny" ? unknownEndpoints(context, settings) : []),
  ]);
}

/** The machine talking to itself, perhaps with an address from its pod CIDR. */
export function loopback(field: "iifname" | "oifname"): Rule {
  return accepted({ if: "interface", field, name: "lo", prefix: false });
}

export const established: Rule = accepted({ if: "connection", state: "established" });

/** What a reset of the chain of revoked connections sends looks like a packet of those itself. */
const ownReset: Rule = accepted({ if: "connection", state: "related" });

/** Kubelet probes its pods: a node may always reach the pods that run on it. */
export const fromThisHost: Rule = accepted({ if: "localSource", not: false });

/**
 * IPv6 does not work without: RFC 4861 types 133-136 (137, redirect, no pod sends) come with hop limit 255, which no router
 * lets through. MLD (RFC 2710, RFC 3810) 130-132 and 143 comes with 1, as does what a router forwards that came with 2; but
 * it goes to groups only. So these rules are no way past policy to another machine.
 */
export const neighbourDiscovery: readonly Rule[] = [
  accepted(hopLimit(255), ...icmp6(133, 136)),
  accepted(hopLimit(1), member(["daddr6"], shared.multicast6), ...icmp6(130, 132)),
  accepted(hopLimit(1), member(["daddr6"], shared.multicast6), ...icmp6(143, 143)),
];

/** A router advertisement (134) of a pod would give the node, or its neighbours on a bridge, the pod's idea of the network. */
function falseRouters(context: RenderContext, { podInterfaces }: BaseSettings): readonly Rule[] {
  return podInterfaces.flatMap((name) =>
    denied(context, [behind("iifname", name), { if: "family", is: 6 }, ...icmp6(134, 134)], "spoofed", "drop"),
  );
}

export function accepted(...when: readonly Condition[]): Rule {
  return { when, statements: [{ do: "accept" }] };
}

function hopLimit(value: number): Condition {
  return { if: "number", field: "hoplimit6", from: value, to: value, not: false };
}

function icmp6(from: number, to: number): readonly Condition[] {
  return [
    { if: "number", field: "protocol", from: 58, to: 58, not: false },
    { if: "number", field: "icmpType", from, to, not: false },
  ];
}

/** What comes from a pod has an address of that pod, and what has an address of a pod comes from it: not from outside. */
function antiSpoofing(context: RenderContext, { podInterfaces }: BaseSettings): readonly Rule[] {
  return families.flatMap((family) => {
    const source = sourceOf(family);
    const elsewhere: Condition = { if: "member", key: ["iifname", source], set: shared.bindings(family), not: true };
    const suspects = [...podInterfaces.map((name) => behind("iifname", name)), member([source], shared.bound(family))];
    return suspects.flatMap((suspect) => denied(context, [suspect, elsewhere], "spoofed", "drop"));
  });
}

/** A pod that talks to itself, by its Service say. */
export function toItself(family: Family): Rule {
  return accepted(member([sourceOf(family), destinationOf(family)], shared.self(family)));
}

function dispatch(direction: Direction, family: Family): Rule {
  const key = [direction === "egress" ? sourceOf(family) : destinationOf(family)];
  return { when: [], statements: [{ do: "dispatch", key, map: shared.dispatch(direction, family) }] };
}

/** A lookup by address alone would let through whoever is not in the map. */
function unknownEndpoints(context: RenderContext, { podInterfaces }: BaseSettings): readonly Rule[] {
  const egress = context.direction === "egress";
  const reason: Reason = "unknown-endpoint";
  const where = [
    ...podInterfaces.map((name) => behind(egress ? "iifname" : "oifname", name)),
    ...families.map((family) => member([egress ? sourceOf(family) : destinationOf(family)], shared.podCidrs(family))),
  ];
  return where.flatMap((condition) => denied(context, [condition], reason, "drop"));
}

function behind(field: "iifname" | "oifname", name: string): Condition {
  return { if: "interface", field, name, prefix: true };
}

export function member(key: readonly Field[], set: Name): Condition {
  return { if: "member", key, set, not: false };
}

export function sourceOf(family: Family): "saddr4" | "saddr6" {
  return family === 4 ? "saddr4" : "saddr6";
}

export function destinationOf(family: Family): "daddr4" | "daddr6" {
  return family === 4 ? "daddr4" : "daddr6";
}

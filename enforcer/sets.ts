import type { Family } from "../core/address.ts";
import { holdsPorts, type PortRange, type SetDefinition, type SetId } from "../policy/program.ts";
import { hasPorts, icmpOfFamily } from "../policy/protocol.ts";
import { contentName, type Draft } from "./draft.ts";
import { numberElement } from "./element.ts";
import { addressIntervals, portIntervals } from "./ranges.ts";
import { type Name, nameOf } from "./ruleset.ts";

const guarded = {
  with_ports: Array.from({ length: 256 }, (_, protocol) => protocol).filter(hasPorts),
  icmp: Object.values(icmpOfFamily),
} as const satisfies Record<string, readonly number[]>;

/** Protocols whose transport header holds what a rule wants to look at. */
export type ProtocolGroup = keyof typeof guarded;

export function isInGroup(protocol: number, group: ProtocolGroup): boolean {
  return guarded[group].some((member) => member === protocol);
}

/** What a SetId means just now; undefined if it has no definition or nobody says who its members are. */
export type SetLookup = (id: SetId) => { readonly definition: SetDefinition; readonly hasNets: boolean } | undefined;

/**
 * Declares the kernel's half of an address set that is of one family, and names its parts: single addresses are in a hash set, so
 * that one that comes or goes costs the same however many there are, CIDRs in an interval set beside it. Undefined if the set is none
 * of addresses. A network set may bring the first CIDR into a set of pods: whoever uses it is made anew then.
 */
export function addressSets(draft: Draft, lookup: SetLookup, id: SetId, family: Family): readonly Name[] | undefined {
  const found = lookup(id);
  if (found === undefined || holdsPorts(found.definition)) return undefined;
  const { definition, hasNets } = found;
  const type = [family === 4 ? "ipv4_addr" : "ipv6_addr"] as const;
  if (definition.kind === "cidrs") {
    const elements = addressIntervals(family, definition.cidrs);
    return [draft.set(contentName(`nets${family}`, id), type, "interval", { from: "constant", elements })];
  }
  draft.dependsOnNets(id, hasNets);
  const single = contentName(`pods${family}`, id);
  const names = [draft.set(single, type, null, { from: "members", id, family, part: "addresses" })];
  if (!hasNets) return names;
  const nets = contentName(`nets${family}`, id);
  return [...names, draft.set(nets, type, "interval", { from: "members", id, family, part: "nets" })];
}

/** Declares the half of a named port's set that is of one family: address . protocol . port. */
export function namedPortSet(draft: Draft, lookup: SetLookup, id: SetId, family: Family): Name | undefined {
  const found = lookup(id);
  if (found === undefined || !holdsPorts(found.definition)) return undefined;
  const type = [family === 4 ? "ipv4_addr" : "ipv6_addr", "inet_proto", "inet_service"] as const;
  return draft.set(contentName(`ports${family}`, id), type, null, { from: "members", id, family, part: "ports" });
}

/** Ports that are merged already: equal ones share a set. */
export function portSet(draft: Draft, ports: readonly PortRange[]): Name {
  const elements = portIntervals(ports);
  return draft.set(contentName("ports", JSON.stringify(ports)), ["inet_service"], "interval", {
    from: "constant",
    elements,
  });
}

export function protocolSet(draft: Draft, group: ProtocolGroup): Name {
  const elements = new Set(guarded[group].map((protocol) => numberElement(protocol, 255)));
  return draft.set(nameOf(`protocols_${group}`), ["inet_proto"], null, { from: "constant", elements });
}

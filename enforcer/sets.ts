import { cidrOf, type Family, familyOf, widthOf } from "../core/address.ts";
import type { Members } from "../policy/placement.ts";
import { holdsPorts, type PortRange, type SetDefinition, type SetId } from "../policy/program.ts";
import { hasPorts, icmpOfFamily } from "../policy/protocol.ts";
import type { Draft } from "./draft.ts";
import { addressElement, concatenation, type Element, numberElement } from "./element.ts";
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

/** What a SetId means just now; undefined if it has no definition, no members, or is of the other kind. */
export type SetLookup = (id: SetId) => { readonly definition: SetDefinition; readonly members: Members } | undefined;

/** Declares the kernel's half of an address set that is of one family, and names it. */
export function addressSet(draft: Draft, lookup: SetLookup, id: SetId, family: Family): Name | undefined {
  const found = lookup(id);
  if (found === undefined || holdsPorts(found.definition)) return undefined;
  const { definition, members } = found;
  const type = [family === 4 ? "ipv4_addr" : "ipv6_addr"] as const;
  // Network sets bring CIDRs into a selector's set. Such a set gets a name of its own, as nft cannot change its flags.
  if (definition.kind === "cidrs" || members.cidrs.length > 0)
    return draft.set(draft.nameOf(`nets${family}`, id), type, "interval", () => intervalsOf(members, family));
  return draft.set(draft.nameOf(`pods${family}`, id), type, null, () => addressesOf(members, family));
}

/** Declares the half of a named port's set that is of one family: address . protocol . port. */
export function namedPortSet(draft: Draft, lookup: SetLookup, id: SetId, family: Family): Name | undefined {
  const found = lookup(id);
  if (found === undefined || !holdsPorts(found.definition)) return undefined;
  const type = [family === 4 ? "ipv4_addr" : "ipv6_addr", "inet_proto", "inet_service"] as const;
  return draft.set(draft.nameOf(`ports${family}`, id), type, null, () =>
    namedPortsOf(draft, id, found.members, family),
  );
}

/** Ports that are merged already: equal ones share a set. */
export function portSet(draft: Draft, ports: readonly PortRange[]): Name {
  const name = draft.nameOf("ports", JSON.stringify(ports));
  return draft.set(name, ["inet_service"], "interval", () => portIntervals(ports));
}

export function protocolSet(draft: Draft, group: ProtocolGroup): Name {
  const elements = () => new Set(guarded[group].map((protocol) => numberElement(protocol, 255)));
  return draft.set(nameOf(`protocols_${group}`), ["inet_proto"], null, elements);
}

function addressesOf(members: Members, family: Family): ReadonlySet<Element> {
  return new Set(
    members.addresses
      .filter((address) => familyOf(address) === family)
      .map(addressElement)
      .sort(),
  );
}

function intervalsOf(members: Members, family: Family): ReadonlySet<Element> {
  const singles = members.addresses.map((address) => cidrOf(address, widthOf(familyOf(address))));
  return addressIntervals(family, [...members.cidrs, ...singles]);
}

function namedPortsOf(draft: Draft, id: SetId, members: Members, family: Family): ReadonlySet<Element> {
  const elements = new Set<Element>();
  for (const { address, protocol, port } of members.ports) {
    if (familyOf(address) !== family) continue;
    if (isWithin(protocol, 255) && isWithin(port, 65_535))
      elements.add(concatenation(addressElement(address), numberElement(protocol, 255), numberElement(port, 65_535)));
    else draft.problem(id, `leaves out the named port ${protocol}/${port}: out of range`);
  }
  return new Set([...elements].sort());
}

function isWithin(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}

import type { Address, Cidr } from "../core/address.ts";
import type { Members } from "./placement.ts";
import type { Contribution, Selected } from "./roster.ts";
import type { Backend } from "./service.ts";

/**
 * Addresses and nets of all that a selector selects. They are put together when they are first asked for: a change of one pod
 * touches sets of 100,000 addresses that a node may not even use.
 */
export function membersOfSelected(selected: Selected): Members {
  const contributions = (): readonly Contribution[] => [...selected.values()];
  const addresses = once(() => unique(contributions().flatMap((one) => one.addresses)));
  const cidrs = once(() => distinct(contributions().flatMap((one) => one.nets)));
  return {
    get addresses() {
      return addresses();
    },
    get cidrs() {
      return cidrs();
    },
    ports: [],
    from: selected,
  };
}

/** (address, protocol, port) of the ports of that name that the selected declare. */
export function membersOfPort(selected: Selected, name: string): Members {
  const ports = once(() => [...selected.values()].flatMap((one) => portsNamed(name, one)));
  return {
    addresses: [],
    cidrs: [],
    get ports() {
      return ports();
    },
    from: selected,
    port: name,
  };
}

export function membersOfService(backends: readonly Backend[], which: "addresses" | "ports"): Members {
  if (which === "ports") return { addresses: [], cidrs: [], ports: backends.filter(({ port }) => port > 0) };
  return { addresses: unique(backends.map(({ address }) => address)), cidrs: [], ports: [] };
}

function portsNamed(name: string, { ports, addresses }: Contribution): Members["ports"] {
  return ports
    .filter((port) => port.name === name)
    .flatMap(({ protocol, port }) => addresses.map((address) => ({ address, protocol, port })));
}

function unique(addresses: readonly Address[]): readonly Address[] {
  return [...new Set(addresses)];
}

function distinct(cidrs: readonly Cidr[]): readonly Cidr[] {
  return [...new Map(cidrs.map((cidr) => [cidr.text, cidr])).values()];
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

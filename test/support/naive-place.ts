import type { Endpoint, Placement } from "../../policy/placement.ts";
import { classOfEntries } from "../../policy/policy-class.ts";
import type { Program, SetDefinition } from "../../policy/program.ts";
import { parseSelector } from "../../policy/selector/parse.ts";
import { matches } from "../../policy/selector/syntax.ts";
import { type Backend, serviceKey } from "../../policy/service.ts";

/** A Placement as plain values, in order, for comparing. */
export function plain({ classOf, classes, members, endpoints }: Placement): unknown {
  const ordered = (map: ReadonlyMap<string, unknown>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    classOf: ordered(classOf),
    classes: ordered(classes),
    endpoints: ordered(endpoints),
    members: [...members]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, { addresses, cidrs, ports }]) => [
        id,
        addresses.toSorted(),
        cidrs.map(({ text }) => text).sort(),
        ports.map((port) => JSON.stringify([port.address, port.protocol, port.port])).sort(),
      ]),
  };
}

/** What `place` should give, by asking every selector about every endpoint. */
export function naivePlace(
  program: Program,
  endpoints: readonly Endpoint[],
  backends: readonly NamedBackend[],
): Placement {
  const meant = endpoints.filter(({ kind, hostNetwork }) => kind !== "node" && !hostNetwork);
  const nodes = endpoints.filter(({ kind }) => kind === "node");
  const classed = meant.filter(({ kind }) => kind !== "set").map((one) => [one.id, classFor(program, one)] as const);
  return {
    classOf: new Map(classed.map(([id, found]) => [id, found.id])),
    classes: new Map(classed.map(([, found]) => [found.id, found])),
    members: new Map([...program.sets].map(([id, set]) => [id, membersOf(set, meant, nodes, backends)])),
    endpoints: new Map(endpoints.map((one) => [one.id, one])),
  };
}

export interface NamedBackend extends Backend {
  readonly service: string;
}

function classFor(program: Program, endpoint: Endpoint) {
  const kind = endpoint.kind === "host" ? "host" : "pod";
  const entries = program.applies.filter(
    ({ selector, list }) => (list === "normal" || kind === "host") && selects(selector, endpoint),
  );
  return classOfEntries(entries, kind);
}

function membersOf(
  set: SetDefinition,
  meant: readonly Endpoint[],
  nodes: readonly Endpoint[],
  backends: readonly NamedBackend[],
) {
  const none = { addresses: [], cidrs: [], ports: [] };
  const unique = <T>(items: readonly T[]) => [...new Set(items)];
  switch (set.kind) {
    case "cidrs":
      return { ...none, cidrs: set.cidrs };
    case "nodes":
      return {
        ...none,
        addresses: unique(nodes.filter((one) => selects(set.selector, one)).flatMap((one) => one.addresses)),
      };
    case "selector": {
      const selected = meant.filter((one) => selects(set.selector, one));
      const nets = new Map(selected.flatMap((one) => one.nets).map((cidr) => [cidr.text, cidr]));
      return { ...none, addresses: unique(selected.flatMap((one) => one.addresses)), cidrs: [...nets.values()] };
    }
    case "port": {
      const selected = meant.filter((one) => selects(set.selector, one));
      const ports = selected.flatMap((one) =>
        one.ports
          .filter(({ name }) => name === set.port)
          .flatMap(({ protocol, port }) => one.addresses.map((address) => ({ address, protocol, port }))),
      );
      return { ...none, ports };
    }
    case "service": {
      const own = backends.filter(({ service }) => service === serviceKey(set));
      if (set.with === "addresses") return { ...none, addresses: unique(own.map(({ address }) => address)) };
      return { ...none, ports: own.filter(({ port }) => port > 0) };
    }
  }
}

function selects(selector: string, { labels }: Endpoint): boolean {
  return matches(parseSelector(selector, Number.POSITIVE_INFINITY), labels);
}

import type { Address } from "../core/address.ts";
import { contentHash } from "./hash.ts";
import type { ClassId, Endpoint, EndpointId, Members, Placement, PolicyClass, Stage, Stages } from "./placement.ts";
import type { Applicability, Direction, PolicyList, Program, SetDefinition, SetId } from "./program.ts";
import { Selection } from "./selection.ts";
import { type Backend, serviceKey } from "./service.ts";

/** By `serviceKey`. */
export type Services = ReadonlyMap<string, readonly Backend[]>;

/** Who gets which blocks, and who is in which set, for these endpoints just now. */
export function place(program: Program, endpoints: readonly Endpoint[], services: Services = new Map()): Placement {
  const meant = endpoints.filter(({ kind, hostNetwork }) => kind !== "node" && !hostNetwork);
  const selection = new Selection(meant);
  const known: Known = {
    meant: selection,
    nodes: new Selection(endpoints.filter(({ kind }) => kind === "node")),
    services,
  };
  const members = new Map<SetId, Members>();
  for (const [id, definition] of program.sets) members.set(id, membersOf(definition, known));
  return {
    ...classify(program, meant, selection),
    members,
    endpoints: new Map(endpoints.map((endpoint) => [endpoint.id, endpoint])),
  };
}

interface Known {
  /** Whom rules mean. */
  readonly meant: Selection;
  readonly nodes: Selection;
  readonly services: Services;
}

/** Endpoints that the same entries of `applies` select are of one class. Network sets are of none, and pods have one list. */
function classify(
  program: Program,
  meant: readonly Endpoint[],
  selection: Selection,
): Pick<Placement, "classOf" | "classes"> {
  const entriesOf = meant.map((): number[] => []);
  for (const [entry, { selector, list }] of program.applies.entries())
    for (const place of selection.places(selector))
      if (list === "normal" || meant[place]?.kind === "host") entriesOf[place]?.push(entry);
  const known = new Map<string, PolicyClass>();
  const classOf = new Map<EndpointId, ClassId>();
  for (const [place, { id, kind }] of meant.entries()) {
    if (kind === "set") continue;
    const entries = entriesOf[place] ?? [];
    const key = entries.join();
    const found = known.get(key) ?? classWith(entries.map((entry) => program.applies[entry] as Applicability));
    known.set(key, found);
    classOf.set(id, found.id);
  }
  return { classOf, classes: new Map([...known.values()].map((found) => [found.id, found])) };
}

function classWith(applies: readonly Applicability[]): PolicyClass {
  const normal = stagesOf(applies, "normal");
  const others = {
    forward: stagesOf(applies, "forward"),
    preDnat: stagesOf(applies, "preDnat"),
    untracked: stagesOf(applies, "untracked"),
    failsafe: stagesOf(applies, "failsafe"),
  };
  const content = [normal, ...Object.values(others)].flatMap(({ egress, ingress }) =>
    [egress, ingress].map((stages) =>
      stages.map(({ blocks, otherwise }) => [...blocks.map(({ block }) => block), otherwise.id]),
    ),
  );
  return { id: `c${contentHash(content, 16)}` as ClassId, ...normal, others };
}

function stagesOf(applies: readonly Applicability[], list: PolicyList): Stages {
  const ofList = applies.filter((entry) => entry.list === list);
  return { egress: inOrder(ofList, "egress"), ingress: inOrder(ofList, "ingress") };
}

function inOrder(applies: readonly Applicability[], direction: Direction): readonly Stage[] {
  const groups = Map.groupBy(
    applies.filter((entry) => entry.direction === direction),
    ({ stage }) => stage,
  );
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([, blocks]) => ({ blocks, otherwise: (blocks[0] as Applicability).otherwise }));
}

function membersOf(definition: SetDefinition, { meant, nodes, services }: Known): Members {
  switch (definition.kind) {
    case "cidrs":
      return { addresses: [], cidrs: definition.cidrs, ports: [] };
    case "selector": {
      const selected = meant.endpoints(definition.selector);
      const nets = new Map(selected.flatMap((endpoint) => endpoint.nets).map((cidr) => [cidr.text, cidr]));
      return {
        addresses: unique(selected.flatMap(({ addresses }) => addresses)),
        cidrs: [...nets.values()],
        ports: [],
      };
    }
    case "port": {
      const selected = meant.endpoints(definition.selector);
      return { addresses: [], cidrs: [], ports: selected.flatMap((endpoint) => portsNamed(definition.port, endpoint)) };
    }
    case "nodes": {
      const selected = nodes.endpoints(definition.selector);
      return { addresses: unique(selected.flatMap(({ addresses }) => addresses)), cidrs: [], ports: [] };
    }
    case "service": {
      const backends = services.get(serviceKey(definition)) ?? [];
      if (definition.with === "ports")
        return { addresses: [], cidrs: [], ports: backends.filter(({ port }) => port > 0) };
      return { addresses: unique(backends.map(({ address }) => address)), cidrs: [], ports: [] };
    }
  }
}

function portsNamed(name: string, { ports, addresses }: Endpoint): Members["ports"] {
  return ports
    .filter((port) => port.name === name)
    .flatMap(({ protocol, port }) => addresses.map((address) => ({ address, protocol, port })));
}

function unique(addresses: readonly Address[]): readonly Address[] {
  return [...new Set(addresses)];
}

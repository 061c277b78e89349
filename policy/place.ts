import type { Address } from "../core/address.ts";
import { contentHash } from "./hash.ts";
import type { ClassId, Endpoint, EndpointId, Members, Placement, PolicyClass, Stage } from "./placement.ts";
import type { Applicability, Direction, Program, SetDefinition, SetId } from "./program.ts";
import { Selection } from "./selection.ts";

/** Who gets which blocks, and who is in which set, for these endpoints just now. */
export function place(program: Program, endpoints: readonly Endpoint[]): Placement {
  const subjects = endpoints.filter(({ kind, hostNetwork }) => kind === "pod" && !hostNetwork);
  const selection = new Selection(subjects);
  const members = new Map<SetId, Members>();
  for (const [id, definition] of program.sets) members.set(id, membersOf(definition, selection));
  return {
    ...classify(program, subjects, selection),
    members,
    endpoints: new Map(endpoints.map((endpoint) => [endpoint.id, endpoint])),
  };
}

/** Endpoints that the same entries of `applies` select are of one class. */
function classify(
  program: Program,
  subjects: readonly Endpoint[],
  selection: Selection,
): Pick<Placement, "classOf" | "classes"> {
  const entriesOf = subjects.map((): number[] => []);
  for (const [entry, { selector }] of program.applies.entries())
    for (const place of selection.places(selector)) entriesOf[place]?.push(entry);
  const known = new Map<string, PolicyClass>();
  const classOf = new Map<EndpointId, ClassId>();
  for (const [place, { id }] of subjects.entries()) {
    const entries = entriesOf[place] ?? [];
    const key = entries.join();
    const found = known.get(key) ?? classWith(entries.map((entry) => program.applies[entry] as Applicability));
    known.set(key, found);
    classOf.set(id, found.id);
  }
  return { classOf, classes: new Map([...known.values()].map((found) => [found.id, found])) };
}

function classWith(applies: readonly Applicability[]): PolicyClass {
  const [egress, ingress] = [stagesOf(applies, "egress"), stagesOf(applies, "ingress")];
  const content = [egress, ingress].map((stages) =>
    stages.map(({ blocks, otherwise }) => [...blocks.map(({ block }) => block), otherwise.id]),
  );
  return { id: `c${contentHash(content, 16)}` as ClassId, egress, ingress };
}

function stagesOf(applies: readonly Applicability[], direction: Direction): readonly Stage[] {
  const groups = Map.groupBy(
    applies.filter((entry) => entry.direction === direction),
    ({ stage }) => stage,
  );
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([, blocks]) => ({ blocks, otherwise: (blocks[0] as Applicability).otherwise }));
}

function membersOf(definition: SetDefinition, selection: Selection): Members {
  switch (definition.kind) {
    case "cidrs":
      return { addresses: [], cidrs: definition.cidrs, ports: [] };
    case "selector": {
      const selected = selection.endpoints(definition.selector);
      return { addresses: unique(selected.flatMap(({ addresses }) => addresses)), cidrs: [], ports: [] };
    }
    case "port": {
      const selected = selection.endpoints(definition.selector);
      return { addresses: [], cidrs: [], ports: selected.flatMap((endpoint) => portsNamed(definition.port, endpoint)) };
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

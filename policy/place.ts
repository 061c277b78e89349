import type { Address } from "../core/address.ts";
import { contentHash } from "./hash.ts";
import type { ClassId, Endpoint, EndpointId, Members, Placement, PolicyClass, Stage } from "./placement.ts";
import type { Applicability, Direction, Program, SetDefinition, SetId } from "./program.ts";
import { parseSelector } from "./selector/parse.ts";
import { type Labels, matches } from "./selector/syntax.ts";

/** Who gets which blocks, and who is in which set, for these endpoints just now. */
export function place(program: Program, endpoints: readonly Endpoint[]): Placement {
  const select = new SelectorCache();
  const subjects = endpoints.filter(({ kind, hostNetwork }) => kind === "pod" && !hostNetwork);
  const classes = new Map<ClassId, PolicyClass>();
  const classOf = new Map<EndpointId, ClassId>();
  for (const endpoint of subjects) {
    const found = classify(program, endpoint.labels, select);
    classes.set(found.id, classes.get(found.id) ?? found);
    classOf.set(endpoint.id, found.id);
  }
  const members = new Map<SetId, Members>();
  for (const [id, definition] of program.sets) members.set(id, membersOf(definition, subjects, select));
  return { classOf, classes, members, endpoints: new Map(endpoints.map((endpoint) => [endpoint.id, endpoint])) };
}

function classify(program: Program, labels: Labels, select: SelectorCache): PolicyClass {
  const applies = program.applies.filter(({ selector }) => select.matches(selector, labels));
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

function membersOf(definition: SetDefinition, endpoints: readonly Endpoint[], select: SelectorCache): Members {
  switch (definition.kind) {
    case "cidrs":
      return { addresses: [], cidrs: definition.cidrs, ports: [] };
    case "selector": {
      const selected = endpoints.filter(({ labels }) => select.matches(definition.selector, labels));
      return { addresses: unique(selected.flatMap(({ addresses }) => addresses)), cidrs: [], ports: [] };
    }
    case "port": {
      const selected = endpoints.filter(({ labels }) => select.matches(definition.selector, labels));
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

/** Selectors stand in a Program as text; each is parsed once. */
class SelectorCache {
  readonly #parsed = new Map<string, ReturnType<typeof parseSelector>>();

  matches(text: string, labels: Labels): boolean {
    let selector = this.#parsed.get(text);
    if (selector === undefined) {
      selector = parseSelector(text);
      this.#parsed.set(text, selector);
    }
    return matches(selector, labels);
  }
}

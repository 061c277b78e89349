import { Multimap } from "../core/multimap.ts";
import { SortedMap } from "../core/sorted-map.ts";
import { membersOfPort, membersOfSelected, membersOfService } from "./members.ts";
import type { Members } from "./placement.ts";
import type { Population, PopulationMovement } from "./population.ts";
import type { SetDefinition, SetId } from "./program.ts";
import { serviceKey } from "./service.ts";

/** What a set's members come from: a selector over endpoints or nodes, a Service, or nothing but its definition. */
type Origin = { readonly from: "meant" | "nodes" | "services"; readonly key: string } | undefined;

/** The members of all sets of a Program, kept up to date: a change renews those of the sets that it touches. */
export class SetMembers {
  readonly #population: Population;
  readonly #definitions = new Map<SetId, SetDefinition>();
  readonly #dependents = {
    meant: new Multimap<string, SetId>(),
    nodes: new Multimap<string, SetId>(),
    services: new Multimap<string, SetId>(),
  };
  #current = SortedMap.empty<SetId, Members>();

  constructor(population: Population) {
    this.#population = population;
  }

  get current(): SortedMap<SetId, Members> {
    return this.#current;
  }

  /** Another Program, in which these sets came or went. */
  use(sets: ReadonlyMap<SetId, SetDefinition>, changed: Iterable<SetId>): void {
    const stale = new Set<SetId>();
    const gone: SetDefinition[] = [];
    for (const id of changed) {
      const [before, after] = [this.#definitions.get(id), sets.get(id)];
      if ((before === undefined) === (after === undefined)) continue;
      stale.add(id);
      if (after !== undefined) this.#add(id, after);
      if (before !== undefined) {
        gone.push(before);
        this.#remove(id, before);
      }
    }
    // Not before the others have asked: a selector that stays is not to be forgotten in between.
    for (const definition of gone) this.#roster(definition)?.drop(originOf(definition)?.key ?? "");
    this.#renew(stale);
  }

  move({ selectors, nodeSelectors, services }: PopulationMovement): void {
    const { meant, nodes, services: ofServices } = this.#dependents;
    this.#renew(
      new Set([
        ...[...selectors].flatMap((key) => [...meant.get(key)]),
        ...[...nodeSelectors].flatMap((key) => [...nodes.get(key)]),
        ...[...services].flatMap((key) => [...ofServices.get(key)]),
      ]),
    );
  }

  close(): void {
    this.use(new Map(), [...this.#definitions.keys()]);
  }

  #renew(ids: Iterable<SetId>): void {
    const changes = new Map<SetId, Members | undefined>();
    for (const id of ids) {
      const definition = this.#definitions.get(id);
      changes.set(id, definition && this.#membersOf(definition));
    }
    this.#current = this.#current.with(changes);
  }

  #add(id: SetId, definition: SetDefinition): void {
    this.#definitions.set(id, definition);
    const origin = originOf(definition);
    if (origin !== undefined) this.#dependents[origin.from].add(origin.key, id);
    if (origin !== undefined) this.#roster(definition)?.ask(origin.key);
  }

  #remove(id: SetId, definition: SetDefinition): void {
    this.#definitions.delete(id);
    const origin = originOf(definition);
    if (origin !== undefined) this.#dependents[origin.from].delete(origin.key, id);
  }

  #roster(definition: SetDefinition) {
    const from = originOf(definition)?.from;
    return from === "meant" || from === "nodes" ? this.#population[from] : undefined;
  }

  #membersOf(definition: SetDefinition): Members {
    const { meant, nodes, services } = this.#population;
    switch (definition.kind) {
      case "cidrs":
        return { addresses: [], cidrs: definition.cidrs, ports: [] };
      case "selector":
        return membersOfSelected(meant.selected(definition.selector));
      case "port":
        return membersOfPort(meant.selected(definition.selector), definition.port);
      case "nodes":
        return membersOfSelected(nodes.selected(definition.selector));
      case "service":
        return membersOfService(services.get(serviceKey(definition)) ?? [], definition.with);
    }
  }
}

function originOf(definition: SetDefinition): Origin {
  switch (definition.kind) {
    case "cidrs":
      return undefined;
    case "selector":
    case "port":
      return { from: "meant", key: definition.selector };
    case "nodes":
      return { from: "nodes", key: definition.selector };
    case "service":
      return { from: "services", key: serviceKey(definition) };
  }
}

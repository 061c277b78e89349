import { SortedMap } from "../core/sorted-map.ts";
import { canonicalJson } from "./hash.ts";
import type { Endpoint, EndpointId } from "./placement.ts";
import { type EndpointChanges, type Movement, Roster } from "./roster.ts";
import type { Backend } from "./service.ts";

/** By `serviceKey`. */
export type Services = ReadonlyMap<string, readonly Backend[]>;

/** What came, went or changed; undefined is gone. */
export interface PopulationChange {
  readonly endpoints: ReadonlyMap<EndpointId, Endpoint | undefined>;
  readonly services: ReadonlyMap<string, readonly Backend[] | undefined>;
}

/** What that changed for those who ask. */
export interface PopulationMovement extends Movement {
  /** Selectors over nodes. */
  readonly nodeSelectors: ReadonlySet<string>;
  readonly services: ReadonlySet<string>;
}

/** Everybody there is, and whom the selectors of Programs select among them. Several Programs may ask one. */
export class Population {
  /** Whom rules mean and policy applies to: pods of their own network, hosts, network sets. */
  readonly meant = new Roster();
  readonly nodes = new Roster();
  #endpoints = SortedMap.empty<EndpointId, Endpoint>();
  #services = SortedMap.empty<string, readonly Backend[]>();

  get endpoints(): SortedMap<EndpointId, Endpoint> {
    return this.#endpoints;
  }

  get services(): Services {
    return this.#services;
  }

  update({ endpoints: told, services }: PopulationChange): PopulationMovement {
    const endpoints = this.#different(told);
    this.#endpoints = this.#endpoints.withSorted(endpoints);
    this.#services = this.#services.with(services);
    const nodes = this.nodes.update(only(endpoints, this.nodes, ({ kind }) => kind === "node"));
    const isMeant = ({ kind, hostNetwork }: Endpoint) => kind !== "node" && !hostNetwork;
    const meant = this.meant.update(only(endpoints, this.meant, isMeant));
    return { ...meant, nodeSelectors: nodes.selectors, services: new Set(services.keys()) };
  }

  /** Most of what is told of a pod (that it is ready, say) says nothing here. */
  #different(told: PopulationChange["endpoints"]): EndpointChanges {
    const isOther = (id: EndpointId) => !isSame(this.#endpoints.get(id), told.get(id));
    const keys = (this.#endpoints.size === 0 ? [...told.keys()] : [...told.keys()].filter(isOther)).sort();
    return { keys, values: keys.map((id) => told.get(id)) };
  }
}

/** The same changes for a roster of these endpoints only: any other is gone for it, if it was there. */
function only(changes: EndpointChanges, roster: Roster, belongs: (endpoint: Endpoint) => boolean): EndpointChanges {
  const [keys, values]: [EndpointId[], (Endpoint | undefined)[]] = [[], []];
  for (const [place, id] of changes.keys.entries()) {
    const endpoint = changes.values[place];
    const own = endpoint !== undefined && belongs(endpoint) ? endpoint : undefined;
    if (own === undefined && roster.endpoint(id) === undefined) continue;
    keys.push(id);
    values.push(own);
  }
  return { keys, values };
}

/** Endpoints are equal if their canonical texts are; nearly all that are not differ where it costs less to look. */
function isSame(a: Endpoint | undefined, b: Endpoint | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.addresses.join() !== b.addresses.join() || a.node !== b.node) return false;
  return canonicalJson(a) === canonicalJson(b);
}

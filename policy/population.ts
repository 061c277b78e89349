import { SortedMap } from "../core/sorted-map.ts";
import { canonicalJson } from "./hash.ts";
import type { Endpoint, EndpointId } from "./placement.ts";
import { type Movement, Roster } from "./roster.ts";
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
    this.#endpoints = this.#endpoints.with(endpoints);
    this.#services = this.#services.with(services);
    const nodes = this.nodes.update(only(endpoints, ({ kind }) => kind === "node"));
    const meant = this.meant.update(only(endpoints, ({ kind, hostNetwork }) => kind !== "node" && !hostNetwork));
    return { ...meant, nodeSelectors: nodes.selectors, services: new Set(services.keys()) };
  }

  /** Most of what is told of a pod (that it is ready, say) says nothing here. */
  #different(told: PopulationChange["endpoints"]): PopulationChange["endpoints"] {
    if (this.#endpoints.size === 0) return told;
    return new Map([...told].filter(([id, endpoint]) => !isSame(this.#endpoints.get(id), endpoint)));
  }
}

/** The same changes for a roster that knows these endpoints only: any other is gone for it. */
function only(
  changes: PopulationChange["endpoints"],
  belongs: (endpoint: Endpoint) => boolean,
): PopulationChange["endpoints"] {
  return new Map(
    [...changes].map(([id, endpoint]) => [id, endpoint !== undefined && belongs(endpoint) ? endpoint : undefined]),
  );
}

/** Endpoints are equal if their canonical texts are; nearly all that are not differ where it costs less to look. */
function isSame(a: Endpoint | undefined, b: Endpoint | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.addresses.join() !== b.addresses.join() || a.node !== b.node) return false;
  return canonicalJson(a) === canonicalJson(b);
}

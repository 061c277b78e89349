import { keyOf } from "../core/kube/objects.ts";
import type { Change } from "../core/kube/watch.ts";
import type { ClusterServices, Served } from "../enforcer/cluster-paths.ts";
import { readEndpointSlice } from "../policy/kinds/endpoint-slice.ts";

const watched = { apiServers: "default/kubernetes", dns: "kube-system/kube-dns" } as const;

/** Where the cluster's own services answer, by the EndpointSlices of theirs. */
export class ClusterServiceIndex {
  readonly #slices = new Map<string, { readonly service: string | null; readonly served: readonly Served[] }>();
  #services: ClusterServices = { apiServers: [], dns: [] };

  get services(): ClusterServices {
    return this.#services;
  }

  /** True if that changed them. */
  update(changes: readonly Change[]): boolean {
    const before = JSON.stringify(this.#services);
    for (const change of changes) {
      if (change.type === "synced" || change.object.kind !== "EndpointSlice") continue;
      const key = keyOf(change.object);
      const read = change.type === "upsert" ? readEndpointSlice(change.object) : undefined;
      if (read === undefined) this.#slices.delete(key);
      // What is refused keeps its last good state.
      else if ("value" in read) this.#slices.set(key, { service: read.value.service, served: read.value.backends });
    }
    this.#services = { apiServers: this.#behind(watched.apiServers), dns: this.#behind(watched.dns) };
    return JSON.stringify(this.#services) !== before;
  }

  #behind(name: string): readonly Served[] {
    const slices = [...this.#slices].filter(([, { service }]) => service === name).sort(([a], [b]) => (a < b ? -1 : 1));
    return slices.flatMap(([, { served }]) => served).filter(({ port }) => port > 0);
  }
}

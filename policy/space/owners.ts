import type { Address } from "../../core/address.ts";
import type { Endpoint, Placement, PolicyClass } from "../placement.ts";

/** Who has which address, and whom policy is not asked about, as in evaluate.ts. */
export class Owners {
  readonly #pods = new Map<Address, Endpoint>();
  readonly #nodes = new Map<Address, string>();
  readonly #placement: Placement;

  constructor(placement: Placement) {
    this.#placement = placement;
    for (const endpoint of placement.endpoints.values()) {
      if (endpoint.hostNetwork) continue;
      for (const address of endpoint.addresses) {
        if (endpoint.kind === "pod") this.#pods.set(address, endpoint);
        else if (endpoint.kind === "node") this.#nodes.set(address, endpoint.name);
      }
    }
  }

  podAt(address: Address): Endpoint | undefined {
    return this.#pods.get(address);
  }

  /** The name of the node that has the address. */
  nodeAt(address: Address): string | undefined {
    return this.#nodes.get(address);
  }

  /** What applies to whoever has the address; undefined if nothing does. */
  classAt(address: Address): PolicyClass | undefined {
    const pod = this.#pods.get(address);
    const id = pod === undefined ? undefined : this.#placement.classOf.get(pod.id);
    return id === undefined ? undefined : this.#placement.classes.get(id);
  }

  exemption(source: Address, destination: Address): "self" | "own-node" | null {
    const pod = this.#pods.get(destination);
    if (pod === undefined) return null;
    if (this.#pods.get(source)?.id === pod.id) return "self";
    return pod.node !== null && this.#nodes.get(source) === pod.node ? "own-node" : null;
  }
}

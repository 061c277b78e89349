import type { Address } from "../../core/address.ts";
import type { Placement } from "../placement.ts";
import { areOnOneNode, exemptionOf, type Place, Routes, type Visit } from "../route.ts";
import type { Packet, Verdict } from "../verdict.ts";
import type { Situation } from "./situation.ts";

/** Which way packets go from address to address in one situation, as evaluate.ts has it, where neither interfaces nor translation are told. */
export class Ways {
  readonly #placement: Placement;
  readonly #routes: Routes;
  readonly #places = new Map<Address, Place>();
  readonly #guarded: ReadonlySet<string>;
  /** What pods send to their own node another list decides than what others send there. */
  readonly #hasOwnNodeList: boolean;

  constructor({ program, placement }: Situation) {
    this.#placement = placement;
    this.#hasOwnNodeList = program.applies.some(({ list }) => list === "toOwnNode");
    this.#routes = new Routes(placement);
    const hosts = [...placement.endpoints.values()].filter(({ kind }) => kind === "host");
    this.#guarded = new Set(hosts.map(({ node }) => node ?? ""));
  }

  placeOf(address: Address): Place {
    const known = this.#places.get(address) ?? this.#routes.placeOf(address);
    this.#places.set(address, known);
    return known;
  }

  /** What packets to elsewhere meet at their source, and those from elsewhere at their destination. */
  departure(source: Address): Visit {
    return this.#routes.departure(this.placeOf(source), source);
  }

  arrival(destination: Address): Visit {
    return this.#routes.arrival(this.placeOf(destination), destination);
  }

  /** All that packets meet. */
  way(source: Address, destination: Address): readonly Visit[] {
    return this.#routes.way(packetOf(source, destination)).visits;
  }

  exemption(source: Address, destination: Address): Verdict["exempt"] {
    return exemptionOf(this.placeOf(source), this.placeOf(destination));
  }

  /** Equal for addresses whose packets meet the same lists with everybody else. */
  kindOf(address: Address): string {
    const place = this.placeOf(address);
    const node = this.guardedNode(address);
    const policies = place.at === "pod" ? this.#placement.classOf.get(place.pod.id) : "";
    if (node === null) return `${place.at} ${policies}`;
    // Hosts of a node may be of different classes, and which of them is met depends on the address.
    const hops = [...this.departure(address), ...this.arrival(address)];
    return `${place.at} ${policies} ${node} ${hops.map(({ endpoint, list }) => `${endpoint} ${list}`).join()}`;
  }

  /** The node where the address is, if what stays on it meets others than what comes from elsewhere: where there are host endpoints. */
  guardedNode(address: Address): string | null {
    const { node } = this.placeOf(address);
    return node !== null && (this.#hasOwnNodeList || this.#guarded.has(node)) ? node : null;
  }

  areOnOneNode(source: Address, destination: Address): boolean {
    return areOnOneNode(this.placeOf(source), this.placeOf(destination));
  }
}

/** Of a packet only the addresses matter here. */
function packetOf(source: Address, destination: Address): Packet {
  return { source, destination, protocol: 6, sourcePort: 0, destinationPort: 0, icmp: null };
}

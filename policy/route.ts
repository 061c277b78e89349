import { type Address, familyOf } from "../core/address.ts";
import type { Endpoint, EndpointId, Placement, Stage } from "./placement.ts";
import type { Direction, PolicyList } from "./program.ts";
import type { Interfaces, Packet, Verdict } from "./verdict.ts";
import { Whereabouts } from "./whereabouts.ts";

/** One list that a packet is asked about. */
export interface Hop {
  readonly endpoint: EndpointId;
  readonly list: PolicyList;
  readonly direction: Direction;
  /** Never empty. */
  readonly stages: readonly Stage[];
  /** It comes before the node translates the packet's destination. */
  readonly untranslated: boolean;
}

/** The lists of one endpoint, in order: the first that allows ends the visit; one that denies ends the way. */
export type Visit = readonly Hop[];

/** What a packet tells of its way. */
type Hints = Pick<Packet, "interfaces" | "translated">;

/** All endpoints whose policy a packet meets, from its source to its destination. */
export interface Way {
  readonly exempt: Verdict["exempt"];
  readonly visits: readonly Visit[];
}

/** Where an address is. Pods that share their node's addresses are the node. */
export type Place =
  | { readonly at: "pod"; readonly pod: Endpoint; readonly node: string | null }
  | { readonly at: "node"; readonly node: string }
  | { readonly at: "outside"; readonly node: null };

const outside: Place = { at: "outside", node: null };

/**
 * Who governs a packet, by the table of which lists of a host endpoint see which traffic:
 *
 *   to a process of the host      failsafe, untracked, preDnat, normal  (ingress)
 *   from a process of the host    failsafe, untracked, normal           (egress)
 *   to or from a pod of the host  preDnat, forward                      (ingress of the interface where it comes in)
 *                                 forward                               (egress of that where it goes out)
 *   through the host              untracked, preDnat, forward           (the same; only where the packet tells its interfaces)
 *
 * Pods have their own policy beside.
 */
export class Routes {
  readonly #placement: Placement;
  readonly #whereabouts: Whereabouts;

  constructor(placement: Placement) {
    this.#placement = placement;
    this.#whereabouts = Whereabouts.of(placement.endpoints);
  }

  /** All that a packet meets. */
  way(packet: Packet): Way {
    const [from, to] = [this.placeOf(packet.source), this.placeOf(packet.destination)];
    const exempt = exemptionOf(from, to);
    if (exempt !== null) return { exempt, visits: [] };
    if (areOnOneNode(from, to))
      return { exempt, visits: [...this.departureWithin(from, to.at, packet), ...this.arrivalWithin(to, packet)] };
    return {
      exempt,
      visits: [
        ...this.departure(from, packet.source, packet),
        ...this.#between(from, to, packet),
        ...this.arrival(to, packet.destination, packet),
      ],
    };
  }

  placeOf(address: Address): Place {
    const pod = this.#whereabouts.podAt(address);
    if (pod !== undefined) return { at: "pod", pod, node: pod.node };
    const node = this.#whereabouts.nodeAt(address);
    return node === undefined ? outside : { at: "node", node };
  }

  /** On the node of the source, for what goes elsewhere. */
  departure(from: Place, source: Address, hints: Hints = {}): readonly Visit[] {
    switch (from.at) {
      case "outside":
        return [];
      case "node": {
        const host = this.#governing(from.node, fabric("out", source), hints);
        return some(this.#lists(host, "egress", ["failsafe", "untracked", "normal"], hints));
      }
      case "pod":
        return some(
          podVisit(this.#placement, from.pod, "egress"),
          this.#enteringFromPod(from.node, passing, hints),
          this.#leaving(from.node, fabric("out"), hints),
        );
    }
  }

  /** On the node of the destination, for what comes from elsewhere. */
  arrival(to: Place, destination: Address, hints: Hints = {}): readonly Visit[] {
    switch (to.at) {
      case "outside":
        return [];
      case "node": {
        const host = this.#governing(to.node, fabric("in", destination), hints);
        return some(this.#lists(host, "ingress", toProcess, hints));
      }
      case "pod": {
        const host = this.#governing(to.node, fabric("in"), hints);
        return some(this.#lists(host, "ingress", passing, hints), ...this.#toPod(to.pod, hints));
      }
    }
  }

  /** Of a pod, for what goes to another pod of its node, or to the node. */
  departureWithin(from: Place, to: Place["at"], hints: Hints = {}): readonly Visit[] {
    if (from.at !== "pod") return [];
    const egress = podVisit(this.#placement, from.pod, "egress");
    return some(egress, this.#enteringFromPod(from.node, to === "pod" ? passing : toProcess, hints));
  }

  /** Of a pod, for what comes from another of its node. */
  arrivalWithin(to: Place, hints: Hints = {}): readonly Visit[] {
    return to.at === "pod" ? some(...this.#toPod(to.pod, hints)) : [];
  }

  /** On nodes that only pass it on. */
  #between(from: Place, to: Place, hints: Hints): readonly Visit[] {
    const routers = [...(hints.interfaces?.keys() ?? [])].filter((node) => node !== from.node && node !== to.node);
    return routers.flatMap((node) => {
      const host = this.#governing(node, fabric("in"), hints);
      const entering = this.#lists(host, "ingress", ["untracked", ...passing], hints);
      return some(entering, this.#leaving(node, fabric("out"), hints));
    });
  }

  #enteringFromPod(node: string | null, lists: readonly PolicyList[], hints: Hints): Visit {
    return this.#lists(this.#governing(node, ofPods("in"), hints), "ingress", lists, hints);
  }

  #toPod(pod: Endpoint, hints: Hints): readonly Visit[] {
    return [podVisit(this.#placement, pod, "ingress"), this.#leaving(pod.node, ofPods("out"), hints)];
  }

  #leaving(node: string | null, link: Link, hints: Hints): Visit {
    return this.#lists(this.#governing(node, link, hints), "egress", ["forward"], hints);
  }

  #lists(host: Endpoint | undefined, direction: Direction, lists: readonly PolicyList[], hints: Hints): Visit {
    if (host === undefined) return [];
    // What is not tracked is decided per interface, before the kernel knows where a packet goes: not for all of them at once.
    const asked = host.interfaceName === "*" ? lists.filter((list) => list !== "untracked") : lists;
    const isTranslated = hints.translated !== undefined && hints.translated.node === host.node;
    return hopsOf(this.#placement, host, direction, asked).map((hop) =>
      isTranslated && (hop.list === "untracked" || hop.list === "preDnat") ? { ...hop, untranslated: true } : hop,
    );
  }

  /**
   * The host endpoint of the interface through which the packet goes. Where that is not told: of what processes send and get, the one
   * that has the packet's address; of what passes through, the one that has an address of the node; else the one of all interfaces; else
   * the only one.
   * Interfaces of pods belong to the one of all interfaces, unless another names them.
   */
  #governing(node: string | null, link: Link, { interfaces }: Hints): Endpoint | undefined {
    const hosts = node === null ? undefined : this.#whereabouts.hosts.get(node);
    if (node === null || hosts === undefined) return undefined;
    const all = hosts.find(({ interfaceName }) => interfaceName === "*");
    const some = hosts.filter(({ interfaceName }) => interfaceName !== "*");
    const told = interfaces?.get(node)?.[link.side];
    const named = told === undefined ? undefined : some.find(({ interfaceName }) => interfaceName === told);
    if (named !== undefined) return named;
    if (link.isOfPods) return all;
    const candidates = told === undefined ? some : some.filter(({ interfaceName }) => interfaceName === null);
    const having = (isWanted: (address: Address) => boolean) =>
      candidates.find(({ addresses }) => addresses.some(isWanted));
    const ofNode = (host: Endpoint) => host.addresses.some((address) => this.#whereabouts.nodeAt(address) === node);
    const { local } = link;
    if (local === null) return candidates.find(ofNode) ?? all ?? (candidates.length === 1 ? candidates[0] : undefined);
    // Who lists no address of this family may well be the one of this interface.
    const isSilent = ({ addresses }: Endpoint) => addresses.every((address) => familyOf(address) !== familyOf(local));
    const found =
      having((address) => address === local) ?? candidates.find((host) => ofNode(host) && isSilent(host)) ?? all;
    if (found !== undefined || told !== undefined) return found;
    return candidates.length === 1 ? candidates[0] : candidates.find(ofNode);
  }
}

function podVisit(placement: Placement, pod: Endpoint, direction: Direction): Visit {
  return hopsOf(placement, pod, direction, ["normal"]);
}

function hopsOf(placement: Placement, { id }: Endpoint, direction: Direction, lists: readonly PolicyList[]): Visit {
  const classId = placement.classOf.get(id);
  const found = classId === undefined ? undefined : placement.classes.get(classId);
  if (found === undefined) return [];
  return lists
    .map((list): Hop => {
      const stages = list === "normal" ? found[direction] : found.others[list][direction];
      return { endpoint: id, list, direction, stages, untranslated: false };
    })
    .filter(({ stages }) => stages.length > 0);
}

const some = (...visits: readonly Visit[]): readonly Visit[] => visits.filter((visit) => visit.length > 0);

const toProcess: readonly PolicyList[] = ["failsafe", "untracked", "preDnat", "normal"];
const passing: readonly PolicyList[] = ["preDnat", "forward"];

/** Where a packet passes the edge of a node. */
interface Link {
  readonly side: keyof Interfaces;
  readonly isOfPods: boolean;
  /** Its address there, where a process of the node sends or gets it. */
  readonly local: Address | null;
}

const ofPods = (side: Link["side"]): Link => ({ side, isOfPods: true, local: null });
const fabric = (side: Link["side"], local: Address | null = null): Link => ({ side, isOfPods: false, local });

/** What a node sends to its own pods is asked about nowhere, nor what somebody sends to himself. */
export function exemptionOf(from: Place, to: Place): Verdict["exempt"] {
  if (from.at === "pod") return to.at === "pod" && to.pod === from.pod ? "self" : null;
  if (from.at === "outside" || from.node !== to.node) return null;
  return to.at === "pod" ? "own-node" : "self";
}

export function areOnOneNode(from: Place, to: Place): boolean {
  return from.node !== null && from.node === to.node;
}

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
  /** It is asked as long as none of these bits is set. */
  readonly unless: number;
  /** What it sets by allowing. */
  readonly sets: number;
  /** Allowing here is no more than that other lists are not asked. */
  readonly skips: boolean;
}

/**
 * All that is asked at one end of a way, or on one node in between, in order. One that denies ends the way. One that allows ends what
 * its endpoint has to say about the packet there: bits, which mean nothing beyond the visit, tell the hops that are then left out.
 */
export type Visit = readonly Hop[];

/** What a packet tells of its way. */
type Hints = Pick<Packet, "interfaces" | "translated">;

/** All endpoints whose policy a packet meets, from its source to its destination. */
export interface Way {
  readonly exempt: Verdict["exempt"];
  /** None is empty. */
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
 * Pods have their own policy beside. All in the order of the kernel's hooks (enforcer/role.ts): what comes before the translation of
 * destinations, then a pod's egress policy, then the rest. What a pod sends to its own node `toOwnNode` decides, if there is such a
 * list, so that the host's `failsafe` and `normal` are not asked.
 *
 * Before the translation nobody knows where a packet will go in the end. Where it tells that it was translated, lists from before it see
 * where it was going then, and are those of traffic that goes there; and failsafe ports are looked at twice, as they are in the kernel.
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
    if (exempt !== null) return { exempt, visits: some(this.#beforeItself(from, packet)) };
    if (areOnOneNode(from, to))
      return { exempt, visits: some(this.departureWithin(from, to.at, packet), this.arrivalWithin(to, packet)) };
    return {
      exempt,
      visits: some(
        this.departure(from, packet.source, packet),
        ...this.#between(from, to, packet),
        this.arrival(to, packet.destination, packet),
      ),
    };
  }

  placeOf(address: Address): Place {
    const pod = this.#whereabouts.podAt(address);
    if (pod !== undefined) return { at: "pod", pod, node: pod.node };
    const node = this.#whereabouts.nodeAt(address);
    return node === undefined ? outside : { at: "node", node };
  }

  /** On the node of the source, for what goes elsewhere. */
  departure(from: Place, source: Address, hints: Hints = {}): Visit {
    switch (from.at) {
      case "outside":
        return [];
      case "node": {
        const host = this.#governing(from.node, fabric("out", source), hints);
        const sight = this.#sightOf(from.node, "beyond", hints);
        return [
          ...this.#before(host, outgoing, { ...sight, isToHost: true }),
          ...this.#ofProcess(host, "egress", sight),
        ];
      }
      case "pod": {
        const { before, passing } = this.#entering(from.node, ofPods("in"), "beyond", hints);
        const leaving = this.#leaving(from.node, fabric("out"), hints);
        return [...before, ...podHops(this.#placement, from.pod, "egress"), ...passing, ...leaving];
      }
    }
  }

  /** On the node of the destination, for what comes from elsewhere. */
  arrival(to: Place, destination: Address, hints: Hints = {}): Visit {
    switch (to.at) {
      case "outside":
        return [];
      case "node": {
        const { before, toProcess } = this.#entering(to.node, fabric("in", destination), "here", hints);
        return [...before, ...toProcess];
      }
      case "pod": {
        const { before, passing } = this.#entering(to.node, fabric("in"), "ownPod", hints);
        return [...before, ...passing, ...this.#toPod(to.pod, hints)];
      }
    }
  }

  /** Of a pod, for what goes to another pod of its node, or to the node. */
  departureWithin(from: Place, to: Place["at"], hints: Hints = {}): Visit {
    if (from.at !== "pod") return [];
    const egress = podHops(this.#placement, from.pod, "egress");
    if (to === "pod") {
      const { before, passing } = this.#entering(from.node, ofPods("in"), "ownPod", hints);
      return [...before, ...egress, ...passing];
    }
    const toOwnNode = hopsOf(this.#placement, from.pod, "ingress", [toOwnNodeAsking]);
    const { before, toProcess } = this.#entering(from.node, ofPods("in"), "here", hints, true);
    return [...before, ...egress, ...toOwnNode, ...toProcess];
  }

  /** Of a pod, for what comes from another of its node. */
  arrivalWithin(to: Place, hints: Hints = {}): Visit {
    return to.at === "pod" ? this.#toPod(to.pod, hints) : [];
  }

  /** On nodes that only pass it on. */
  #between(from: Place, to: Place, hints: Hints): readonly Visit[] {
    const routers = [...(hints.interfaces?.keys() ?? [])].filter((node) => node !== from.node && node !== to.node);
    return routers.map((node) => {
      const { before, passing } = this.#entering(node, fabric("in"), "beyond", hints);
      return [...before, ...passing, ...this.#leaving(node, fabric("out"), hints)];
    });
  }

  /** Of what a pod sends to itself by a Service: that it is so is known once it is translated. */
  #beforeItself(from: Place, hints: Hints): Visit {
    if (from.at !== "pod" || from.node === null || hints.translated?.node !== from.node) return [];
    return this.#entering(from.node, ofPods("in"), "beyond", hints).before;
  }

  /** What is asked where a packet comes in: first before its destination is translated, then whether it is for the host or passes. */
  #entering(node: string | null, link: Link, to: Sight["to"], hints: Hints, isPodAsked = false) {
    const host = this.#governing(node, link, hints);
    const sight = this.#sightOf(node, to, hints);
    const again = { ...sight, asksAgain: sight.asksAgain || isPodAsked };
    const isToHost = sight.to === "here";
    // What is not tracked is no matter of pods.
    const isTracked = link.isOfPods || sight.to === "ownPod";
    const lists = isTracked ? incoming.lists.filter(({ list }) => list !== "untracked") : incoming.lists;
    return {
      before: this.#before(host, { ...incoming, lists }, { ...again, isToHost }),
      passing: this.#of(host, "ingress", [{ list: "forward", unless: bit.entered, sets: bit.entered }]),
      toProcess: this.#ofProcess(host, "ingress", again),
    };
  }

  #toPod(pod: Endpoint, hints: Hints): Visit {
    return [...podHops(this.#placement, pod, "ingress"), ...this.#leaving(pod.node, ofPods("out"), hints)];
  }

  #leaving(node: string | null, link: Link, hints: Hints): Visit {
    return this.#of(this.#governing(node, link, hints), "egress", [
      { list: "forward", unless: bit.left, sets: bit.left },
    ]);
  }

  /** What a node sees of a packet before it translates its destination; `to` is where it goes in the end. */
  #sightOf(node: string | null, to: Sight["to"], { translated }: Hints): Sight {
    if (node === null || translated?.node !== node) return { to, untranslated: false, asksAgain: false };
    const place = this.placeOf(translated.destination);
    const isHere = place.node === node;
    return {
      to: !isHere ? "beyond" : place.at === "pod" ? "ownPod" : "here",
      untranslated: true,
      asksAgain: true,
    };
  }

  /** Lists from before the translation, and which of them are not asked about failsafe ports and what answers them. */
  #before(
    host: Endpoint | undefined,
    { direction, lists }: Beforehand,
    { isToHost, untranslated, asksAgain }: Sight & { readonly isToHost: boolean },
  ): Visit {
    // What is not tracked is decided per interface, before the kernel knows where a packet goes: not for all of them at once.
    const wanted = host?.interfaceName === "*" ? lists.filter(({ list }) => list !== "untracked") : lists;
    const hops = this.#of(host, direction, wanted);
    const hasUntracked = hops.some(({ list }) => list === "untracked");
    const answers: readonly Asking[] = hasUntracked ? [answersAsking] : [];
    // What a failsafe port lets through is asked nothing more, unless a pod has its say, or a translation its place, in between.
    const failsafe = !asksAgain ? [failsafeAsking] : hops.length > 0 ? [failsafeBefore] : [];
    const open = isToHost ? this.#of(host, direction, [...failsafe, ...answers]) : [];
    return [...open, ...hops].map((hop) => ({ ...hop, untranslated }));
  }

  #ofProcess(host: Endpoint | undefined, direction: Direction, { asksAgain }: Sight): Visit {
    const normal: Asking = { list: "normal", unless: bit.entered, sets: bit.entered };
    return this.#of(host, direction, asksAgain ? [failsafeAsking, normal] : [normal]);
  }

  #of(host: Endpoint | undefined, direction: Direction, lists: readonly Asking[]): Visit {
    return host === undefined ? [] : hopsOf(this.#placement, host, direction, lists);
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

function podHops(placement: Placement, pod: Endpoint, direction: Direction): Visit {
  return hopsOf(placement, pod, direction, [{ list: "normal", unless: 0, sets: 0 }]);
}

/** A list, and what it has to do with others of the visit. */
interface Asking extends Pick<Hop, "list" | "unless" | "sets"> {
  readonly skips?: boolean;
}

function hopsOf(placement: Placement, { id }: Endpoint, direction: Direction, lists: readonly Asking[]): Visit {
  const classId = placement.classOf.get(id);
  const found = classId === undefined ? undefined : placement.classes.get(classId);
  if (found === undefined) return [];
  return lists
    .map(({ list, unless, sets, skips = false }): Hop => {
      const stages = list === "normal" ? found[direction] : found.others[list][direction];
      return { endpoint: id, list, direction, stages, untranslated: false, unless, sets, skips };
    })
    .filter(({ stages }) => stages.length > 0);
}

const some = (...visits: readonly Visit[]): readonly Visit[] => visits.filter((visit) => visit.length > 0);

/**
 * What is settled in a visit: what the host has to say of the interface where the packet comes in (or a process sends it out), what it
 * has to say of that where it goes out, and that a list from before the translation is not asked.
 */
const bit = { entered: 1, left: 2, untracked: 4, preDnat: 8 } as const;

const failsafeAsking: Asking = { list: "failsafe", unless: bit.entered, sets: bit.entered };
const failsafeBefore: Asking = { list: "failsafe", unless: 0, sets: bit.untracked | bit.preDnat, skips: true };
const toOwnNodeAsking: Asking = { list: "toOwnNode", unless: 0, sets: bit.entered };
const answersAsking: Asking = { list: "answers", unless: bit.entered, sets: bit.untracked, skips: true };
const untrackedAsking: Asking = { list: "untracked", unless: bit.entered | bit.untracked, sets: bit.entered };

/** Lists from before the translation. */
interface Beforehand {
  readonly direction: Direction;
  readonly lists: readonly Asking[];
}

const outgoing: Beforehand = { direction: "egress", lists: [untrackedAsking] };
const incoming: Beforehand = {
  direction: "ingress",
  lists: [untrackedAsking, { list: "preDnat", unless: bit.entered | bit.preDnat, sets: bit.entered }],
};

/** A packet as a node sees it before it translates destinations. */
interface Sight {
  /** A process of the node, a pod of it, or somebody elsewhere. */
  readonly to: "here" | "ownPod" | "beyond";
  readonly untranslated: boolean;
  /** Failsafe ports are looked at again afterwards. */
  readonly asksAgain: boolean;
}

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

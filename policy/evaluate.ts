import type { Address } from "../core/address.ts";
import { Lane, type Trail } from "./lane.ts";
import { type Sets, setsOf } from "./match.ts";
import type { Placement, Stage } from "./placement.ts";
import type { Program } from "./program.ts";
import { areOnOneNode, exemptionOf, type Hop, type Place, Routes, type Visit } from "./route.ts";
import { End } from "./set-index.ts";
import type { Evaluate, HostPath, Packet, Path, Verdict } from "./verdict.ts";
import { VerdictCache } from "./verdict-cache.ts";

/**
 * Decides packets as the rendered ruleset does in the kernel: the property tests hold the two together.
 * Egress policy of the source is asked first; where it denies, ingress policy of the destination never sees the packet.
 *
 * Making one costs nothing; what packets teach it is kept for those after them, within bounds: the last 2^`cacheBits` verdicts.
 * Verdicts are shared between packets and never change.
 */
export function evaluatorOf(program: Program, placement: Placement, cacheBits = 18): Evaluate {
  let evaluator: Evaluator | undefined;
  return (packet) => {
    evaluator ??= new Evaluator(program, placement, cacheBits);
    return evaluator.decide(packet);
  };
}

/** Addresses that belong to nobody in the cluster are forgotten when there are more. */
const maxStrangers = 65_536;

/** Somebody who sent or got a packet. */
interface Party {
  /** Never that of another. */
  readonly number: number;
  readonly end: End;
  readonly place: Place;
  /** What it meets when it deals with somebody on another node, or outside. */
  readonly departure: readonly Visit[];
  readonly arrival: readonly Visit[];
  /** Some list it meets asks for source ports. */
  readonly seesSourcePort: boolean;
}

class Evaluator {
  readonly #program: Program;
  readonly #routes: Routes;
  readonly #sets: Sets;
  readonly #cache: VerdictCache;
  readonly #lanes = new Map<readonly Stage[], Lane>();
  readonly #members = new Map<Address, Party>();
  readonly #strangers = new Map<Address, Party>();
  #parties = 0;

  constructor(program: Program, placement: Placement, cacheBits: number) {
    this.#program = program;
    this.#routes = new Routes(placement);
    this.#sets = setsOf(placement);
    this.#cache = new VerdictCache(cacheBits);
  }

  decide(packet: Packet): Verdict {
    const source = this.#party(packet.source);
    const destination = this.#party(packet.destination);
    if (packet.interfaces !== undefined || packet.translated !== undefined)
      return this.#onItsOwnWay(source, destination, packet);
    const isNear = areNear(source.place, destination.place);
    const isNew = () =>
      isNear ? this.#onItsOwnWay(source, destination, packet) : this.#along(source, destination, packet);
    return this.#cache.recall(source.number, destination.number, packet, seesSourcePort(source, destination), isNew);
  }

  #party(address: Address): Party {
    return this.#members.get(address) ?? this.#strangers.get(address) ?? this.#meet(address);
  }

  #meet(address: Address): Party {
    const place = this.#routes.placeOf(address);
    const departure = this.#routes.departure(place, address);
    const arrival = this.#routes.arrival(place, address);
    const hops = [...departure, ...arrival].flat();
    const seesSourcePort = hops.some(({ stages }) => this.#lane(stages).seesSourcePort);
    this.#parties += 1;
    const end = new End(address);
    const party = { number: this.#parties, end, place, departure, arrival, seesSourcePort };
    if (place.at !== "outside") this.#members.set(address, party);
    else {
      if (this.#strangers.size >= maxStrangers) this.#strangers.clear();
      this.#strangers.set(address, party);
    }
    return party;
  }

  /** Where the way depends on more than who the ends are, each by itself. */
  #onItsOwnWay(source: Party, destination: Party, packet: Packet): Verdict {
    const { exempt, visits } = this.#routes.way(packet);
    return this.#through([visits], exempt, source.end, destination.end, packet);
  }

  #along(source: Party, destination: Party, packet: Packet): Verdict {
    return this.#through([source.departure, destination.arrival], null, source.end, destination.end, packet);
  }

  #through(
    parts: readonly (readonly Visit[])[],
    exempt: Verdict["exempt"],
    source: End,
    destination: End,
    packet: Packet,
  ): Verdict {
    const verdict: Draft = { action: "allow", egress: null, ingress: null, hosts: none, exempt };
    for (const visits of parts)
      for (const visit of visits)
        if (this.#visit(visit, source, destination, packet, verdict) === "deny") {
          verdict.action = "deny";
          return verdict;
        }
    return verdict;
  }

  #visit(visit: Visit, source: End, destination: End, packet: Packet, verdict: Draft): "allow" | "deny" | "next" {
    for (const hop of visit) {
      const trail = this.#walk(hop, source, destination, packet);
      if (hop.list === "normal") verdict[hop.direction] = this.#pathOf(hop, trail);
      else verdict.hosts = [...verdict.hosts, hostPathOf(hop, trail)];
      if (trail.action !== "next") return trail.action;
    }
    return "next";
  }

  #walk(hop: Hop, source: End, destination: End, packet: Packet): Trail {
    const lane = this.#lane(hop.stages);
    if (!hop.untranslated || packet.translated === undefined) return lane.walk(source, destination, packet);
    const before = { ...packet, ...packet.translated };
    return lane.walk(source, this.#party(before.destination).end, before);
  }

  #lane(stages: readonly Stage[]): Lane {
    const found = this.#lanes.get(stages);
    if (found !== undefined) return found;
    const lane = new Lane(this.#program, stages, this.#sets);
    this.#lanes.set(stages, lane);
    return lane;
  }

  /** The last stage's default neither passes nor logs (compile.ts), so a packet that falls out means a broken Program. */
  #pathOf({ endpoint, direction }: Hop, { action, rule, steps }: Trail): Path {
    if (action === "next" || rule === null)
      throw new Error(`no stage decided about ${endpoint} ${direction} in program ${this.#program.revision}`);
    return { endpoint, direction, action, rule, steps };
  }
}

/** What is between two that share a node, or are one, is not put together from what each meets of others. */
function areNear(from: Place, to: Place): boolean {
  return areOnOneNode(from, to) || exemptionOf(from, to) !== null;
}

/** What a pod sends to its own node may meet another host endpoint than what comes to the node from elsewhere. */
function seesSourcePort(source: Party, destination: Party): boolean {
  if (source.seesSourcePort || destination.seesSourcePort) return true;
  return destination.place.at === "node" && areOnOneNode(source.place, destination.place);
}

interface Draft {
  action: Verdict["action"];
  egress: Path | null;
  ingress: Path | null;
  hosts: readonly HostPath[];
  readonly exempt: Verdict["exempt"];
}

const none: readonly HostPath[] = [];

function hostPathOf({ endpoint, list, direction }: Hop, { action, rule, steps }: Trail): HostPath {
  return { endpoint, list, direction, action, rule, steps };
}

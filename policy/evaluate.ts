import type { Address } from "../core/address.ts";
import { KnownEnd, SetTable } from "./known-end.ts";
import { Lane } from "./lane.ts";
import { setsOf } from "./match.ts";
import type { Placement, Stage } from "./placement.ts";
import type { Program } from "./program.ts";
import { areOnOneNode, exemptionOf, type Hop, type Place, Routes, type Visit } from "./route.ts";
import type { Trail } from "./trail.ts";
import type { Evaluate, HostPath, Packet, Path, Verdict } from "./verdict.ts";
import { kindOf, VerdictCache } from "./verdict-cache.ts";

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

/** Of whom something is known at a time; when there are more, all are forgotten: those who matter are soon met again. */
const maxParties = 32_768;

/** Somebody who sent or got a packet. */
interface Party {
  /** Never that of another. */
  readonly number: number;
  readonly end: KnownEnd;
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
  readonly #table: SetTable;
  readonly #cache: VerdictCache;
  readonly #lanes = new Map<readonly Stage[], Lane>();
  readonly #parties = new Map<Address, Party>();
  #met = 0;

  constructor(program: Program, placement: Placement, cacheBits: number) {
    this.#program = program;
    this.#routes = new Routes(placement);
    this.#table = new SetTable(placement, setsOf(placement));
    this.#cache = new VerdictCache(cacheBits);
  }

  decide(packet: Packet): Verdict {
    const source = this.#party(packet.source);
    const destination = this.#party(packet.destination);
    if (packet.interfaces !== undefined || packet.translated !== undefined)
      return this.#onItsOwnWay(source, destination, packet);
    const kind = kindOf(packet);
    if (kind < 0) return this.#new(source, destination, packet);
    const port = seesSourcePort(source, destination) ? packet.sourcePort : 0;
    const found = this.#cache.find(source.number, destination.number, kind, port);
    if (found !== undefined) return found;
    const verdict = this.#new(source, destination, packet);
    this.#cache.keep(source.number, destination.number, kind, port, verdict);
    return verdict;
  }

  #new(source: Party, destination: Party, packet: Packet): Verdict {
    if (areNear(source.place, destination.place)) return this.#onItsOwnWay(source, destination, packet);
    return this.#through([source.departure, destination.arrival], null, source.end, destination.end, packet);
  }

  #party(address: Address): Party {
    return this.#parties.get(address) ?? this.#meet(address);
  }

  #meet(address: Address): Party {
    const place = this.#routes.placeOf(address);
    const departure = this.#routes.departure(place, address);
    const arrival = this.#routes.arrival(place, address);
    const hops = [...departure, ...arrival].flat();
    const seesSourcePort = hops.some(({ stages }) => this.#lane(stages).seesSourcePort);
    this.#met += 1;
    const end = new KnownEnd(address, this.#table);
    const party = { number: this.#met, end, place, departure, arrival, seesSourcePort };
    if (this.#parties.size >= maxParties) this.#parties.clear();
    this.#parties.set(address, party);
    return party;
  }

  /** Where the way depends on more than who the ends are, each by itself. */
  #onItsOwnWay(source: Party, destination: Party, packet: Packet): Verdict {
    const { exempt, visits } = this.#routes.way(packet);
    return this.#through([visits], exempt, source.end, destination.end, packet);
  }

  #through(
    parts: readonly (readonly Visit[])[],
    exempt: Verdict["exempt"],
    source: KnownEnd,
    destination: KnownEnd,
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

  #visit(
    visit: Visit,
    source: KnownEnd,
    destination: KnownEnd,
    packet: Packet,
    verdict: Draft,
  ): "allow" | "deny" | "next" {
    for (const hop of visit) {
      const trail = this.#walk(hop, source, destination, packet);
      if (hop.list === "normal") verdict[hop.direction] = this.#pathOf(hop, trail);
      else verdict.hosts = [...verdict.hosts, hostPathOf(hop, trail)];
      if (trail.action !== "next") return trail.action;
    }
    return "next";
  }

  #walk(hop: Hop, source: KnownEnd, destination: KnownEnd, packet: Packet): Trail {
    const lane = this.#lane(hop.stages);
    if (!hop.untranslated || packet.translated === undefined) return lane.walk(source, destination, packet);
    const before = { ...packet, ...packet.translated };
    return lane.walk(source, this.#party(before.destination).end, before);
  }

  #lane(stages: readonly Stage[]): Lane {
    const found = this.#lanes.get(stages);
    if (found !== undefined) return found;
    const lane = new Lane(this.#program, stages, this.#table);
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

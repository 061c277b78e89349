import type { Address } from "../core/address.ts";
import { KnownEnd, SetTable } from "./known-end.ts";
import { Lane } from "./lane.ts";
import { setsOf } from "./match.ts";
import type { Placement, Stage } from "./placement.ts";
import type { Program } from "./program.ts";
import { kindOf, Recent } from "./recent.ts";
import { areOnOneNode, exemptionOf, type Hop, type Place, Routes, type Visit } from "./route.ts";
import type { Trail } from "./trail.ts";
import type { Evaluate, HostPath, Packet, Path, Verdict } from "./verdict.ts";

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
  readonly end: KnownEnd;
  readonly place: Place;
  /** What it meets when it deals with somebody on another node, or outside. */
  readonly departure: Legs;
  readonly arrival: Legs;
  /** Some list it meets asks for source ports. */
  readonly seesSourcePort: boolean;
}

/** The visits of a way, ready to be walked. */
type Legs = readonly (readonly Leg[])[];

interface Leg {
  readonly hop: Hop;
  readonly lane: Lane;
}

class Evaluator {
  readonly #program: Program;
  readonly #routes: Routes;
  readonly #table: SetTable;
  readonly #verdicts: Recent<Verdict>;
  /** Of lanes that ask about one end only, by lane and end: many who are new to each other know the one half of what they meet. */
  readonly #trails: Recent<Trail>;
  readonly #lanes = new Map<readonly Stage[], Lane>();
  readonly #parties = new Map<Address, Party>();
  #met = 0;

  constructor(program: Program, placement: Placement, cacheBits: number) {
    this.#program = program;
    this.#routes = new Routes(placement);
    this.#table = new SetTable(placement, setsOf(placement));
    this.#verdicts = new Recent(cacheBits);
    this.#trails = new Recent(cacheBits);
  }

  decide(packet: Packet): Verdict {
    const source = this.#party(packet.source);
    const destination = this.#party(packet.destination);
    if (packet.interfaces !== undefined || packet.translated !== undefined)
      return this.#onItsOwnWay(source, destination, packet);
    const kind = kindOf(packet, destination.end.family);
    if (kind < 0) return this.#new(source, destination, packet, kind);
    const [from, to] = [source.end.number, destination.end.number];
    const port = seesSourcePort(source, destination) ? packet.sourcePort : 0;
    const found = this.#verdicts.find(from, to, kind, port);
    if (found !== undefined) return found;
    const verdict = this.#new(source, destination, packet, kind);
    this.#verdicts.keep(from, to, kind, port, verdict);
    return verdict;
  }

  #new(source: Party, destination: Party, packet: Packet, kind: number): Verdict {
    if (areNear(source.place, destination.place)) return this.#onItsOwnWay(source, destination, packet);
    return this.#through([source.departure, destination.arrival], null, {
      source: source.end,
      destination: destination.end,
      packet,
      kind,
    });
  }

  #party(address: Address): Party {
    return this.#parties.get(address) ?? this.#meet(address);
  }

  #meet(address: Address): Party {
    const place = this.#routes.placeOf(address);
    const departure = this.#legs(this.#routes.departure(place, address));
    const arrival = this.#legs(this.#routes.arrival(place, address));
    const seesSourcePort = [...departure, ...arrival].some((legs) => legs.some(({ lane }) => lane.seesSourcePort));
    this.#met += 1;
    const end = new KnownEnd(address, this.#met, this.#table);
    const party = { end, place, departure, arrival, seesSourcePort };
    if (this.#parties.size >= maxParties) this.#parties.clear();
    this.#parties.set(address, party);
    return party;
  }

  /** Where the way depends on more than who the ends are, each by itself. */
  #onItsOwnWay(source: Party, destination: Party, packet: Packet): Verdict {
    const { exempt, visits } = this.#routes.way(packet);
    const asked = { source: source.end, destination: destination.end, packet, kind: -1 };
    return this.#through([this.#legs(visits)], exempt, asked);
  }

  #legs(visits: readonly Visit[]): Legs {
    return visits.map((visit) => visit.map((hop) => ({ hop, lane: this.#lane(hop.stages) })));
  }

  #through(parts: readonly Legs[], exempt: Verdict["exempt"], asked: Asked): Verdict {
    const verdict: Draft = { action: "allow", egress: null, ingress: null, hosts: none, exempt };
    for (const part of parts)
      for (const visit of part)
        if (this.#visit(visit, asked, verdict) === "deny") {
          verdict.action = "deny";
          return verdict;
        }
    return verdict;
  }

  #visit(visit: readonly Leg[], asked: Asked, verdict: Draft): "allow" | "deny" | "next" {
    for (const { hop, lane } of visit) {
      const trail = hop.untranslated ? this.#before(lane, asked) : this.#walk(lane, asked);
      if (hop.list === "normal") verdict[hop.direction] = this.#pathOf(hop, trail);
      else verdict.hosts = [...verdict.hosts, hostPathOf(hop, trail)];
      if (trail.action !== "next") return trail.action;
    }
    return "next";
  }

  #walk(lane: Lane, { source, destination, packet, kind }: Asked): Trail {
    if (lane.peer === null || kind < 0) return lane.walk(source, destination, packet);
    const peer = lane.peer === "source" ? source.number : destination.number;
    const port = lane.seesSourcePort ? packet.sourcePort : 0;
    const found = this.#trails.find(lane.number, peer, kind, port);
    if (found !== undefined) return found;
    const trail = lane.walk(source, destination, packet);
    this.#trails.keep(lane.number, peer, kind, port, trail);
    return trail;
  }

  /** As the packet was before its destination was translated. */
  #before(lane: Lane, { source, packet }: Asked): Trail {
    const before = { ...packet, ...packet.translated };
    return lane.walk(source, this.#party(before.destination).end, before);
  }

  #lane(stages: readonly Stage[]): Lane {
    const found = this.#lanes.get(stages);
    if (found !== undefined) return found;
    const lane = new Lane(this.#program, stages, this.#lanes.size + 1, this.#table);
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

/** A packet and who it is between; `kind` is negative where nothing is to be remembered of it. */
interface Asked {
  readonly source: KnownEnd;
  readonly destination: KnownEnd;
  readonly packet: Packet;
  readonly kind: number;
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

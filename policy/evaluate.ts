import type { Address } from "../core/address.ts";
import { isReal, Lane, type Trail } from "./lane.ts";
import { End, type Sets, setsOf } from "./match.ts";
import type { Placement, Stage } from "./placement.ts";
import type { Program } from "./program.ts";
import { areOnOneNode, exemptionOf, type Hop, type Place, Routes, type Visit, type Way } from "./route.ts";
import type { Evaluate, HostPath, Packet, Path, Verdict } from "./verdict.ts";

/**
 * Decides packets as the rendered ruleset does in the kernel: the property tests hold the two together.
 * Egress policy of the source is asked first; where it denies, ingress policy of the destination never sees the packet.
 *
 * Making one costs nothing; what the first packets teach it is kept for those after them, within bounds. Verdicts are shared
 * between packets and never change.
 */
export function evaluatorOf(program: Program, placement: Placement, limit = maxRemembered): Evaluate {
  let evaluator: Evaluator | undefined;
  return (packet) => {
    evaluator ??= new Evaluator(program, placement, limit);
    return evaluator.decide(packet);
  };
}

/** Addresses, pairs and verdicts: some 50 MB. */
const maxRemembered = 200_000;

/** An address, and the verdicts about what it sends. */
class Party extends End {
  readonly place: Place;
  departure: readonly Visit[] | undefined;
  arrival: readonly Visit[] | undefined;
  readonly pairs = new Map<Party, Pair>();

  constructor(address: Address, place: Place) {
    super(address);
    this.place = place;
  }
}

/** Two ends that have met. */
class Pair {
  readonly way: Way;
  readonly isBlindToSourcePort: boolean;
  /** By `keyOf`. The first has a place of its own: most pairs have no other. */
  #key = -1;
  #verdict: Verdict | undefined;
  #others: Map<number, Verdict> | undefined;

  constructor(way: Way, isBlindToSourcePort: boolean) {
    this.way = way;
    this.isBlindToSourcePort = isBlindToSourcePort;
  }

  get(key: number): Verdict | undefined {
    return key === this.#key ? this.#verdict : this.#others?.get(key);
  }

  set(key: number, verdict: Verdict): void {
    if (this.#key < 0) [this.#key, this.#verdict] = [key, verdict];
    else {
      this.#others ??= new Map();
      this.#others.set(key, verdict);
    }
  }
}

class Evaluator {
  readonly #program: Program;
  readonly #routes: Routes;
  readonly #sets: Sets;
  readonly #limit: number;
  readonly #lanes = new Map<readonly Stage[], Lane>();
  #parties = new Map<Address, Party>();
  #remembered = 0;

  constructor(program: Program, placement: Placement, limit: number) {
    this.#program = program;
    this.#routes = new Routes(placement);
    this.#sets = setsOf(placement);
    this.#limit = limit;
  }

  decide(packet: Packet): Verdict {
    const [source, destination] = [this.#party(packet.source), this.#party(packet.destination)];
    if (packet.interfaces !== undefined || packet.translated !== undefined)
      return this.#along(this.#routes.way(packet), source, destination, packet);
    const pair = source.pairs.get(destination) ?? this.#meet(source, destination, packet);
    const key = keyOf(packet, pair.isBlindToSourcePort);
    if (key === undefined) return this.#along(pair.way, source, destination, packet);
    const found = pair.get(key);
    if (found !== undefined) return found;
    const verdict = this.#along(pair.way, source, destination, packet);
    pair.set(key, verdict);
    this.#remember();
    return verdict;
  }

  #party(address: Address): Party {
    const found = this.#parties.get(address);
    if (found !== undefined) return found;
    const party = new Party(address, this.#routes.placeOf(address));
    this.#parties.set(address, party);
    this.#remember();
    return party;
  }

  #meet(source: Party, destination: Party, packet: Packet): Pair {
    const way = this.#wayOf(source, destination, packet);
    const pair = new Pair(
      way,
      way.visits.every((visit) => visit.every(({ stages }) => this.#lane(stages).isBlindToSourcePort)),
    );
    source.pairs.set(destination, pair);
    this.#remember();
    return pair;
  }

  /** As `routes.way`, put together from what is known of the two ends. */
  #wayOf(source: Party, destination: Party, packet: Packet): Way {
    const exempt = exemptionOf(source.place, destination.place);
    if (exempt !== null || areOnOneNode(source.place, destination.place)) return this.#routes.way(packet);
    source.departure ??= this.#routes.departure(source.place, packet);
    destination.arrival ??= this.#routes.arrival(destination.place, packet);
    return { exempt, visits: [...source.departure, ...destination.arrival] };
  }

  /** Forgets everything when it has become too much: what is needed is soon learnt again. */
  #remember(): void {
    this.#remembered += 1;
    if (this.#remembered <= this.#limit) return;
    this.#parties = new Map();
    this.#remembered = 0;
  }

  #along({ exempt, visits }: Way, source: End, destination: End, packet: Packet): Verdict {
    const verdict: Draft = { action: "allow", egress: null, ingress: null, hosts: [], exempt };
    for (const visit of visits)
      if (this.#visit(visit, source, destination, packet, verdict) === "deny") return { ...verdict, action: "deny" };
    return verdict;
  }

  #visit(visit: Visit, source: End, destination: End, packet: Packet, verdict: Draft): "allow" | "deny" | "next" {
    for (const hop of visit) {
      const trail = this.#walk(hop, source, destination, packet);
      if (hop.list === "normal") verdict[hop.direction] = this.#pathOf(hop, trail);
      else verdict.hosts.push(hostPathOf(hop, trail));
      const action = trail.decision?.action;
      if (action === "allow" || action === "deny") return action;
    }
    return "next";
  }

  #walk(hop: Hop, source: End, destination: End, packet: Packet): Trail {
    const lane = this.#lane(hop.stages);
    if (!hop.untranslated || packet.translated === undefined) return lane.walk(source, destination, packet);
    const before = { ...packet, ...packet.translated };
    return lane.walk(source, this.#party(before.destination), before);
  }

  #lane(stages: readonly Stage[]): Lane {
    const found = this.#lanes.get(stages);
    if (found !== undefined) return found;
    const lane = new Lane(this.#program, stages, this.#sets);
    this.#lanes.set(stages, lane);
    return lane;
  }

  /** The last stage's default neither passes nor logs (compile.ts), so a packet that falls out means a broken Program. */
  #pathOf({ endpoint, direction }: Hop, { steps, decision }: Trail): Path {
    if (decision?.action !== "allow" && decision?.action !== "deny")
      throw new Error(`no stage decided about ${endpoint} ${direction} in program ${this.#program.revision}`);
    return { endpoint, direction, action: decision.action, rule: decision.rule, steps };
  }
}

interface Draft extends Verdict {
  egress: Path | null;
  ingress: Path | null;
  readonly hosts: HostPath[];
}

function hostPathOf({ endpoint, list, direction }: Hop, { steps, decision }: Trail): HostPath {
  const action = decision?.action === "allow" || decision?.action === "deny" ? decision.action : "next";
  return { endpoint, list, direction, action, rule: decision?.rule ?? null, steps };
}

/**
 * One number for packets of a pair that are decided alike; undefined for what is not worth remembering. ICMP and ports never come
 * together: type and code take the place of the destination port.
 */
function keyOf(packet: Packet, isBlindToSourcePort: boolean): number | undefined {
  if (!isReal(packet)) return undefined;
  const { protocol, sourcePort, destinationPort, icmp } = packet;
  if (icmp !== null)
    return sourcePort + destinationPort > 0 ? undefined : protocol * 131_072 + 65_536 + icmp.type * 256 + icmp.code;
  const key = protocol * 131_072 + destinationPort;
  return isBlindToSourcePort ? key : key + sourcePort * 33_554_432;
}

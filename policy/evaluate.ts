import type { KnownEnd } from "./known-end.ts";
import type { Lane } from "./lane.ts";
import { type Leg, type Legs, Parties, type Party } from "./parties.ts";
import type { EndpointId, Placement } from "./placement.ts";
import { PortIntervals } from "./port-intervals.ts";
import type { Direction, Program } from "./program.ts";
import { kindOf, Recent } from "./recent.ts";
import { exemptionOf, Routes } from "./route.ts";
import type { Trail } from "./trail.ts";
import type { Evaluate, HostPath, Packet, Path, Verdict } from "./verdict.ts";

/**
 * Decides packets as the rendered ruleset does in the kernel: the property tests hold the two together.
 * Egress policy of the source is asked first; where it denies, ingress policy of the destination never sees the packet.
 *
 * Making one costs nothing; what packets teach it is kept for those after them, within bounds: the last 2^`cacheBits` outcomes, each
 * for two kinds of ends, a protocol and an interval of ports.
 */
export function evaluatorOf(program: Program, placement: Placement, cacheBits = 18): Evaluate {
  let evaluator: Evaluator | undefined;
  return (packet) => {
    evaluator ??= new Evaluator(program, placement, cacheBits);
    return evaluator.decide(packet);
  };
}

/** What lists say about two kinds of ends. It becomes a verdict by who the ends are. */
interface Outcome {
  readonly action: Verdict["action"];
  /** Of the `normal` lists; null where none was asked. */
  readonly egress: Decision | null;
  readonly ingress: Decision | null;
  readonly hosts: readonly HostAnswer[];
}

type Decision = Pick<Path, "action" | "rule" | "steps">;

interface HostAnswer {
  /** Whether it is one of the destination's legs, and which. */
  readonly isArrival: boolean;
  readonly leg: number;
  readonly trail: Trail;
  readonly skips: boolean;
}

class Evaluator {
  readonly #revision: string;
  readonly #routes: Routes;
  readonly #parties: Parties;
  readonly #intervals: PortIntervals;
  readonly #outcomes: Recent<Outcome>;

  constructor(program: Program, placement: Placement, cacheBits: number) {
    this.#revision = program.revision;
    this.#routes = new Routes(placement);
    this.#parties = new Parties(program, placement, this.#routes);
    this.#intervals = new PortIntervals(program, placement);
    this.#outcomes = new Recent(cacheBits);
  }

  decide(packet: Packet): Verdict {
    if (packet.interfaces !== undefined || packet.translated !== undefined) return this.#onItsOwnWay(packet);
    const source = this.#parties.at(packet.source);
    const destination = this.#parties.at(packet.destination);
    if (source.node !== destination.node || source.node === 0)
      return this.#between(source, source.departure, destination, destination.arrival, packet, 0);
    const exempt = exemptionOf(source.place, destination.place);
    if (exempt !== null) return exemptions[exempt];
    const departure = destination.place.at === "pod" ? source.departureWithin : source.toOwnNode;
    return this.#between(source, departure, destination, destination.arrivalWithin, packet, 1);
  }

  #between(source: Party, departure: Legs, destination: Party, arrival: Legs, packet: Packet, within: 0 | 1): Verdict {
    const kind = kindOf(packet, this.#intervals);
    if (kind < 0) return verdictOf(this.#walk(departure, arrival, source, destination, packet), departure, arrival);
    const seesSourcePort = source.seesSourcePort || destination.seesSourcePort;
    const way = seesSourcePort ? 2 * this.#intervals.of(packet.sourcePort) + within : within;
    const known = this.#outcomes.find(source.number, destination.number, kind, way);
    if (known !== undefined) return verdictOf(known, departure, arrival);
    const outcome = this.#walk(departure, arrival, source, destination, packet);
    this.#outcomes.keep(source.number, destination.number, kind, way, outcome);
    return verdictOf(outcome, departure, arrival);
  }

  /** Where the way depends on more than who the ends are, each by itself. */
  #onItsOwnWay(packet: Packet): Verdict {
    const { exempt, visits } = this.#routes.way(packet);
    if (exempt !== null && visits.length === 0) return exemptions[exempt];
    const legs = this.#parties.legs(visits);
    const [source, destination] = [this.#parties.at(packet.source), this.#parties.at(packet.destination)];
    const verdict = verdictOf(this.#walk(legs, noLegs, source, destination, packet), legs, noLegs);
    return verdict.action === "allow" ? { ...verdict, exempt } : verdict;
  }

  #walk(departure: Legs, arrival: Legs, source: Party, destination: Party, packet: Packet): Outcome {
    const outcome: Draft = { action: "allow", egress: null, ingress: null, hosts: none };
    const asked = { source: source.kind.end, destination: destination.kind.end, packet };
    for (const legs of [departure, arrival]) {
      let settled = 0;
      for (let at = 0; at < legs.hops.length; at++) {
        const leg = legs.hops[at] as Leg;
        if (leg.begins) settled = 0;
        if ((leg.unless & settled) !== 0) continue;
        const trail = leg.untranslated ? this.#before(leg.lane, asked) : walked(leg.lane, asked);
        if (leg.list === "normal") outcome[leg.direction] = this.#decision(leg, trail);
        else outcome.hosts = [...outcome.hosts, { isArrival: legs === arrival, leg: at, trail, skips: leg.skips }];
        if (trail.action === "deny") return { ...outcome, action: "deny" };
        if (trail.action === "allow") settled |= leg.sets;
      }
    }
    return outcome;
  }

  /** As the packet was before its destination was translated. */
  #before(lane: Lane, { source, packet }: Asked): Trail {
    const before = { ...packet, ...packet.translated };
    return lane.walk(source, this.#parties.at(before.destination).kind.end, before);
  }

  /** The last stage's default neither passes nor logs (compile.ts), so a packet that falls out means a broken Program. */
  #decision({ endpoint, direction }: Leg, { action, rule, steps }: Trail): Decision {
    if (action === "next" || rule === null)
      throw new Error(`no stage decided about ${endpoint} ${direction} in program ${this.#revision}`);
    return { action, rule, steps };
  }
}

interface Asked {
  readonly source: KnownEnd;
  readonly destination: KnownEnd;
  readonly packet: Packet;
}

type Draft = { -readonly [Field in keyof Outcome]: Outcome[Field] };

const none: readonly never[] = [];
const noLegs: Legs = { hops: [], egress: null, ingress: null };
const exempted = (exempt: Verdict["exempt"]): Verdict => ({
  action: "allow",
  egress: null,
  ingress: null,
  hosts: none,
  exempt,
});
const exemptions = { self: exempted("self"), "own-node": exempted("own-node") };

function walked(lane: Lane, { source, destination, packet }: Asked): Trail {
  return lane.walk(source, destination, packet);
}

function verdictOf({ action, egress, ingress, hosts }: Outcome, departure: Legs, arrival: Legs): Verdict {
  return {
    action,
    egress: pathOf(departure.egress, "egress", egress),
    ingress: pathOf(arrival.ingress ?? departure.ingress, "ingress", ingress),
    hosts: hosts.length === 0 ? none : hosts.map((answer) => hostPathOf(answer, departure, arrival)),
    exempt: null,
  };
}

function pathOf(endpoint: EndpointId | null, direction: Direction, decision: Decision | null): Path | null {
  if (endpoint === null || decision === null) return null;
  const { action, rule, steps } = decision;
  return { endpoint, direction, action, rule, steps };
}

function hostPathOf({ isArrival, leg, trail, skips }: HostAnswer, departure: Legs, arrival: Legs): HostPath {
  const { endpoint, list, direction } = (isArrival ? arrival : departure).hops[leg] as Leg;
  const { action, rule, steps } = trail;
  return { endpoint, list, direction, action: skips && action === "allow" ? "skip" : action, rule, steps };
}

import type { Address, Cidr } from "../core/address.ts";
import { Multimap } from "../core/multimap.ts";
import { SortedMap } from "../core/sorted-map.ts";
import { AddressCells } from "./address-cells.ts";
import { AddressTable } from "./address-table.ts";
import { canonicalJson } from "./hash.ts";
import { KnownEnd, SetTable } from "./known-end.ts";
import { Lane } from "./lane.ts";
import { setsOf } from "./match.ts";
import type { Endpoint, EndpointId, Placement, Stage } from "./placement.ts";
import type { Direction, Program, SetDefinition, SetId } from "./program.ts";
import type { Hop, Place, Routes, Visit } from "./route.ts";
import { servicesOf } from "./service-sets.ts";
import { Whereabouts } from "./whereabouts.ts";

/** Somebody who sends or gets packets. */
export interface Party {
  readonly kind: Kind;
  /** The number of its kind, and whether some list it meets asks for source ports: at hand, since every packet needs them. */
  readonly number: number;
  readonly seesSourcePort: boolean;
  /** The same for those on one node, and never 0, which is none. */
  readonly node: number;
  readonly place: Place;
  /** What it meets, by whom it deals with: somebody elsewhere; a pod of its own node; a pod also with its node. */
  readonly departure: Legs;
  readonly arrival: Legs;
  readonly departureWithin: Legs;
  readonly arrivalWithin: Legs;
  readonly toOwnNode: Legs;
}

/**
 * What those have in common whom nothing in the Program can tell apart: of the same labels, in the same CIDRs, with the same lists on
 * their ways. Who they are is not in it.
 */
export interface Kind {
  /** Never that of another, and never 0. */
  readonly number: number;
  /** The first of them who was met, for all of them. */
  readonly end: KnownEnd;
  /** Some list it meets asks for source ports. */
  readonly seesSourcePort: boolean;
}

/** Visits one after the other, ready to be walked. */
export interface Legs {
  readonly hops: readonly Leg[];
  /** Whose `normal` lists are among them. */
  readonly egress: EndpointId | null;
  readonly ingress: EndpointId | null;
}

export interface Leg extends Hop {
  readonly lane: Lane;
  /** A visit begins here: bits that are set mean nothing any more. */
  readonly begins: boolean;
}

/** Who has which address, and what he meets. Knows as many as the cluster has, and CIDRs and lists of the Program. */
export class Parties {
  readonly #program: Program;
  readonly #routes: Routes;
  readonly #table: SetTable;
  readonly #cells: AddressCells;
  readonly #whereabouts: Whereabouts;
  readonly #served: Multimap<Address, string>;
  readonly #numbers = new AddressTable();
  /** By number; there is no number 0. */
  readonly #members: (Party | undefined)[] = [undefined];
  /** By cell: addresses of which nobody says anything. */
  readonly #strangers: (Party | undefined)[] = [];
  readonly #kinds = new Map<string, Kind>();
  readonly #nodes = new Map<string | Endpoint, number>();
  readonly #lanes = new Map<readonly Stage[], Lane>();

  constructor(program: Program, placement: Placement, routes: Routes) {
    this.#program = program;
    this.#routes = routes;
    this.#table = new SetTable(placement, setsOf(placement));
    this.#whereabouts = Whereabouts.of(placement.endpoints);
    this.#cells = cellsOf(program, this.#whereabouts);
    this.#served = servedOf(program, placement);
  }

  at(address: Address): Party {
    return this.#members[this.#numbers.get(address)] ?? this.#meet(address);
  }

  legs(visits: readonly Visit[]): Legs {
    const hops: Leg[] = [];
    for (const visit of visits)
      for (const [at, hop] of visit.entries()) hops.push({ ...hop, lane: this.#lane(hop.stages), begins: at === 0 });
    const normal = (direction: Direction) =>
      hops.find((hop) => hop.list === "normal" && hop.direction === direction)?.endpoint ?? null;
    return { hops, egress: normal("egress"), ingress: normal("ingress") };
  }

  #meet(address: Address): Party {
    const [place, cell] = [this.#routes.placeOf(address), this.#cells.cellOf(address)];
    if (place.at === "outside" && this.#remarks(address).length === 0) return this.#stranger(address, place, cell);
    const made = this.#party(address, place, cell);
    this.#numbers.set(address, this.#members.push(made) - 1);
    return made;
  }

  /** Without what Routes know: the pod that has the address. Nor do rules mean a pod on its node's network. */
  #remarks(address: Address): readonly Remark[] {
    return [...this.#whereabouts.othersAt(address), ...this.#served.get(address)];
  }

  #stranger(address: Address, place: Place, cell: number): Party {
    const known = this.#strangers[cell];
    if (known !== undefined) return known;
    const made = this.#party(address, place, cell);
    this.#strangers[cell] = made;
    return made;
  }

  #party(address: Address, place: Place, cell: number): Party {
    const departure = this.legs([this.#routes.departure(place, address)]);
    const arrival = this.legs([this.#routes.arrival(place, address)]);
    const departureWithin = this.legs([this.#routes.departureWithin(place, "pod")]);
    const arrivalWithin = this.legs([this.#routes.arrivalWithin(place)]);
    const toOwnNode = this.legs([this.#routes.departureWithin(place, "node")]);
    const kind = this.#kind(address, place, cell, [departure, arrival, departureWithin, arrivalWithin, toOwnNode]);
    const { number, seesSourcePort } = kind;
    const [node, legs] = [this.#node(place), { departure, arrival, departureWithin, arrivalWithin, toOwnNode }];
    return { kind, number, seesSourcePort, node, place, ...legs };
  }

  #kind(address: Address, place: Place, cell: number, all: readonly Legs[]): Kind {
    const own = place.at === "pod" ? [place.pod] : [];
    const remarks = [...own, ...this.#remarks(address)].map(textOf).sort();
    const key = [cell, ...all.map(shapeOf), ...remarks].join("\n");
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    const seesSourcePort = all.some(({ hops }) => hops.some(({ lane }) => lane.seesSourcePort));
    const kind = { number: this.#kinds.size + 1, end: new KnownEnd(address, this.#table), seesSourcePort };
    this.#kinds.set(key, kind);
    return kind;
  }

  /** A pod that is on no node shares none. */
  #node(place: Place): number {
    if (place.at === "outside") return 0;
    const node = place.node ?? place.pod;
    const number = this.#nodes.get(node) ?? this.#nodes.size + 1;
    this.#nodes.set(node, number);
    return number;
  }

  #lane(stages: readonly Stage[]): Lane {
    const found = this.#lanes.get(stages);
    if (found !== undefined) return found;
    const lane = new Lane(this.#program, stages, this.#lanes.size + 1, this.#table);
    this.#lanes.set(stages, lane);
    return lane;
  }
}

/** What sets may take an address in for, beside CIDRs: an endpoint that has it, or what a Service has there. */
type Remark = Endpoint | string;

/** What Services have at which address. */
function servedOf(program: Program, { members }: Placement): Multimap<Address, string> {
  const served = new Multimap<Address, string>();
  for (const id of servicesOf(program)) {
    const behind = members.get(id);
    for (const address of behind?.addresses ?? []) served.add(address, id);
    for (const { address, protocol, port } of behind?.ports ?? []) served.add(address, `${id} ${protocol} ${port}`);
  }
  return served;
}

function textOf(remark: Remark): string {
  if (typeof remark === "string") return remark;
  const { kind, labels, ports } = remark;
  return canonicalJson([kind, labels, ports]);
}

interface MadeCells {
  readonly sets: Program["sets"];
  readonly nets: readonly Cidr[];
  readonly cells: AddressCells;
}

/** By the sets of a Program, for the network sets it was asked about last: most changes are of pods. */
const cells = new WeakMap<Program["sets"], MadeCells>();
/** Those made last: most changes of policies are about other things than CIDRs. */
let latestCells: WeakRef<MadeCells> | undefined;

function cellsOf({ sets }: Program, whereabouts: Whereabouts): AddressCells {
  const nets = [...whereabouts.nets()];
  const isSame = (made: MadeCells | undefined) =>
    made?.nets.length === nets.length && made.nets.every(({ text }, at) => text === nets[at]?.text);
  const [known, latest] = [cells.get(sets), latestCells?.deref()];
  if (known !== undefined && isSame(known)) return known.cells;
  const isStill = latest !== undefined && isSame(latest) && hasSameCidrs(latest.sets, sets);
  const made = { sets, nets, cells: isStill ? latest.cells : new AddressCells([...cidrsIn(sets), ...nets]) };
  cells.set(sets, made);
  latestCells = new WeakRef(made);
  return made.cells;
}

function* cidrsIn(sets: Program["sets"]): Generator<Cidr> {
  for (const set of sets.values()) if (set.kind === "cidrs") yield* set.cidrs;
}

/** Whether the one surely holds the CIDRs that the other does. */
function hasSameCidrs(before: Program["sets"], after: Program["sets"]): boolean {
  if (before === after) return true;
  if (!(before instanceof SortedMap) || !(after instanceof SortedMap)) return false;
  for (const { before: was, after: is } of (after as SortedMap<SetId, SetDefinition>).differences(before))
    if (was?.kind === "cidrs" || is?.kind === "cidrs") return false;
  return true;
}

function shapeOf({ hops }: Legs): string {
  return hops
    .map(({ lane, list, direction, untranslated, unless, sets, skips, begins }) =>
      [lane.number, list, direction, untranslated, unless, sets, skips, begins].join(),
    )
    .join(" ");
}

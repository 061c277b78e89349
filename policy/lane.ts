import { familyOf } from "../core/address.ts";
import type { KnownEnd, SetTable } from "./known-end.ts";
import { type Membership, type Question, settle } from "./match.ts";
import type { Stage } from "./placement.ts";
import type { Instruction, Match, Program } from "./program.ts";
import { Trail } from "./trail.ts";
import type { Packet } from "./verdict.ts";

/**
 * What is left of a list, packed into one array, since what costs time is memory that is far apart:
 *
 *   code        => clause*
 *   clause      => size instruction next-stage condition*     size in numbers; next-stage is where it begins
 *   condition   => set * 4 + (destination ? 2 : 0) + (not ? 1 : 0) | -1 - question
 */
interface Rest {
  readonly code: Int32Array;
  readonly instructions: readonly Instruction[];
  readonly questions: readonly Question[];
}

const head = 3;

/** More kinds of packets than a cluster has; a scan of all ports and protocols does not fill the memory. */
const maxRests = 4096;

/**
 * A list of stages, made quick to walk: for packets of one protocol, family and interval of ports it is worked out once what is left
 * of it, so that only the ends remain to be looked up in few sets.
 */
export class Lane {
  /** Never that of another. */
  readonly number: number;
  readonly #program: Program;
  readonly #stages: readonly Stage[];
  readonly #table: SetTable;
  readonly #start = new Trail();
  readonly #rests = new Map<number, Rest>();
  readonly #axes: Axes;

  constructor(program: Program, stages: readonly Stage[], number: number, table: SetTable) {
    this.number = number;
    this.#program = program;
    this.#stages = stages;
    this.#table = table;
    this.#axes = axesOf(program, stages);
  }

  /** Whether packets that differ in nothing but the source port may part here. */
  get seesSourcePort(): boolean {
    return this.#axes.hasSourcePort;
  }

  walk(source: KnownEnd, destination: KnownEnd, packet: Packet): Trail {
    const rest = this.#restFor(packet);
    const { code, instructions } = rest;
    let trail = this.#start;
    for (let at = 0; at < code.length; ) {
      const next = at + (code[at] as number);
      if (!allHold(rest, at + head, next, source, destination, packet)) {
        at = next;
        continue;
      }
      const instruction = instructions[code[at + 1] as number] as Instruction;
      trail = trail.after(instruction);
      switch (instruction.verdict) {
        case "allow":
        case "deny":
          return trail;
        case "next":
          at = code[at + 2] as number;
          break;
        case "log":
          at = next;
      }
    }
    return trail;
  }

  #restFor(packet: Packet): Rest {
    const kind = kindOf(this.#axes, packet);
    if (kind === undefined) return this.#rest(packet);
    const found = this.#rests.get(kind);
    if (found !== undefined) return found;
    const rest = this.#rest(packet);
    if (this.#rests.size >= maxRests) this.#rests.clear();
    this.#rests.set(kind, rest);
    return rest;
  }

  /** What this kind of packet may hit; of each stage nothing that stands after what it hits in any case. */
  #rest(packet: Packet): Rest {
    const code: number[] = [];
    const instructions: Instruction[] = [];
    const questions: Question[] = [];
    for (const stage of this.#stages) {
      const clauses: number[] = [];
      for (const instruction of [...instructionsOf(this.#program, stage), stage.otherwise]) {
        const conditions = this.#conditions(instruction.when, packet, questions);
        if (conditions === undefined) continue;
        clauses.push(code.length);
        code.push(head + conditions.length, instructions.push(instruction) - 1, 0, ...conditions);
        if (conditions.length === 0 && instruction.verdict !== "log") break;
      }
      for (const at of clauses) code[at + 2] = code.length;
    }
    return { code: Int32Array.from(code), instructions, questions };
  }

  /** What is left to ask; undefined where a match fails already. */
  #conditions(when: readonly Match[], packet: Packet, questions: Question[]): readonly number[] | undefined {
    const conditions: number[] = [];
    for (const match of when) {
      const settled = settle(match, packet, this.#table.sets);
      if (settled === false) return undefined;
      if (settled === true) continue;
      if (typeof settled === "function") conditions.push(-questions.push(settled));
      else conditions.push(this.#condition(settled));
    }
    return conditions;
  }

  #condition({ of, set, is }: Membership): number {
    return this.#table.numberOf(set) * 4 + (of === "destination" ? 2 : 0) + (is ? 0 : 1);
  }
}

function allHold(
  { code, questions }: Rest,
  from: number,
  to: number,
  source: KnownEnd,
  destination: KnownEnd,
  packet: Packet,
): boolean {
  for (let at = from; at < to; at++) {
    const condition = code[at] as number;
    if (condition < 0) {
      if (!(questions[-1 - condition] as Question)(source, destination, packet)) return false;
    } else {
      const end = (condition & 2) === 0 ? source : destination;
      if (end.isIn(condition >>> 2) === ((condition & 1) !== 0)) return false;
    }
  }
  return true;
}

function instructionsOf(program: Program, { blocks }: Stage): readonly Instruction[] {
  return blocks.flatMap(({ block }) => program.blocks.get(block) ?? []);
}

/** Values where what a list says may change: the first of each interval, ascending. */
interface Axes {
  readonly sourcePort: readonly number[];
  readonly destinationPort: readonly number[];
  /** Of type * 256 + code. */
  readonly icmp: readonly number[];
  readonly hasSourcePort: boolean;
}

/** Stages name their blocks by what is in them, so the axes of the very same stages are the same in any Program. */
const known = new WeakMap<readonly Stage[], Axes>();

function axesOf(program: Program, stages: readonly Stage[]): Axes {
  const found = known.get(stages);
  if (found !== undefined) return found;
  const made = axesIn(stages.flatMap((stage) => instructionsOf(program, stage)).flatMap(({ when }) => when));
  known.set(stages, made);
  return made;
}

function axesIn(matches: readonly Match[]): Axes {
  const sourcePort = new Set<number>();
  const destinationPort = new Set<number>();
  const icmp = new Set<number>();
  let hasSourcePort = false;
  const add = (edges: Set<number>, from: number, to: number) => edges.add(from).add(to + 1);
  for (const match of matches) {
    if (match.field === "icmp") {
      const first = match.type * 256 + (match.code ?? 0);
      add(icmp, first, match.code === undefined ? first + 255 : first);
    } else if (match.field === "destinationPort")
      for (const { from, to } of match.ranges) add(destinationPort, from, to);
    else if (match.field === "sourcePort") {
      hasSourcePort = true;
      for (const { from, to } of match.ranges) add(sourcePort, from, to);
    }
  }
  const sorted = (edges: Set<number>) => [...edges].sort((a, b) => a - b);
  return {
    sourcePort: sorted(sourcePort),
    destinationPort: sorted(destinationPort),
    icmp: sorted(icmp),
    hasSourcePort,
  };
}

/** The same number for packets of which the same is left of a list; undefined for what no real packet has. */
function kindOf(axes: Axes, packet: Packet): number | undefined {
  if (!isReal(packet)) return undefined;
  const { protocol, icmp } = packet;
  const ofIcmp = icmp === null ? 0 : 1 + intervalOf(axes.icmp, icmp.type * 256 + icmp.code);
  const ofTarget = intervalOf(axes.destinationPort, packet.destinationPort);
  const ofSource = intervalOf(axes.sourcePort, packet.sourcePort);
  const base = protocol * 2 + (familyOf(packet.destination) === 4 ? 0 : 1);
  return ((ofSource * (axes.destinationPort.length + 1) + ofTarget) * (axes.icmp.length + 2) + ofIcmp) * 512 + base;
}

/** Numbers as headers have them, so that they may be packed into one. */
export function isReal({ protocol, sourcePort, destinationPort, icmp }: Packet): boolean {
  if (!isUnder(256, protocol) || !isUnder(65_536, sourcePort) || !isUnder(65_536, destinationPort)) return false;
  return icmp === null || (isUnder(256, icmp.type) && isUnder(256, icmp.code));
}

function isUnder(limit: number, value: number): boolean {
  return value >= 0 && value < limit && Number.isInteger(value);
}

/** How many edges are at or below a value. */
function intervalOf(edges: readonly number[], value: number): number {
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((edges[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

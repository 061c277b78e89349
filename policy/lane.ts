import { familyOf } from "../core/address.ts";
import { type End, type Question, type Sets, settle } from "./match.ts";
import type { Stage } from "./placement.ts";
import type { Instruction, Match, Program } from "./program.ts";
import type { Packet, Step } from "./verdict.ts";

/** What a packet hit on its way through a list. Ways that hit the same share one. */
export class Trail {
  readonly steps: readonly Step[];
  readonly #next = new Map<Instruction, Trail>();

  constructor(steps: readonly Step[] = []) {
    this.steps = steps;
  }

  after(instruction: Instruction): Trail {
    const found = this.#next.get(instruction);
    if (found !== undefined) return found;
    const trail = new Trail([...this.steps, stepOf(instruction)]);
    this.#next.set(instruction, trail);
    return trail;
  }

  /** The step that decided; undefined if none did, so that what comes after the list does. */
  get decision(): Step | undefined {
    const last = this.steps.at(-1);
    return last?.action === "allow" || last?.action === "deny" ? last : undefined;
  }
}

function stepOf({ id, verdict }: Instruction): Step {
  return { rule: id, action: verdict === "next" ? "pass" : verdict };
}

/** An instruction of which only questions about the ends are left. */
interface Clause {
  readonly instruction: Instruction;
  readonly when: readonly Question[];
  /** Where the next stage begins. */
  readonly nextStage: number;
}

/** More kinds of packets than a cluster has; a scan of all ports and protocols does not fill the memory. */
const maxRests = 4096;

/**
 * A list of stages, made quick to walk: for packets of one protocol, family and interval of ports it is worked out once what is left
 * of it, so that only the ends remain to be looked up in few sets.
 */
export class Lane {
  readonly #program: Program;
  readonly #stages: readonly Stage[];
  readonly #sets: Sets;
  readonly #start = new Trail();
  readonly #rests = new Map<number, readonly Clause[]>();
  readonly #axes: Axes;

  constructor(program: Program, stages: readonly Stage[], sets: Sets) {
    this.#program = program;
    this.#stages = stages;
    this.#sets = sets;
    this.#axes = axesOf(stages.flatMap((stage) => instructionsOf(program, stage)).flatMap(({ when }) => when));
  }

  /** Packets that differ in nothing but the source port never part here. */
  get isBlindToSourcePort(): boolean {
    return !this.#axes.hasSourcePort;
  }

  walk(source: End, destination: End, packet: Packet): Trail {
    const clauses = this.#restFor(packet);
    let trail = this.#start;
    for (let at = 0; at < clauses.length; ) {
      const clause = clauses[at] as Clause;
      if (!holdsAll(clause.when, source, destination, packet)) {
        at += 1;
        continue;
      }
      trail = trail.after(clause.instruction);
      switch (clause.instruction.verdict) {
        case "allow":
        case "deny":
          return trail;
        case "next":
          at = clause.nextStage;
          break;
        case "log":
          at += 1;
      }
    }
    return trail;
  }

  #restFor(packet: Packet): readonly Clause[] {
    const kind = kindOf(this.#axes, packet);
    if (kind === undefined) return this.#rest(packet);
    const found = this.#rests.get(kind);
    if (found !== undefined) return found;
    const rest = this.#rest(packet);
    if (this.#rests.size >= maxRests) this.#rests.clear();
    this.#rests.set(kind, rest);
    return rest;
  }

  #rest(packet: Packet): readonly Clause[] {
    const rest: Clause[] = [];
    for (const stage of this.#stages) {
      const first = rest.length;
      const drafts = this.#left(stage, packet);
      for (const draft of drafts) rest.push({ ...draft, nextStage: first + drafts.length });
    }
    return rest;
  }

  /** What of a stage this kind of packet may hit; nothing that stands after what it hits in any case. */
  #left(stage: Stage, packet: Packet): readonly Omit<Clause, "nextStage">[] {
    const left: Omit<Clause, "nextStage">[] = [];
    for (const instruction of [...instructionsOf(this.#program, stage), stage.otherwise]) {
      const when = questionsOf(instruction.when, packet, this.#sets);
      if (when === undefined) continue;
      left.push({ instruction, when });
      if (when.length === 0 && instruction.verdict !== "log") break;
    }
    return left;
  }
}

export function instructionsOf(program: Program, { blocks }: Stage): readonly Instruction[] {
  return blocks.flatMap(({ block }) => program.blocks.get(block) ?? []);
}

function holdsAll(questions: readonly Question[], source: End, destination: End, packet: Packet): boolean {
  for (const question of questions) if (!question(source, destination, packet)) return false;
  return true;
}

/** What is left to ask; undefined where a match fails already. */
function questionsOf(when: readonly Match[], packet: Packet, sets: Sets): readonly Question[] | undefined {
  const questions: Question[] = [];
  for (const match of when) {
    const settled = settle(match, packet, sets);
    if (settled === false) return undefined;
    if (settled !== true) questions.push(settled);
  }
  return questions;
}

/** Values where what a list says may change: the first of each interval, ascending. */
interface Axes {
  readonly sourcePort: readonly number[];
  readonly destinationPort: readonly number[];
  /** Of type * 256 + code. */
  readonly icmp: readonly number[];
  readonly hasSourcePort: boolean;
}

function axesOf(matches: readonly Match[]): Axes {
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

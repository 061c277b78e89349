import { familyOf } from "../core/address.ts";
import type { RuleId } from "../core/rule-id.ts";
import type { Identity } from "./identity.ts";
import { Membership } from "./membership.ts";
import type { Endpoint, Placement, Stage, Stages } from "./placement.ts";
import type { Applicability, Direction, Instruction, Match, Program } from "./program.ts";
import { hasPorts } from "./protocol.ts";
import { parseSelector } from "./selector/parse.ts";
import { all, any, both, not, partlyMatches, type Truth } from "./selector/partial.ts";
import type { Selector } from "./selector/syntax.ts";
import type { Packet } from "./verdict.ts";

/** A connection by who its ends were, rather than by who has their addresses now. */
export interface Meeting {
  readonly source: Identity;
  readonly destination: Identity;
  readonly packet: Packet;
}

export interface Judgement {
  /** `uncertain`: it depends on something that nobody knows. */
  readonly action: "allow" | "deny" | "uncertain";
  /** What decides (of two that allow, the destination's); null where nothing does or several may. */
  readonly rule: RuleId | null;
  /** Of an uncertain one, what is not known; else null. */
  readonly why: string | null;
}

/**
 * Decides about identities as evaluate.ts does about addresses. Where something is not known of an end, the way splits: every decision
 * that may be the one is collected, and only where all of them say the same it is told.
 */
export function judgeOf(program: Program, placement: Placement): (meeting: Meeting) => Judgement {
  const judge = new Judge(program, placement);
  return (meeting) => judge.judge(meeting);
}

interface Decision {
  readonly action: "allow" | "deny";
  readonly rule: RuleId;
}

/** The blocks of a stage that apply, or may. */
type PartialStage = readonly {
  readonly entry: Pick<Applicability, "block" | "otherwise">;
  readonly applies: true | null;
}[];
type Holds = (match: Match) => Truth;

interface Applying {
  readonly entry: Applicability;
  readonly selector: Selector;
}

/** What pods are asked: about what they send, what they get, and what they send to their own node. */
type Asked = Direction | "toOwnNode";

/** What applies to pods, if they are selected; in order of evaluation. */
function applyingTo({ applies }: Program, asked: Asked): readonly Applying[] {
  const isMeant = ({ list, direction }: Applicability) =>
    asked === "toOwnNode" ? list === asked : list === "normal" && direction === asked;
  return applies
    .filter(isMeant)
    .map((entry) => ({ entry, selector: parseSelector(entry.selector, Number.POSITIVE_INFINITY) }));
}

class Judge {
  readonly #program: Program;
  readonly #placement: Placement;
  readonly #membership: Membership;
  readonly #forPods: Readonly<Record<Asked, readonly Applying[]>>;
  readonly #hostsOf: ReadonlyMap<string | null, readonly Endpoint[]>;
  readonly #stages = new WeakMap<Identity, Readonly<Record<Asked, readonly PartialStage[]>>>();

  constructor(program: Program, placement: Placement) {
    this.#program = program;
    this.#placement = placement;
    this.#membership = new Membership(program, placement);
    this.#forPods = {
      egress: applyingTo(program, "egress"),
      ingress: applyingTo(program, "ingress"),
      toOwnNode: applyingTo(program, "toOwnNode"),
    };
    const hosts = [...placement.endpoints.values()].filter(({ kind }) => kind === "host");
    this.#hostsOf = Map.groupBy(hosts, ({ node }) => node);
  }

  judge(meeting: Meeting): Judgement {
    const { source, destination, packet } = meeting;
    if (isSame(source, destination)) return allowed(null);
    const holds: Holds = (match) => this.#holds(match, meeting);
    const egress = this.#decisions(source, "egress", holds);
    if (surely(egress, "deny")) return denied(egress);
    const toOwnNode = isToOwnNode(source, destination) ? this.#decisions(source, "toOwnNode", holds) : [];
    const ingress = isOwnNode(source, destination)
      ? []
      : [...toOwnNode, ...this.#decisions(destination, "ingress", holds)];
    if (surely(ingress, "deny")) return denied([...egress.filter(({ action }) => action === "deny"), ...ingress]);
    if ([...egress, ...ingress].some(({ action }) => action === "deny")) return uncertain(gapsOf(source, destination));
    const isSettled = toOwnNode.length > 0;
    const host = [source, destination].find((end) => this.#hostMayDeny(end, packet, holds, isSettled));
    if (host !== undefined) return uncertain(`what the host endpoints of node ${host.node} make of it`);
    return allowed(soleRule(ingress.length > 0 ? ingress : egress));
  }

  /** Every decision that may be the one; none if the end is subject to no policy. */
  #decisions(end: Identity, asked: Asked, holds: Holds): readonly Decision[] {
    return end.kind === "pod" ? this.#through(this.#stagesOf(end)[asked], holds) : [];
  }

  #stagesOf(end: Identity): Readonly<Record<Asked, readonly PartialStage[]>> {
    const known = this.#stages.get(end);
    if (known !== undefined) return known;
    const found = {
      egress: this.#classify(end, "egress"),
      ingress: this.#classify(end, "ingress"),
      toOwnNode: this.#classify(end, "toOwnNode"),
    };
    this.#stages.set(end, found);
    return found;
  }

  #classify(end: Identity, asked: Asked): readonly PartialStage[] {
    const entries = this.#forPods[asked].flatMap(({ entry, selector }) => {
      const applies = partlyMatches(selector, end);
      return applies === false ? [] : [{ entry, applies }];
    });
    return [...Map.groupBy(entries, ({ entry }) => entry.stage).values()];
  }

  #through(stages: readonly PartialStage[], holds: Holds): readonly Decision[] {
    const found: Decision[] = [];
    for (const stage of stages) if (this.#throughStage(stage, holds, found) === "decided") break;
    return found;
  }

  /** Adds what the stage may decide; `decided` where it surely does, so that later ones are not asked. */
  #throughStage(stage: PartialStage, holds: Holds, found: Decision[]): "decided" | "goes on" {
    let mayPass = false;
    const take = ({ verdict, id }: Instruction, truth: true | null) => {
      if (verdict === "next") mayPass = true;
      else if (verdict !== "log") found.push({ action: verdict, rule: id });
      return truth === true;
    };
    for (const { entry, applies } of stage)
      for (const instruction of this.#program.blocks.get(entry.block) ?? []) {
        const truth = instruction.verdict === "log" ? false : both(applies, all(instruction.when, holds));
        if (truth !== false && take(instruction, truth)) return mayPass ? "goes on" : "decided";
      }
    for (const { entry, applies } of stage) if (take(entry.otherwise, applies)) return mayPass ? "goes on" : "decided";
    return "goes on";
  }

  /**
   * Which of a node's interfaces a connection crosses is not recorded: any list of any of its host endpoints may have a say. `isSettled`:
   * none but what comes before translation.
   */
  #hostMayDeny({ kind, node }: Identity, packet: Packet, holds: Holds, isSettled: boolean): boolean {
    const hosts = (node === null ? undefined : this.#hostsOf.get(node)) ?? [];
    return hosts.some(({ id }) => {
      const classId = this.#placement.classOf.get(id);
      const found = classId === undefined ? undefined : this.#placement.classes.get(classId);
      if (found === undefined) return false;
      const { forward, preDnat, untracked } = found.others;
      const after = isSettled ? [] : [forward, untracked, ...(kind === "pod" ? [] : [found])];
      return (
        after.some((list) => this.#listMayDeny(list, holds)) || this.#listMayDeny(preDnat, untranslated(packet, holds))
      );
    });
  }

  #listMayDeny({ egress, ingress }: Stages, holds: Holds): boolean {
    const decisions = [egress, ingress].flatMap((stages) => this.#through(stages.map(certain), holds));
    return decisions.some(({ action }) => action === "deny");
  }

  #holds(match: Match, { packet, ...ends }: Meeting): Truth {
    switch (match.field) {
      case "family":
        return familyOf(packet.destination) === match.is;
      case "protocol":
        return (packet.protocol === match.is) !== match.not;
      case "source":
      case "destination":
        return unless(match.not, this.#membership.has(match.in, ends[match.field]));
      case "icmp": {
        if (packet.icmp === null) return false;
        const isCode = match.code === undefined || packet.icmp.code === match.code;
        return (packet.icmp.type === match.type && isCode) !== match.not;
      }
      case "sourcePort":
        return this.#portHolds(match, ends.source, packet.protocol, packet.sourcePort);
      case "destinationPort":
        return this.#portHolds(match, ends.destination, packet.protocol, packet.destinationPort);
    }
  }

  #portHolds({ ranges, named, not }: PortMatch, end: Identity, protocol: number, port: number): Truth {
    if (!hasPorts(protocol)) return false;
    if (ranges.some(({ from, to }) => from <= port && port <= to)) return !not;
    return unless(
      not,
      any(named, (id) => this.#membership.hasPort(id, end, protocol, port)),
    );
  }
}

type PortMatch = Extract<Match, { field: "sourcePort" | "destinationPort" }>;

/** What comes before the translation of a destination sees where the packet was going at first; that is not asked here. */
function untranslated({ translated }: Packet, holds: Holds): Holds {
  if (translated === undefined) return holds;
  return (match) => (match.field === "destination" || match.field === "destinationPort" ? null : holds(match));
}

const certain = ({ blocks, otherwise }: Stage): PartialStage =>
  blocks.map(({ block }) => ({ entry: { block, otherwise }, applies: true }));
const unless = (isNot: boolean, truth: Truth): Truth => (isNot ? not(truth) : truth);

/** A pod always reaches itself, and a node the pods that run on it. */
const isSame = (a: Identity, b: Identity) =>
  a.kind === "pod" && b.kind === "pod" && a.namespace === b.namespace && a.name === b.name;
const isOwnNode = (source: Identity, destination: Identity) =>
  source.kind === "node" && destination.kind === "pod" && source.name !== null && source.name === destination.node;

const isToOwnNode = (source: Identity, destination: Identity) =>
  source.kind === "pod" && destination.kind === "node" && source.node !== null && source.node === destination.name;

const surely = (decisions: readonly Decision[], action: Decision["action"]) =>
  decisions.length > 0 && decisions.every((decision) => decision.action === action);

function soleRule(decisions: readonly Decision[]): RuleId | null {
  const rules = new Set(decisions.map(({ rule }) => rule));
  const [first = null] = rules;
  return rules.size === 1 ? first : null;
}

const allowed = (rule: RuleId | null): Judgement => ({ action: "allow", rule, why: null });
const denied = (decisions: readonly Decision[]): Judgement => ({
  action: "deny",
  rule: soleRule(decisions),
  why: null,
});
const uncertain = (why: string): Judgement => ({ action: "uncertain", rule: null, why });

/** `service account, named ports of shop/web-1` */
function gapsOf(...ends: readonly Identity[]): string {
  return ends
    .filter(({ gaps }) => gaps.length > 0)
    .map(({ gaps, namespace, name }) => `${gaps.join(", ")} of ${namespace}/${name}`)
    .join("; ");
}

// One instruction of a Program as nft rules. A rule is a conjunction, and knows one address family or none, so an
// instruction becomes as many rules as it has families and alternatives, all with its id.
import type { Family } from "../core/address.ts";
import { type RuleId, tryParseRuleId } from "../core/rule-id.ts";
import { type Direction, holdsPorts, type Instruction, type Match, type PortRange } from "../policy/program.ts";
import type { Draft } from "./draft.ts";
import { type LogSettings, logged } from "./log-limit.ts";
import { mergedPorts, onlyNetwork } from "./ranges.ts";
import {
  type AddressField,
  type Condition,
  type LogPrefix,
  type Name,
  type NumberField,
  nameOf,
  type Rule,
  type Statement,
} from "./ruleset.ts";
import {
  addressSets,
  isInGroup,
  namedPortSet,
  type ProtocolGroup,
  portSet,
  protocolSet,
  type SetLookup,
} from "./sets.ts";

export interface RenderContext {
  readonly draft: Draft;
  readonly sets: SetLookup;
  readonly direction: Direction;
  readonly log: LogSettings;
  readonly manner: Manner;
  readonly isStaged: (rule: RuleId) => boolean;
  /** Of which packets get here at all: of no others there need be rules. */
  readonly families: readonly Family[];
}

/** How verdicts are carried out where a list is asked. */
export interface Manner {
  /**
   * What an allowed packet gets: `label`, the rule's id into the connection's label; `settle`, that later lists of the host
   * endpoint are not asked; `settleStaged`, the same of its staged lists; `notrack`, that connection tracking leaves it alone; `accept`,
   * nothing but that.
   */
  readonly allow: "label" | "settle" | "settleStaged" | "notrack" | "accept";
  /** `accept`, `settleStaged`: nothing is decided in truth, so nothing is logged either. */
  readonly deny: "drop" | "reject" | "accept" | "settleStaged";
  /** Of which rules hits are counted: a list that is asked twice about a packet counts, and logs, once: the second time is `none`. */
  readonly counts: "all" | "staged" | "none";
}

/** Any of these conjunctions; none: the match never holds. */
type Alternatives = readonly (readonly Condition[])[];

interface Scope {
  readonly family: Family | null;
  /** The protocol that the instruction asks for, if it asks for one. */
  readonly protocol: number | null;
  /** No packet may match two of the alternatives. */
  readonly once: boolean;
}

export function renderInstruction(context: RenderContext, instruction: Instruction): readonly Rule[] {
  const { draft } = context;
  if (tryParseRuleId(instruction.id) === undefined) {
    draft.problem(String(instruction.id).slice(0, 40), "is no rule id: what reaches this rule is denied");
    return denied(context, [], "unrenderable");
  }
  const faults = instruction.when.flatMap((match) => faultOf(context, match) ?? []);
  for (const fault of faults) draft.problem(instruction.id, `${fault}: the rule denies instead, or allows nothing`);
  if (faults.length > 0 && (instruction.verdict === "allow" || instruction.verdict === "log")) return [];
  const sound = instruction.when.filter((match) => faultOf(context, match) === undefined);
  const { id } = instruction;
  const verdict = faults.length > 0 ? "deny" : instruction.verdict;
  return conjunctions(context, sound, verdict === "log").flatMap((when) => rulesOf(context, when, id, verdict));
}

/** Says why, counts, and ends the packets of which this holds. What may come from somebody else than it says is never answered: `drop`. */
export function denied(
  context: RenderContext,
  when: readonly Condition[],
  because: LogPrefix["because"],
  deny: Manner["deny"] = context.manner.deny,
): readonly Rule[] {
  if (deny === "accept" || deny === "settleStaged")
    return [{ when, statements: [...counting(context, because), ...afterwards(deny), { do: "accept" }] }];
  const end: Statement = deny === "drop" ? { do: "drop" } : { do: "jump", to: rejection(context.draft) };
  const prefix: LogPrefix = { action: "D", direction: context.direction, because };
  return logged(context, when, prefix, counting(context, because), end);
}

/** What would be denied, later staged lists of the host endpoint would not see. */
function afterwards(deny: "accept" | "settleStaged"): readonly Statement[] {
  return deny === "accept" ? [] : [{ do: "settle", in: "pending" }];
}

/** TCP is told by a reset, which every client understands at once. */
function rejection(draft: Draft): Name {
  const tcp: Condition = { if: "number", field: "protocol", from: 6, to: 6, not: false };
  return draft.chain("reject", [
    { when: [tcp], statements: [{ do: "reject", with: "tcp-reset" }] },
    { when: [], statements: [{ do: "reject", with: "admin-prohibited" }] },
  ]);
}

/** Of a rule, or of a reason in this direction. */
function counting(context: RenderContext, because: LogPrefix["because"]): readonly Statement[] {
  const { draft, direction, manner } = context;
  const id = tryParseRuleId(because);
  if (manner.counts === "none") return [];
  if (manner.counts === "staged" && (id === undefined || !context.isStaged(id))) return [];
  const name = id === undefined ? `${direction}_${because.replaceAll("-", "_")}` : `r_${id}`;
  return [{ do: "count", counter: draft.counter(nameOf(name)) }];
}

function rulesOf(
  context: RenderContext,
  when: readonly Condition[],
  id: RuleId,
  verdict: Instruction["verdict"],
): readonly Rule[] {
  switch (verdict) {
    case "allow":
      return [{ when, statements: [...counting(context, id), ...permission(context, id), { do: "accept" }] }];
    case "deny":
      return denied(context, when, id);
    case "next":
      return [{ when, statements: [...counting(context, id), { do: "return" }] }];
    case "log":
      return noted(context, when, id);
  }
}

/** Logs and goes on; nothing at all where nothing is logged nor counted. */
function noted(context: RenderContext, when: readonly Condition[], id: RuleId): readonly Rule[] {
  const { direction, manner } = context;
  const count = counting(context, id);
  if (manner.deny !== "accept" && manner.deny !== "settleStaged" && manner.counts !== "none")
    return logged(context, when, { action: "L", direction, because: id }, count);
  return count.length === 0 ? [] : [{ when, statements: count }];
}

function permission({ direction, manner }: RenderContext, rule: RuleId): readonly Statement[] {
  switch (manner.allow) {
    case "label":
      return [{ do: "label", direction, rule }];
    case "settle":
      return [{ do: "settle", in: "force" }];
    case "settleStaged":
      return [{ do: "settle", in: "pending" }];
    case "notrack":
      return [{ do: "notrack" }];
    case "accept":
      return [];
  }
}

/** `once`: no packet may match two of them, as each would be logged. */
function conjunctions(context: RenderContext, matches: readonly Match[], once: boolean): Alternatives {
  const wanted = matches.flatMap((match) => (match.field === "protocol" && !match.not ? [match.is] : []));
  const protocol = wanted[0] ?? null;
  const inOrder = matches.toSorted((a, b) => rank(a) - rank(b));
  return product(inOrder.map((match) => waysOf(match, once))).flatMap((ways) => {
    const chosen = ways.flat();
    return familiesOf(context, chosen).flatMap((family) =>
      product(chosen.map((match) => alternativesOf(context, match, { family, protocol, once }))).map((parts) =>
        parts.flat(),
      ),
    );
  });
}

/** A port in a range *or* in a named set: one after the other. A negated match wants none of them, at once. */
function waysOf(match: Match, once: boolean): readonly (readonly Match[])[] {
  if ((match.field !== "sourcePort" && match.field !== "destinationPort") || match.not) return [[match]];
  const byRange = match.ranges.length === 0 ? [] : [{ ...match, named: [] }];
  const ways = [...byRange, ...match.named.map((id) => ({ ...match, ranges: [], named: [id] }))];
  if (!once) return ways.map((way) => [way]);
  return ways.map((way, index) => [way, ...ways.slice(0, index).map((before) => ({ ...before, not: true }))]);
}

/** Every choice of one item of each list. */
function product<T>(lists: readonly (readonly T[])[]): readonly (readonly T[])[] {
  return lists.reduce<readonly (readonly T[])[]>(
    (chosen, list) => chosen.flatMap((left) => list.map((right) => [...left, right])),
    [[]],
  );
}

/** Null is both at once: what does not look at addresses needs one rule only. */
function familiesOf({ families }: RenderContext, matches: readonly Match[]): readonly (Family | null)[] {
  const looks = matches.some((match) => isAddressed(match));
  return looks ? families : [null];
}

function isAddressed(match: Match): boolean {
  if (match.field === "source" || match.field === "destination") return true;
  return (match.field === "sourcePort" || match.field === "destinationPort") && match.named.length > 0;
}

/** The protocol goes first: it guards the bytes of the transport header, and is cheapest to look at. */
function rank(match: Match): number {
  return ["family", "protocol"].indexOf(match.field) >= 0 ? 0 : 1;
}

function alternativesOf(context: RenderContext, match: Match, scope: Scope): Alternatives {
  switch (match.field) {
    case "family":
      if (scope.family !== null) return scope.family === match.is ? [[]] : [];
      return [[{ if: "family", is: match.is }]];
    case "protocol":
      return [[number("protocol", match.is, match.is, match.not)]];
    case "source":
    case "destination":
      return addressAlternatives(context, match, scope);
    case "sourcePort":
    case "destinationPort":
      return portAlternatives(context, match, scope);
    case "icmp":
      return icmpAlternatives(context, match, scope);
  }
}

function addressAlternatives(
  { draft, sets }: RenderContext,
  match: Extract<Match, { field: "source" | "destination" }>,
  { family, once }: Scope,
): Alternatives {
  if (family === null) throw new Error("an address is looked at without a family");
  const definition = sets(match.in)?.definition;
  // A list of CIDRs is fixed; where it has none of this family the answer is known. Other sets may get members later.
  if (definition?.kind === "cidrs" && !definition.cidrs.some((cidr) => cidr.family === family))
    return match.not ? [[{ if: "family", is: family }]] : [];
  // To compare is quicker than to look into a set, and a kernel with half as many sets takes a ruleset that much faster. With `not` nft
  // (1.0.6) may make one comparison of two; see rangeConditions.
  const network = definition?.kind === "cidrs" && !match.not ? onlyNetwork(family, definition.cidrs) : undefined;
  if (network !== undefined) return [[{ if: "network", field: addressField(match.field, family), network }]];
  const names = addressSets(draft, sets, match.in, family);
  if (names === undefined) throw new Error(`set ${match.in} is unknown`);
  const key = [addressField(match.field, family)];
  const inSet = (set: Name, not: boolean): Condition => ({ if: "member", key, set, not });
  if (match.not) return [names.map((name) => inSet(name, true))];
  const before = (index: number) => (once ? names.slice(0, index).map((name) => inSet(name, true)) : []);
  return names.map((name, index) => [inSet(name, false), ...before(index)]);
}

function portAlternatives(
  context: RenderContext,
  match: Extract<Match, { field: "sourcePort" | "destinationPort" }>,
  scope: Scope,
): Alternatives {
  const guard = protocolGuard(context, scope, "with_ports");
  if (guard === undefined) return [];
  return [[...guard, ...rangeConditions(context, match), ...namedConditions(context, match, scope)]];
}

type PortMatch = Extract<Match, { field: "sourcePort" | "destinationPort" }>;

function rangeConditions({ draft }: RenderContext, { field, ranges, not }: PortMatch): readonly Condition[] {
  const merged = mergedPorts(ranges);
  const port = field === "sourcePort" ? "sport" : "dport";
  // Of `sport != 80 dport != 443` nft (1.0.6) makes one comparison of four bytes, which holds where only one of them differs.
  const isSingle = merged.length === 1 && merged[0]?.from === merged[0]?.to;
  if (merged.length > 1 || (not && isSingle)) return [{ if: "member", key: [port], set: portSet(draft, merged), not }];
  return merged.map(({ from, to }) => number(port, from, to, not));
}

function namedConditions({ draft, sets }: RenderContext, match: PortMatch, { family }: Scope): readonly Condition[] {
  return match.named.map((id) => {
    const set = family === null ? undefined : namedPortSet(draft, sets, id, family);
    if (set === undefined || family === null) throw new Error(`set ${id} of named ports is unknown`);
    const [end, port] =
      match.field === "sourcePort" ? (["source", "sport"] as const) : (["destination", "dport"] as const);
    return { if: "member", key: [addressField(end, family), "protocol", port], set, not: match.not };
  });
}

function icmpAlternatives(
  context: RenderContext,
  { type, code, not }: Extract<Match, { field: "icmp" }>,
  scope: Scope,
): Alternatives {
  const guard = protocolGuard(context, scope, "icmp");
  if (guard === undefined) return [];
  if (code === undefined) return [[...guard, number("icmpType", type, type, not)]];
  const both = type * 256 + code;
  return [[...guard, number("icmpTypeAndCode", both, both, not)]];
}

/** What makes sure that the protocol is of the group: nothing where the instruction says so itself; undefined: it is not. */
function protocolGuard(
  { draft }: RenderContext,
  { protocol }: Scope,
  group: ProtocolGroup,
): readonly Condition[] | undefined {
  if (protocol !== null) return isInGroup(protocol, group) ? [] : undefined;
  return [{ if: "member", key: ["protocol"], set: protocolSet(draft, group), not: false }];
}

function number(field: NumberField, from: number, to: number, not: boolean): Condition {
  return { if: "number", field, from, to, not };
}

function addressField(end: "source" | "destination", family: Family): AddressField {
  if (end === "source") return family === 4 ? "saddr4" : "saddr6";
  return family === 4 ? "daddr4" : "daddr6";
}

/** Why a match cannot be rendered; undefined if it can. Types do not hold for what a newer compiler may have written. */
function faultOf({ sets }: RenderContext, match: Match): string | undefined {
  switch (match.field) {
    case "family":
      return match.is === 4 || match.is === 6 ? undefined : `family ${match.is} is unknown`;
    case "protocol":
      return isWithin(match.is, 255) ? undefined : `protocol ${match.is} is out of range`;
    case "source":
    case "destination": {
      const definition = sets(match.in)?.definition;
      const sound = definition !== undefined && !holdsPorts(definition);
      return sound ? undefined : `set ${match.in} is no known set of addresses`;
    }
    case "sourcePort":
    case "destinationPort":
      return portFault(sets, match);
    case "icmp": {
      const sound = isWithin(match.type, 255) && (match.code === undefined || isWithin(match.code, 255));
      return sound ? undefined : `ICMP type ${match.type} or code ${match.code} is out of range`;
    }
  }
  return `a match on ${JSON.stringify(match satisfies never)} is unknown`;
}

function portFault(sets: SetLookup, { ranges, named }: PortMatch): string | undefined {
  const bad = ranges.find((range) => !isPortRange(range));
  if (bad !== undefined) return `port range ${bad.from}-${bad.to} is out of range`;
  const unknown = named.find((id) => {
    const definition = sets(id)?.definition;
    return definition === undefined || !holdsPorts(definition);
  });
  return unknown === undefined ? undefined : `set ${unknown} is no known set of ports`;
}

function isPortRange({ from, to }: PortRange): boolean {
  return isWithin(from, 65_535) && isWithin(to, 65_535) && from <= to;
}

function isWithin(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}

import { type Address, addressValue, familyOf, parseAddress, parseCidr, widthOf } from "../../core/address.ts";
import type { RuleId } from "../../core/rule-id.ts";
import type { Element } from "../../enforcer/element.ts";
import type {
  Chain,
  Condition,
  Field,
  Hook,
  LogPrefix,
  Name,
  NamedSet,
  Rule,
  Ruleset,
  Statement,
} from "../../enforcer/ruleset.ts";
import type { Packet } from "../../policy/verdict.ts";

/** A packet as one hook of one node sees it. */
export interface Sighting {
  readonly packet: Packet;
  readonly hook: Hook;
  /** Name of the interface it came from, empty for none. */
  readonly from: string;
  readonly to: string;
  readonly state: "new" | "established" | "related" | "invalid";
  readonly hopLimit: number;
  /** The source is an address of the node. */
  readonly localSource: boolean;
}

export interface Outcome {
  readonly action: "accept" | "drop";
  /** What the conntrack label holds afterwards. */
  readonly egress: RuleId | null;
  readonly ingress: RuleId | null;
  readonly logs: readonly LogPrefix[];
}

/** Runs a packet through a ruleset as nftables does: the chains of its hook by priority, each may accept, any may drop. */
export function simulate(ruleset: Ruleset, sighting: Sighting): Outcome {
  const run = new Run(ruleset, sighting);
  const chains = [...ruleset.chains.values()].filter(({ base }) => base?.hook === sighting.hook);
  chains.sort((a, b) => (a.base?.priority ?? 0) - (b.base?.priority ?? 0));
  const action = chains.every((chain) => run.chain(chain, 0) !== "drop") ? "accept" : "drop";
  return { action, ...run.label, logs: run.logs };
}

type End = "accept" | "drop" | "return";

class Run {
  readonly logs: LogPrefix[] = [];
  readonly label: { egress: RuleId | null; ingress: RuleId | null } = { egress: null, ingress: null };
  readonly #ruleset: Ruleset;
  readonly #sighting: Sighting;

  constructor(ruleset: Ruleset, sighting: Sighting) {
    this.#ruleset = ruleset;
    this.#sighting = sighting;
  }

  chain({ name, rules }: Chain, depth: number): End {
    if (depth > 3) throw new Error(`${name} is ${depth} jumps deep`);
    for (const rule of rules) {
      const end = this.#rule(rule, depth);
      if (end !== undefined) return end;
    }
    return "return";
  }

  #rule(rule: Rule, depth: number): End | undefined {
    if (!rule.when.every((condition) => holds(condition, this.#sighting, this.#ruleset))) return undefined;
    for (const statement of rule.statements) {
      const end = this.#statement(statement, depth);
      if (end !== undefined) return end;
    }
    return undefined;
  }

  #statement(statement: Statement, depth: number): End | undefined {
    switch (statement.do) {
      case "log":
        this.logs.push(statement.prefix);
        return undefined;
      case "count":
        return undefined;
      case "label":
        this.label[statement.direction] = statement.rule;
        return undefined;
      case "dispatch": {
        const key = keyOf(statement.key, this.#sighting);
        const verdict = key === undefined ? undefined : existing(this.#ruleset.maps, statement.map).entries.get(key);
        if (verdict === undefined) return undefined;
        return verdict.verdict === "accept" ? "accept" : this.#jump(verdict.to, depth);
      }
      case "jump":
        return this.#jump(statement.to, depth);
      case "accept":
      case "drop":
      case "return":
        return statement.do;
      case "reject":
        // Of the packet there is no more left than by `drop`; what its sender is told, nobody here listens to.
        return "drop";
    }
  }

  /** A chain that ends or returns goes on behind the jump. */
  #jump(to: Name, depth: number): End | undefined {
    const end = this.chain(existing(this.#ruleset.chains, to), depth + 1);
    return end === "return" ? undefined : end;
  }
}

function holds(condition: Condition, sighting: Sighting, ruleset: Ruleset): boolean {
  switch (condition.if) {
    case "family":
      return familyOf(sighting.packet.destination) === condition.is;
    case "number": {
      const value = partOf(condition.field, sighting);
      if (value === undefined) return false;
      return (condition.from <= Number(value) && Number(value) <= condition.to) !== condition.not;
    }
    case "member": {
      const key = keyOf(condition.key, sighting);
      return key !== undefined && contains(existing(ruleset.sets, condition.set), key) !== condition.not;
    }
    case "interface": {
      const name = condition.field === "iifname" ? sighting.from : sighting.to;
      return condition.prefix ? name.startsWith(condition.name) : name === condition.name;
    }
    case "connection":
      return sighting.state === condition.state || (sighting.state === "related" && condition.state === "established");
    case "localSource":
      return sighting.localSource;
  }
}

/** Undefined where the packet has no such part: then no rule that looks at it matches, negated or not. */
function keyOf(key: readonly Field[], sighting: Sighting): Element | undefined {
  const parts = key.map((field) => partOf(field, sighting));
  return parts.includes(undefined) ? undefined : (parts.join(" . ") as Element);
}

function partOf(field: Field, { packet, from, to, hopLimit }: Sighting): string | undefined {
  const family = familyOf(packet.destination);
  const ofFamily = (wanted: number, address: Address) => (family === wanted ? address : undefined);
  // The first four bytes of the transport header, whatever the protocol keeps there.
  const first = packet.icmp === null ? packet.sourcePort : packet.icmp.type * 256 + packet.icmp.code;
  switch (field) {
    case "iifname":
      return from === "" ? undefined : `"${from}"`;
    case "oifname":
      return to === "" ? undefined : `"${to}"`;
    case "saddr4":
      return ofFamily(4, packet.source);
    case "daddr4":
      return ofFamily(4, packet.destination);
    case "saddr6":
      return ofFamily(6, packet.source);
    case "daddr6":
      return ofFamily(6, packet.destination);
    case "hoplimit6":
      return family === 6 ? String(hopLimit) : undefined;
    case "protocol":
      return String(packet.protocol);
    case "sport":
    case "icmpTypeAndCode":
      return String(first);
    case "icmpType":
      return String(first >> 8);
    case "dport":
      return String(packet.destinationPort);
  }
}

function contains(set: NamedSet, key: Element): boolean {
  if (set.flag !== "interval") return set.elements.has(key);
  const value = numberOf(key);
  return [...set.elements].some((element) => {
    const [first, last] = rangeOf(element);
    return first <= value && value <= last;
  });
}

function rangeOf(element: string): readonly [bigint, bigint] {
  if (element.includes("/")) {
    const { base, bits, family } = parseCidr(element);
    return [base, base + (1n << BigInt(widthOf(family) - bits)) - 1n];
  }
  const [first = "", last = first] = element.split("-");
  return [numberOf(first), numberOf(last)];
}

function numberOf(text: string): bigint {
  return /^\d+$/.test(text) ? BigInt(text) : addressValue(parseAddress(text));
}

function existing<T>(objects: ReadonlyMap<Name, T>, name: Name): T {
  const found = objects.get(name);
  if (found === undefined) throw new Error(`${name} is referred to and not there`);
  return found;
}

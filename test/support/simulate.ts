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
  Standing,
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
  /** The source, or the destination, is an address of the node. */
  readonly localSource: boolean;
  readonly localDestination?: boolean;
  /** What chains see that come before the hook translates the packet's destination. */
  readonly untranslated?: Pick<Sighting, "packet" | "localDestination">;
}

/** NF_IP_PRI_NAT_DST, include/uapi/linux/netfilter_ipv4.h */
const translationPriority = -100;

export interface Outcome {
  readonly action: "accept" | "drop";
  /** How a drop was told to who sent the packet. */
  readonly rejected: "tcp-reset" | "admin-prohibited" | null;
  /** What the conntrack label holds afterwards. */
  readonly egress: RuleId | null;
  readonly ingress: RuleId | null;
  readonly logs: readonly LogPrefix[];
  /** Names of counters that were hit. */
  readonly counted: readonly Name[];
}

/** Runs a packet through a ruleset as nftables does: the chains of its hook by priority, each may accept, any may drop. */
export function simulate(ruleset: Ruleset, sighting: Sighting): Outcome {
  return simulateAll(ruleset, [sighting]);
}

/** The same of all hooks that a packet passes on one node, in order. */
export function simulateAll(ruleset: Ruleset, sightings: readonly Sighting[]): Outcome {
  const run = new Run(ruleset);
  const action = sightings.every((sighting) => run.hook(sighting)) ? "accept" : "drop";
  const { logs, counted, rejected } = run;
  return { action, rejected, egress: run.label.egress, ingress: run.label.ingress, logs, counted };
}

type End = "accept" | "drop" | "return";

/** What a packet and its connection remember between hooks. */
interface Kept {
  egress: RuleId | null;
  ingress: RuleId | null;
  readonly settled: Set<Standing>;
  untracked: boolean;
}

class Run {
  readonly logs: LogPrefix[] = [];
  readonly counted: Name[] = [];
  readonly label: Kept = { egress: null, ingress: null, settled: new Set(), untracked: false };
  rejected: Outcome["rejected"] = null;
  readonly #ruleset: Ruleset;
  #sighting: Sighting | undefined;

  constructor(ruleset: Ruleset) {
    this.#ruleset = ruleset;
  }

  /** False if the packet ends here. */
  hook(sighting: Sighting): boolean {
    const before = { ...sighting, ...sighting.untranslated };
    const chains = [...this.#ruleset.chains.values()].filter(({ base }) => base?.hook === sighting.hook);
    chains.sort((a, b) => (a.base?.priority ?? 0) - (b.base?.priority ?? 0));
    return chains.every((chain) => {
      this.#sighting = (chain.base?.priority ?? 0) < translationPriority ? before : sighting;
      return this.chain(chain, 0) !== "drop";
    });
  }

  get #seen(): Sighting {
    return this.#sighting as Sighting;
  }

  /** Else there is no connection that could carry a label. */
  get #isTracked(): boolean {
    return !this.label.untracked && this.#seen.state !== "invalid";
  }

  chain({ name, rules }: Chain, depth: number): End {
    if (depth > 6) throw new Error(`${name} is ${depth} jumps deep`);
    for (const rule of rules) {
      const end = this.#rule(rule, depth);
      if (end !== undefined) return end;
    }
    return "return";
  }

  #rule(rule: Rule, depth: number): End | undefined {
    if (!rule.when.every((condition) => holds(condition, this.#seen, this.#ruleset, this.label))) return undefined;
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
        existing(new Map([...this.#ruleset.counters].map((name) => [name, name])), statement.counter);
        this.counted.push(statement.counter);
        return undefined;
      case "label":
        if (this.#isTracked) this.label[statement.direction] = statement.rule;
        return undefined;
      case "settle":
        if (this.#isTracked) this.label.settled.add(statement.in);
        return undefined;
      case "notrack":
        this.label.untracked = true;
        return undefined;
      case "reject":
        this.rejected = statement.with;
        return "drop";
      case "dispatch": {
        const key = keyOf(statement.key, this.#seen);
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
    }
  }

  /** A chain that ends or returns goes on behind the jump. */
  #jump(to: Name, depth: number): End | undefined {
    const end = this.chain(existing(this.#ruleset.chains, to), depth + 1);
    return end === "return" ? undefined : end;
  }
}

function holds(condition: Condition, sighting: Sighting, ruleset: Ruleset, kept: Kept): boolean {
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
    case "network": {
      const address = partOf(condition.field, sighting);
      if (address === undefined) return false;
      const [first, last] = rangeOf(condition.network);
      const value = numberOf(address as Element);
      return first <= value && value <= last;
    }
    case "interface": {
      const name = condition.field === "iifname" ? sighting.from : sighting.to;
      return condition.prefix ? name.startsWith(condition.name) : name === condition.name;
    }
    case "connection":
      return isInState(kept.untracked ? "untracked" : sighting.state, condition.state);
    case "settled":
      return kept.settled.has(condition.in);
    case "localSource":
      return sighting.localSource !== condition.not;
    case "localDestination":
      return sighting.localDestination ?? false;
    case "overLimit":
      // One packet is none too many.
      existing(ruleset.sets, condition.set);
      return false;
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

/** What is related counts as established (text.ts). */
function isInState(state: string, asked: string): boolean {
  return state === asked || (state === "related" && asked === "established");
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

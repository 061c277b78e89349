import type { Cidr } from "../core/address.ts";
import type { RuleId } from "../core/rule-id.ts";
import { defaultFailsafe, type Failsafe, type FailsafePort } from "./failsafe.ts";
import { canonicalJson, contentHash, contentRuleId } from "./hash.ts";
import { isHost, isOpenHost, isPod } from "./labels.ts";
import type { Peer, Policy, Ports, Rule, Tier } from "./model.ts";
import type {
  Applicability,
  BlockId,
  Direction,
  Instruction,
  Match,
  NotEnforced,
  PolicyList,
  Program,
  RuleOrigin,
  SetDefinition,
  SetId,
} from "./program.ts";
import { canonical, type Selector } from "./selector/syntax.ts";
import { tiersInOrder } from "./tiers.ts";

const profileTier = "__PROFILE__";
const failsafeTier = "__FAILSAFE__";

/**
 * Turns the policies in force into one Program; staged ones are left out (staged.ts makes them count). Pure: the same policies in any
 * order give the same Program and revision.
 */
export function compile(
  tiers: readonly Tier[],
  policies: readonly Policy[],
  failsafe: Failsafe = defaultFailsafe,
): Program {
  const builder = new Builder();
  builder.addFailsafe(failsafe);
  const inForce = policies.filter(({ staged }) => staged === null);
  const stages = tiersInOrder(tiers, inForce).filter(({ policies }) => policies.length > 0);
  for (const [stage, { tier, policies }] of stages.entries())
    for (const policy of policies) for (const list of policy.lists) builder.addPolicy(list, stage, tier, policy);
  builder.addEnd(
    stages.length,
    stages.flatMap(({ policies }) => policies),
  );
  builder.addProfiles(stages.length);
  return builder.program();
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

class Builder {
  readonly #sets = new Map<SetId, SetDefinition>();
  readonly #blocks = new Map<BlockId, readonly Instruction[]>();
  readonly #applies: Applicability[] = [];
  readonly #rules = new Map<RuleId, RuleOrigin>();
  readonly #notEnforced = new Map<RuleId, NotEnforced>();

  addFailsafe(failsafe: Failsafe): void {
    for (const direction of ["egress", "ingress"] as const) {
      const origin = { tier: failsafeTier, kind: "failsafe", namespace: null, name: "failsafe", direction };
      const rules = failsafe[direction].map((port, index) => {
        const when = this.#failsafeMatches(direction, port);
        return this.#instruction({ ...origin, action: "allow", rule: index }, when, [when]);
      });
      const otherwise = this.#instruction({ ...origin, action: "pass", rule: -1 }, [], []);
      const entry = { list: "failsafe", direction, selector: canonical(isHost), stage: 0 } as const;
      this.#applies.push({ ...entry, block: this.#block(rules), otherwise });
    }
  }

  #failsafeMatches(direction: Direction, { protocol, port, net }: FailsafePort): readonly Match[] {
    const field = direction === "ingress" ? "source" : "destination";
    return [
      { field: "protocol", is: protocol, not: false },
      ...(net === null ? [] : [{ field, in: this.#set({ kind: "cidrs", cidrs: [net] }), not: false } as const]),
      { field: "destinationPort", ranges: [{ from: port, to: port }], named: [], not: false },
    ];
  }

  addPolicy(list: PolicyList, stage: number, tier: Tier, policy: Policy): void {
    for (const direction of ["egress", "ingress"] as const) {
      const rules = policy[direction];
      if (rules === null) continue;
      const origin = { tier: tier.name, kind: policy.kind, namespace: policy.namespace, name: policy.name, direction };
      // These lists have no end of their own: what they do not decide the next list does.
      const defaultAction = list === "preDnat" || list === "untracked" ? "pass" : tier.defaultAction;
      this.#applies.push({
        list,
        direction,
        selector: canonical(policy.selector),
        stage,
        block: this.#addBlock(origin, rules),
        otherwise: this.#instruction({ ...origin, action: defaultAction, rule: -1 }, [], []),
      });
    }
  }

  /** What a host forwards is allowed if no policy is about it, and denied if some are and none decided. */
  addEnd(stage: number, policies: readonly Policy[]): void {
    for (const { selector, lists, ...rules } of policies.filter(({ lists }) => lists.includes("forward")))
      for (const direction of ["egress", "ingress"] as const) {
        if (rules[direction] === null) continue;
        const origin = { tier: profileTier, kind: "end", namespace: null, name: "forward", direction };
        const otherwise = this.#instruction({ ...origin, action: "deny", rule: -1 }, [], []);
        const entry = { list: "forward", direction, selector: canonical(selector), stage } as const;
        this.#applies.push({ ...entry, block: this.#block([]), otherwise });
      }
  }

  /**
   * What becomes of that which no policy decides: pods have the profile kns.NAMESPACE, which allows everything; a host endpoint is
   * denied everything unless a profile of its own allows it.
   */
  addProfiles(stage: number): void {
    for (const { selector, name, allows } of [
      { selector: isPod, name: "kns", allows: true },
      { selector: isOpenHost, name: "projectcalico-default-allow", allows: true },
      { selector: isHost, name: "none", allows: false },
    ])
      for (const direction of ["egress", "ingress"] as const) {
        const origin = { tier: profileTier, kind: "pro", namespace: null, name, direction };
        const rules = allows ? [this.#instruction({ ...origin, action: "allow", rule: 0 }, [], [])] : [];
        const otherwise = this.#instruction({ ...origin, action: "deny", rule: -1 }, [], []);
        const entry = { list: "normal", direction, selector: canonical(selector), stage } as const;
        this.#applies.push({ ...entry, block: this.#block(rules), otherwise });
      }
  }

  program(): Program {
    const content = {
      sets: [...this.#sets].sort(byKey),
      blocks: [...this.#blocks].sort(byKey),
      applies: this.#applies,
    };
    const revision = contentHash(content, 16);
    const notEnforced = [...this.#notEnforced.values()];
    return {
      revision,
      sets: this.#sets,
      blocks: this.#blocks,
      applies: this.#applies,
      rules: this.#rules,
      notEnforced,
    };
  }

  #addBlock(origin: Omit<RuleOrigin, "action" | "rule">, rules: readonly Rule[]): BlockId {
    const written = [...Map.groupBy(rules, ({ index }) => index).values()];
    return this.#block(written.flatMap((parts) => this.#instructions(origin, parts)));
  }

  /**
   * All parts of one rule as the user wrote it share its id. Of a rule that allows (or logs) those that cannot be enforced are left
   * out; one that denies or passes would let through what it should catch, so it denies everything.
   */
  #instructions(origin: Omit<RuleOrigin, "action" | "rule">, parts: readonly Rule[]): readonly Instruction[] {
    const { action, index } = parts[0] as Rule;
    const rule: RuleOrigin = { ...origin, action, rule: index };
    const missing = [...new Set(parts.flatMap(({ notEnforced }) => notEnforced))];
    if (missing.length > 0) this.#notEnforced.set(contentRuleId(rule), { rule, parts: missing });
    if (missing.length > 0 && (action === "deny" || action === "pass"))
      return [this.#instruction({ ...rule, action: "deny" }, [], [])];
    const enforced = parts.filter(({ notEnforced }) => notEnforced.length === 0);
    const matches = enforced.map((part) => this.#matchesOf(part));
    return matches.map((when) => this.#instruction(rule, when, matches));
  }

  #instruction(origin: RuleOrigin, when: readonly Match[], content: readonly (readonly Match[])[]): Instruction {
    const id = contentRuleId({ origin, content });
    this.#rules.set(id, origin);
    return { id, when, verdict: origin.action === "pass" ? "next" : origin.action };
  }

  #block(instructions: readonly Instruction[]): BlockId {
    const id = `b${contentHash(instructions, 16)}` as BlockId;
    this.#blocks.set(id, instructions);
    return id;
  }

  #matchesOf(rule: Rule): readonly Match[] {
    return [
      ...(rule.family === null ? [] : [{ field: "family", is: rule.family } as const]),
      ...(rule.protocol === null ? [] : [{ field: "protocol", is: rule.protocol, not: false } as const]),
      ...(rule.notProtocol === null ? [] : [{ field: "protocol", is: rule.notProtocol, not: true } as const]),
      ...(rule.icmp === null ? [] : [{ field: "icmp", ...rule.icmp, not: false } as const]),
      ...(rule.notIcmp === null ? [] : [{ field: "icmp", ...rule.notIcmp, not: true } as const]),
      ...this.#peerMatches("source", rule.source),
      ...this.#peerMatches("destination", rule.destination),
    ];
  }

  #peerMatches(field: "source" | "destination", peer: Peer): readonly Match[] {
    const inSet = (definition: SetDefinition, not: boolean): Match => ({ field, in: this.#set(definition), not });
    const selected = (selector: Selector | null, not: boolean) =>
      selector === null ? [] : [inSet({ kind: "selector", selector: canonical(selector) }, not)];
    const within = (cidrs: readonly Cidr[], not: boolean) =>
      cidrs.length === 0
        ? []
        : [inSet({ kind: "cidrs", cidrs: cidrs.toSorted((a, b) => compareTexts(a.text, b.text)) }, not)];
    return [
      ...selected(peer.selector, false),
      ...selected(peer.notSelector, true),
      ...(peer.nodes === null ? [] : [inSet({ kind: "nodes", selector: canonical(peer.nodes) }, false)]),
      ...this.#serviceMatches(field, peer),
      ...within(peer.nets, false),
      ...within(peer.notNets, true),
      ...this.#portMatches(field, peer, peer.ports, false),
      ...this.#portMatches(field, peer, peer.notPorts, true),
    ];
  }

  #serviceMatches(field: "source" | "destination", { service }: Peer): readonly Match[] {
    if (service === null) return [];
    if (field === "source")
      return [{ field, in: this.#set({ kind: "service", ...service, with: "addresses" }), not: false }];
    const ports = this.#set({ kind: "service", ...service, with: "ports" });
    return [{ field: "destinationPort", ranges: [], named: [ports], not: false }];
  }

  #portMatches(field: "source" | "destination", peer: Peer, ports: Ports | null, not: boolean): readonly Match[] {
    if (ports === null) return [];
    const selector = canonical(peer.selector ?? { op: "all" });
    const named = [...new Set(ports.names)].sort().map((port) => this.#set({ kind: "port", selector, port }));
    const ranges = ports.ranges.toSorted((a, b) => a.from - b.from || a.to - b.to);
    return [{ field: `${field}Port`, ranges, named, not }];
  }

  #set(definition: SetDefinition): SetId {
    const content =
      definition.kind === "cidrs" ? { ...definition, cidrs: definition.cidrs.map(({ text }) => text) } : definition;
    const id = `s${contentHash(content, 16)}` as SetId;
    this.#sets.set(id, definition);
    return id;
  }
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return compareTexts(a, b);
}

/** The text whose hash is the revision, for archives and diffs. */
export function canonicalText(program: Program): string {
  return canonicalJson({
    sets: [...program.sets].sort(byKey),
    blocks: [...program.blocks].sort(byKey),
    applies: program.applies,
  });
}

import type { Cidr } from "../core/address.ts";
import { exact } from "../core/exact.ts";
import type { RuleId } from "../core/rule-id.ts";
import type { Failsafe, FailsafePort } from "./failsafe.ts";
import { contentHash, contentRuleId } from "./hash.ts";
import { isHost, isOpenHost, isPod } from "./labels.ts";
import type { Peer, Policy, Ports, Rule, Tier } from "./model.ts";
import type {
  BlockId,
  Direction,
  Instruction,
  Match,
  NotEnforced,
  PolicyList,
  RuleOrigin,
  SetDefinition,
  SetId,
} from "./program.ts";
import type { ProgramSettings } from "./program-settings.ts";
import { type Entry, hashesOf } from "./revision.ts";
import { canonical, type Selector } from "./selector/syntax.ts";

/** What one policy adds to a Program. Everything in it is named by its content, so policies that say the same share it. */
export interface Piece {
  /** In the stage of its tier. */
  readonly entries: readonly Entry[];
  /** In the last stage, after all tiers. */
  readonly endEntries: readonly Entry[];
  readonly sets: ReadonlyMap<SetId, SetDefinition>;
  readonly blocks: ReadonlyMap<BlockId, readonly Instruction[]>;
  readonly rules: ReadonlyMap<RuleId, RuleOrigin>;
  readonly notEnforced: ReadonlyMap<RuleId, NotEnforced>;
  /** Of `entries` and of `endEntries`, for the revision. */
  readonly hashes: readonly string[];
  readonly endHashes: readonly string[];
}

const failsafeTier = "__FAILSAFE__";
const profileTier = "__PROFILE__";
const settingTier = "__SETTING__";
const directions = ["egress", "ingress"] as const;

/** The same policy in a tier with the same default gives the same piece. */
export function compilePolicy(tier: Tier, policy: Policy): Piece {
  const builder = new PieceBuilder();
  for (const list of policy.lists) builder.addPolicy(list, tier, policy);
  if (policy.lists.includes("forward")) builder.addEnd(policy);
  return builder.piece();
}

/**
 * What holds without any policy: ports of hosts that none closes, and what becomes of that which none decides. Pods have the profile
 * kns.NAMESPACE, which allows everything; a host endpoint is denied everything unless a profile of its own allows it.
 */
export function compileFixed(failsafe: Failsafe, { podToHost }: ProgramSettings): Piece {
  const builder = new PieceBuilder();
  builder.addFailsafe(failsafe);
  if (podToHost !== "policy") builder.addToOwnNode(podToHost);
  builder.addProfile("kns", isPod, true);
  builder.addProfile("projectcalico-default-allow", isOpenHost, true);
  builder.addProfile("none", isHost, false);
  return builder.piece();
}

class PieceBuilder {
  readonly #sets = new Map<SetId, SetDefinition>();
  readonly #blocks = new Map<BlockId, readonly Instruction[]>();
  readonly #entries: Entry[] = [];
  readonly #endEntries: Entry[] = [];
  readonly #rules = new Map<RuleId, RuleOrigin>();
  readonly #notEnforced = new Map<RuleId, NotEnforced>();

  addFailsafe(failsafe: Failsafe): void {
    for (const direction of directions) {
      this.#addFailsafeList("failsafe", direction, failsafe[direction]);
      this.#addFailsafeList("answers", direction, failsafe[direction === "egress" ? "ingress" : "egress"]);
    }
  }

  #addFailsafeList(list: "failsafe" | "answers", direction: Direction, ports: readonly FailsafePort[]): void {
    const origin = { tier: failsafeTier, kind: "failsafe", namespace: null, name: list, direction };
    const rules = ports.map((port, index) => {
      const when = this.#failsafeMatches(list, direction, port);
      return this.#instruction({ ...origin, action: "allow", rule: index }, when, [when]);
    });
    const otherwise = this.#instruction({ ...origin, action: "pass", rule: -1 }, [], []);
    const entry = { list, direction, selector: canonical(isHost) } as const;
    this.#endEntries.push({ ...entry, block: this.#block(rules), otherwise });
  }

  /** Of who deals with the host the net is told; its port, or that of the host, is where the connection goes or comes from. */
  #failsafeMatches(
    list: "failsafe" | "answers",
    direction: Direction,
    { protocol, port, net }: FailsafePort,
  ): readonly Match[] {
    const field = direction === "ingress" ? "source" : "destination";
    const portField = list === "failsafe" ? "destinationPort" : "sourcePort";
    return [
      { field: "protocol", is: protocol, not: false },
      ...(net === null ? [] : [{ field, in: this.#set({ kind: "cidrs", cidrs: [net] }), not: false } as const]),
      { field: portField, ranges: [{ from: port, to: port }], named: [], not: false },
    ];
  }

  /** The whole list is its end. */
  addToOwnNode(action: "allow" | "deny"): void {
    const direction = "ingress";
    const origin = { tier: settingTier, kind: "setting", namespace: null, name: "podToHost", direction } as const;
    const otherwise = this.#instruction({ ...origin, action, rule: -1 }, [], []);
    const entry = { list: "toOwnNode", direction, selector: canonical(isPod) } as const;
    this.#endEntries.push({ ...entry, block: this.#block([]), otherwise });
  }

  addPolicy(list: PolicyList, tier: Tier, policy: Policy): void {
    for (const direction of directions) {
      const rules = policy[direction];
      if (rules === null) continue;
      const origin = { tier: tier.name, kind: policy.kind, namespace: policy.namespace, name: policy.name, direction };
      // These lists have no end of their own: what they do not decide the next list does.
      const defaultAction = list === "preDnat" || list === "untracked" ? "pass" : tier.defaultAction;
      this.#entries.push({
        list,
        direction,
        selector: canonical(policy.selector),
        block: this.#addBlock(origin, rules),
        otherwise: this.#instruction({ ...origin, action: defaultAction, rule: -1 }, [], []),
      });
    }
  }

  /** What a host forwards is allowed if no policy is about it, and denied if some are and none decided. */
  addEnd(policy: Policy): void {
    for (const direction of directions.filter((each) => policy[each] !== null)) {
      const otherwise = this.#end("end", "forward", direction);
      this.#endEntries.push({
        list: "forward",
        direction,
        selector: canonical(policy.selector),
        block: this.#block([]),
        otherwise,
      });
    }
  }

  addProfile(name: string, selector: Selector, allows: boolean): void {
    for (const direction of directions) {
      const origin = { tier: profileTier, kind: "pro", namespace: null, name, direction };
      const rules = allows ? [this.#instruction({ ...origin, action: "allow", rule: 0 }, [], [])] : [];
      const otherwise = this.#end("pro", name, direction);
      const entry = { list: "normal", direction, selector: canonical(selector) } as const;
      this.#endEntries.push({ ...entry, block: this.#block(rules), otherwise });
    }
  }

  piece(): Piece {
    return {
      entries: exact(this.#entries),
      endEntries: this.#endEntries,
      sets: this.#sets,
      blocks: this.#blocks,
      rules: this.#rules,
      notEnforced: this.#notEnforced,
      hashes: hashesOf(this.#entries),
      endHashes: hashesOf(this.#endEntries),
    };
  }

  #end(kind: string, name: string, direction: Direction): Instruction {
    const origin = { tier: profileTier, kind, namespace: null, name, direction };
    return this.#instruction({ ...origin, action: "deny", rule: -1 }, [], []);
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
    const matches = enforced.map((part) => exact(this.#matchesOf(part)));
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

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

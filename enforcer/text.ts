// The only place where nft text is made (nft(8)). Every value is a number, a checked name, an Element or a RuleId.
import { SluiceError } from "../core/errors.ts";
import { bitsOf, tryParseRuleId } from "../core/rule-id.ts";
import type { Direction } from "../policy/program.ts";
import { isInterfaceName } from "./element.ts";
import {
  type Command,
  type Condition,
  type DataType,
  type Field,
  type LogPrefix,
  type MapVerdict,
  nameOf,
  type Rule,
  reasons,
  type SetHeader,
  type Standing,
  type Statement,
  type Transaction,
} from "./ruleset.ts";

export const tableFamily = "inet";
export const tableName = "sluice";
export const table = `${tableFamily} ${tableName}`;

/** One command a line, in order. */
export function textOf(transaction: Transaction): string {
  return transaction.flatMap((command) => linesOf(command)).join("\n");
}

export function ruleText(rule: Rule): string {
  return [...rule.when.map(conditionText), ...rule.statements.map(statementText)].join(" ");
}

function linesOf(command: Command): readonly string[] {
  switch (command.verb) {
    case "add-table":
      return [`add table ${table}`];
    case "delete-table":
      return [`delete table ${table}`];
    case "add-set":
      return [`add set ${table} ${nameOf(command.set.name)} { ${setText(command.set)} }`];
    case "add-map":
      return [`add map ${table} ${nameOf(command.map.name)} { type ${typeText(command.map.type)} : verdict ; }`];
    case "add-counter":
      return [`add counter ${table} ${nameOf(command.name)}`];
    case "add-chain":
      return [`add chain ${table} ${nameOf(command.chain.name)}${hookText(command.chain.base)}`];
    case "add-elements":
      return elements("add", command.set, command.elements);
    case "delete-elements":
      return elements("delete", command.set, command.elements);
    case "add-entries":
      return elements(
        "add",
        command.map,
        [...command.entries].map(([key, to]) => `${key} : ${verdictText(to)}`),
      );
    case "delete-entries":
      return elements("delete", command.map, command.keys);
    case "add-rules":
      return command.rules.map((rule) => `add rule ${table} ${nameOf(command.chain)} ${ruleText(rule)}`);
    case "flush-chain":
      return [`flush chain ${table} ${nameOf(command.chain)}`];
    case "delete-chain":
      return [`delete chain ${table} ${nameOf(command.name)}`];
    case "delete-map":
      return [`delete map ${table} ${nameOf(command.name)}`];
    case "delete-set":
      return [`delete set ${table} ${nameOf(command.name)}`];
    case "delete-counter":
      return [`delete counter ${table} ${nameOf(command.name)}`];
  }
}

function elements(verb: "add" | "delete", name: string, texts: readonly string[]): readonly string[] {
  return texts.length === 0 ? [] : [`${verb} element ${table} ${nameOf(name)} { ${texts.join(", ")} }`];
}

function setText(set: SetHeader): string {
  const timeout = set.timeoutMs === undefined ? "" : ` timeout ${integer(set.timeoutMs)}ms ;`;
  const flags = set.flag === null ? "" : ` flags ${set.flag === "dynamic" ? "dynamic,timeout" : set.flag} ;`;
  const size = set.size === undefined ? "" : ` size ${integer(set.size)} ;`;
  return `type ${typeText(set.type)} ;${flags}${timeout}${size}`;
}

function typeText(type: readonly DataType[]): string {
  return type.join(" . ");
}

function hookText(base: { readonly hook: string; readonly priority: number } | null): string {
  if (base === null) return "";
  return ` { type filter hook ${base.hook} priority ${integer(base.priority)} ; policy accept ; }`;
}

function verdictText(verdict: MapVerdict): string {
  return verdict.verdict === "jump" ? `jump ${nameOf(verdict.to)}` : verdict.verdict;
}

const fields: Readonly<Record<Field, string>> = {
  iifname: "iifname",
  oifname: "oifname",
  saddr4: "ip saddr",
  daddr4: "ip daddr",
  saddr6: "ip6 saddr",
  daddr6: "ip6 daddr",
  hoplimit6: "ip6 hoplimit",
  protocol: "meta l4proto",
  sport: "th sport",
  dport: "th dport",
  icmpType: "@th,0,8",
  icmpTypeAndCode: "@th,0,16",
};

function conditionText(condition: Condition): string {
  switch (condition.if) {
    case "family":
      return `meta nfproto ${condition.is === 4 ? "ipv4" : "ipv6"}`;
    case "number":
      return `${fields[condition.field]} ${negation(condition.not)}${rangeText(condition.from, condition.to)}`;
    case "member":
      return `${keyText(condition.key)} ${negation(condition.not)}@${nameOf(condition.set)}`;
    case "network":
      return `${fields[condition.field]} ${networkText(condition.network)}`;
    case "interface":
      return `${condition.field} "${interfaceText(condition.name)}${condition.prefix ? "*" : ""}"`;
    case "connection":
      return `ct state ${condition.state === "established" ? "established,related" : condition.state}`;
    case "settled":
      return `ct label ${settledBits[condition.in]}`;
    case "localSource":
      return `fib saddr type ${negation(condition.not)}local`;
    case "localDestination":
      return "fib daddr type local";
    case "overLimit": {
      const { set, of, source, perSecond, burst } = condition;
      const limit = `limit rate over ${integer(perSecond)}/second burst ${integer(burst)} packets`;
      return `update @${nameOf(set)} { ${integer(of)} . ${fields[source]} ${limit} }`;
    }
  }
}

function statementText(statement: Statement): string {
  switch (statement.do) {
    case "log": {
      const { group, snaplen } = statement;
      return `log prefix "${prefixText(statement.prefix)}" group ${integer(group)} snaplen ${integer(snaplen)}`;
    }
    case "count":
      return `counter name "${nameOf(statement.counter)}"`;
    case "label":
      return `ct label set ${labelBits(statement.rule, statement.direction).join(" | ")}`;
    case "settle":
      return `ct label set ${settledBits[statement.in]}`;
    case "dispatch":
      return `${keyText(statement.key)} vmap @${nameOf(statement.map)}`;
    case "jump":
      return `jump ${nameOf(statement.to)}`;
    case "reject":
      return `reject with ${statement.with === "tcp-reset" ? "tcp reset" : "icmpx admin-prohibited"}`;
    case "notrack":
    case "accept":
    case "drop":
    case "return":
      return statement.do;
  }
}

/** `D|E|0123456789abcdef` or `D|E|spoofed`; collectors read it back. */
export function prefixText({ action, direction, because }: LogPrefix): string {
  const known = tryParseRuleId(because) ?? reasons.find((reason) => reason === because);
  if (known === undefined) throw new SluiceError("NFT_FAILED", "a log prefix names neither a rule nor a reason");
  return `${action}|${direction === "egress" ? "E" : "I"}|${known}`;
}

/** Of each half of the label the one bit that no rule id uses. */
export const settledBits: Readonly<Record<Standing, number>> = { force: 127, pending: 63 };

/**
 * Bits of a rule in a connection's label. The kernel adds them to those that are set already (nf_connlabels_replace with the data as
 * its own mask).
 */
function labelBits(rule: string, direction: Direction): readonly number[] {
  const id = tryParseRuleId(rule);
  if (id === undefined) throw new SluiceError("NFT_FAILED", "a label names no rule");
  return bitsOf(id).map((bit) => bit + (direction === "egress" ? 0 : 64));
}

function keyText(key: readonly Field[]): string {
  return key.map((field) => fields[field]).join(" . ");
}

function rangeText(from: number, to: number): string {
  return from === to ? integer(from) : `${integer(from)}-${integer(to)}`;
}

function negation(not: boolean): string {
  return not ? "!= " : "";
}

function interfaceText(name: string): string {
  if (!isInterfaceName(name)) throw new SluiceError("NFT_FAILED", "an interface name holds what nft may not see");
  return name;
}

function networkText(network: string): string {
  if (!/^[0-9a-f.:]{2,45}(\/\d{1,3})?$/.test(network))
    throw new SluiceError("NFT_FAILED", "a network holds what nft may not see");
  return network;
}

function integer(value: number): string {
  if (!Number.isInteger(value)) throw new SluiceError("NFT_FAILED", `${value} is no integer`);
  return String(value);
}

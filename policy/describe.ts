import { describeSelector, nounOf } from "./describe-selector.ts";
import { policyPath } from "./kind-names.ts";
import type { Peer, Policy, Ports, Rule } from "./model.ts";
import { protocolName } from "./protocol.ts";

/** Whom a policy selects: `pods in namespace shop with app == "web"`. */
export function describeSubject({ selector, namespace }: Policy): string {
  const noun = namespace === null ? nounOf(selector) : "pods";
  return [noun === "endpoints" ? "pods and host endpoints" : noun, describeSelector(selector)]
    .filter((part) => part !== "")
    .join(" ");
}

/** A rule as a sentence: `deny TCP to port 80 from pods in namespace dev`. Several parts of one rule are alternatives. */
export function describeRule(parts: readonly Rule[]): string {
  const first = parts[0] as Rule;
  const alternatives = [...new Set(parts.map(trafficWords))];
  const failure = notEnforcedWords(parts);
  return `${actionWords[first.action]} ${alternatives.join(", or ")}${failure === null ? "" : ` (${failure})`}`;
}

/** What becomes of a rule, given by its parts, that a packet filter cannot decide; null where it can (compile.ts fails closed). */
export function notEnforcedWords(parts: readonly Rule[]): string | null {
  const missing = new Set(parts.flatMap(({ notEnforced }) => notEnforced));
  if (missing.size === 0) return null;
  const { action } = parts[0] as Rule;
  const denies = action === "deny" || action === "pass";
  const inPart = parts.some(({ notEnforced }) => notEnforced.length === 0);
  const then = denies ? "it denies everything" : inPart ? "that part of it matches nothing" : "it matches nothing";
  return `${[...missing].join(" and ")} cannot be enforced: ${then}`;
}

const actionWords: Readonly<Record<Rule["action"], string>> = {
  allow: "allow",
  deny: "deny",
  pass: "pass to the next tier:",
  log: "log",
};

function trafficWords(rule: Rule): string {
  const { source, destination } = rule;
  const parts = [
    whatWords(rule),
    ...portWords(source, "from port"),
    ...endWords(source, "from"),
    ...portWords(destination, "to port"),
    ...endWords(destination, "to"),
  ];
  return parts.join(" ");
}

function whatWords({ family, protocol, notProtocol, icmp, notIcmp }: Rule): string {
  const words = [
    ...(family === null ? [] : [`IPv${family}`]),
    ...(protocol === null ? [] : [protocolName(protocol)]),
    ...(icmp === null ? [] : [icmpWords(icmp)]),
    ...(notIcmp === null ? [] : [`but ${icmpWords(notIcmp)}`]),
    ...(notProtocol === null ? [] : [`all but ${protocolName(notProtocol)}`]),
  ];
  return words.length === 0 ? "everything" : words.join(" ");
}

const icmpWords = ({ type, code }: { readonly type: number; readonly code?: number }) =>
  `type ${type}${code === undefined ? "" : ` code ${code}`}`;

function portWords({ ports, notPorts }: Peer, preposition: string): readonly string[] {
  return [
    ...(ports === null ? [] : [`${preposition} ${portsText(ports)}`]),
    ...(notPorts === null ? [] : [`${preposition} other than ${portsText(notPorts)}`]),
  ];
}

function portsText({ ranges, names }: Ports): string {
  const numbers = ranges.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`));
  return [...numbers, ...names.map((name) => `"${name}"`)].join(", ");
}

function endWords(peer: Peer, preposition: string): readonly string[] {
  const { selector, notSelector, nodes, service, nets, notNets } = peer;
  const some = [
    ...(selector === null ? [] : [withNoun(nounOf(selector), describeSelector(selector))]),
    ...(nodes === null ? [] : [withNoun("nodes", describeSelector(nodes))]),
    ...(service === null ? [] : [`Service ${policyPath(service)}`]),
    ...(nets.length === 0 ? [] : [nets.map(({ text }) => text).join(", ")]),
  ];
  const none = [
    ...(notSelector === null ? [] : [withNoun(nounOf(notSelector), describeSelector(notSelector))]),
    ...(notNets.length === 0 ? [] : [notNets.map(({ text }) => text).join(", ")]),
  ];
  if (some.length === 0 && none.length === 0) return [];
  const begin = some.length === 0 ? "anywhere" : some.join(" that are also ");
  return [`${preposition} ${begin}${none.length === 0 ? "" : ` but not ${none.join(" or ")}`}`];
}

const withNoun = (noun: string, words: string) => (words === "" ? `all ${noun}` : `${noun} ${words}`);

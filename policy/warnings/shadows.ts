import { cidrCovers } from "../../core/address.ts";
import type { IcmpMatch, Peer, Policy, Ports, Rule } from "../model.ts";
import type { PortRange } from "../program.ts";
import { implies } from "../selector/implies.ts";
import { canonical, type Selector } from "../selector/syntax.ts";
import { directions, ruleField, type Warning, warning } from "./warning.ts";

/** Rules that are never reached, since an earlier one of the policy takes all that they match. */
export function shadowWarnings(policy: Policy): readonly Warning[] {
  return directions.flatMap((direction) => {
    const written = [...Map.groupBy(policy[direction] ?? [], ({ index }) => index).values()];
    const deciding = written.flat().filter(({ action, notEnforced }) => action !== "log" && notEnforced.length === 0);
    return written.flatMap((parts) => {
      const by = parts.map((part) => deciding.find((other) => other.index < part.index && covers(other, part)));
      const first = by[0];
      if (first === undefined || by.includes(undefined)) return [];
      const message = `is never reached: rule ${first.index} takes what it matches`;
      return [warning(policy, ruleField(direction, parts[0] as Rule), message)];
    });
  });
}

/** True if every packet that `rule` matches is matched by `earlier`, as far as the texts show it. */
export function covers(earlier: Rule, rule: Rule): boolean {
  return (
    (earlier.family === null || earlier.family === rule.family) &&
    protocolCovers(earlier, rule) &&
    (earlier.icmp === null || (rule.icmp !== null && icmpCovers(earlier.icmp, rule.icmp))) &&
    (earlier.notIcmp === null || (rule.notIcmp !== null && icmpCovers(rule.notIcmp, earlier.notIcmp))) &&
    peerCovers(earlier.source, rule.source) &&
    peerCovers(earlier.destination, rule.destination)
  );
}

function protocolCovers(earlier: Rule, { protocol, notProtocol }: Rule): boolean {
  if (earlier.protocol !== null && earlier.protocol !== protocol) return false;
  if (earlier.notProtocol === null || earlier.notProtocol === notProtocol) return true;
  return protocol !== null && protocol !== earlier.notProtocol;
}

function icmpCovers(wide: IcmpMatch, narrow: IcmpMatch): boolean {
  return wide.type === narrow.type && (wide.code === undefined || wide.code === narrow.code);
}

function peerCovers(wide: Peer, narrow: Peer): boolean {
  return (
    selectorCovers(wide.selector, narrow.selector) &&
    sameSelector(wide.notSelector, narrow.notSelector) &&
    sameSelector(wide.nodes, narrow.nodes) &&
    (wide.service === null ||
      (wide.service.name === narrow.service?.name && wide.service.namespace === narrow.service.namespace)) &&
    (wide.nets.length === 0 || netsCover(wide, narrow)) &&
    wide.notNets.every((net) => narrow.notNets.some((other) => cidrCovers(other, net))) &&
    portsCover(wide, narrow) &&
    notPortsCover(wide.notPorts, narrow.notPorts)
  );
}

function selectorCovers(wide: Selector | null, narrow: Selector | null): boolean {
  return wide === null || (narrow !== null && implies(narrow, wide));
}

function sameSelector(wide: Selector | null, narrow: Selector | null): boolean {
  return wide === null || (narrow !== null && canonical(wide) === canonical(narrow));
}

function netsCover(wide: Peer, narrow: Peer): boolean {
  return narrow.nets.length > 0 && narrow.nets.every((net) => wide.nets.some((other) => cidrCovers(other, net)));
}

/** A name stands for ports of those whom the peer selects, so it covers itself only if the peers are the same. */
function portsCover(wide: Peer, narrow: Peer): boolean {
  if (wide.ports === null) return true;
  if (narrow.ports === null) return false;
  const { ranges, names } = wide.ports;
  const sameNames = names.length > 0 && sameText(wide.selector, narrow.selector) ? names : [];
  return (
    narrow.ports.ranges.every((range) => rangeIn(ranges, range)) &&
    narrow.ports.names.every((name) => sameNames.includes(name))
  );
}

/** What the earlier rule leaves out the later one must leave out as well. */
function notPortsCover(wide: Ports | null, narrow: Ports | null): boolean {
  if (wide === null) return true;
  if (narrow === null || wide.names.length > 0) return false;
  return wide.ranges.every((range) => rangeIn(narrow.ranges, range));
}

/** Whether ranges that may touch or overlap hold every port of one. */
function rangeIn(ranges: readonly PortRange[], { from, to }: PortRange): boolean {
  const sorted = ranges.toSorted((a, b) => a.from - b.from);
  const reached = sorted.reduce((next, range) => (range.from <= next ? Math.max(next, range.to + 1) : next), from);
  return reached > to;
}

function sameText(a: Selector | null, b: Selector | null): boolean {
  return a === null || b === null ? a === b : canonical(a) === canonical(b);
}
